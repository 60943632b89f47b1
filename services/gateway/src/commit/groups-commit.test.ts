/** A change too large for one batch, and a gateway that dies at each of its commits: nobody sees a part of it, and asked again it is whole. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BATCH_MESSAGES_MAX, type StateKind } from "@muster/contracts";
import { messagesOf } from "../gateway.ts";
import { app, end, startAsking } from "../testing/asking.ts";
import type { FakeGateway } from "../testing/fake-gateway.ts";

/** Four messages for a new app, three for one that changes: more than a batch holds. Without their versions they fit. */
const [CREATED, CHANGED] = [300, 340];
assert.ok(CREATED * 4 > BATCH_MESSAGES_MAX && CHANGED * 3 > BATCH_MESSAGES_MAX);
const large = (cmd: string, count: number) => ({
  id: "/large",
  apps: Array.from({ length: count }, (_, i) => app(`a${i}`, { cmd, dependencies: i === 0 ? [] : ["/large/a0"] })),
});

/** `dead`: from the fault on nothing is committed any more. */
type Fault = { readonly at: number; readonly hasLanded: boolean; readonly isDeadly: boolean };

async function start() {
  let commits = 0;
  let fault: Fault | null = null;
  let isDead = false;
  const asking = await startAsking({
    async commit(decide) {
      const decision = decide();
      assert.ok(messagesOf(decision) <= BATCH_MESSAGES_MAX, "a server refuses it");
      commits += 1;
      const isHit = isDead || commits === fault?.at;
      if (isHit && (isDead || !fault?.hasLanded)) {
        isDead ||= fault?.isDeadly ?? false;
        throw new Error("the connection is gone");
      }
      asking.gateway.state.commit(decision);
      if (!isHit) return;
      isDead ||= fault?.isDeadly ?? false;
      throw new Error("nobody said whether it landed");
    },
  });
  return {
    ...asking,
    break(next: Fault | null): void {
      [commits, fault, isDead] = [0, next, false];
    },
    get commits() {
      return commits;
    },
  };
}

const SEEN: readonly StateKind[] = ["app", "path", "group", "groupversion", "graph", "deployment", "port"];
const seenIn = ({ state }: FakeGateway): string =>
  JSON.stringify(SEEN.map((kind) => [...state.kind(kind)].map(([key, { value }]) => [key, value]).sort()));

/** Every app has the version it names, made of the command; one deployment leads there, and all claims are held. */
function assertWhole({ state }: FakeGateway, cmd: string, count: number): void {
  const running = [...state.kind("deployment").values()].filter(({ value }) => value.state === "running");
  assert.equal(running.length, 1);
  const actions = running[0]?.value.steps.flatMap((step) => step.actions) ?? [];
  assert.equal(actions.length, count);
  for (const { app: id, to } of actions) {
    const token = id.slice(1).replaceAll("/", "_");
    assert.equal(state.kind("app").get(token)?.value.deployment, running[0]?.value.id);
    assert.equal(state.kind("version").get(`${token}.${to?.version}`)?.value.spec.cmd, cmd);
    assert.equal(state.kind("path").get(token)?.value.kind, "app");
  }
}

const WAYS = [
  { method: "POST", path: "/v2/groups", cmd: "sleep 8", done: 201, count: CREATED, isNew: true },
  { method: "PUT", path: "/v2/groups", cmd: "sleep 9", done: 200, count: CHANGED, isNew: false },
] as const;

for (const { method, path, cmd, done, count, isNew } of WAYS)
  describe(`${method} of ${count} apps`, () => {
    const begin = async () => {
      const asking = await start();
      if (!isNew) {
        for (const some of [CREATED, CHANGED]) {
          assert.equal((await asking.ask("PUT", "/v2/groups", large("sleep 1", some))).status, 200);
          end(asking.gateway);
        }
      }
      asking.break(null);
      return { asking, before: seenIn(asking.gateway) };
    };
    const ask = (asking: Awaited<ReturnType<typeof start>>) => asking.ask(method, path, large(cmd, count));

    test("it takes several commits, the last of which shows all of it", async () => {
      const { asking } = await begin();
      assert.equal((await ask(asking)).status, done);
      assert.equal(asking.commits, 3);
      assertWhole(asking.gateway, cmd, count);
    });

    for (const at of [1, 2, 3])
      for (const hasLanded of [false, true])
        test(`killed at commit ${at} ${hasLanded ? "after" : "before"} it landed: nothing or all is seen, and asked again it is whole`, async () => {
          const { asking, before } = await begin();
          asking.break({ at, hasLanded, isDeadly: true });
          assert.equal((await ask(asking)).status, 500);
          const isThere = at === 3 && hasLanded;
          if (!isThere) assert.equal(seenIn(asking.gateway), before, "a part of it is seen");
          else assertWhole(asking.gateway, cmd, count);
          asking.break(null);
          const { status, json } = await ask(asking);
          // What had landed stands as it is asked for: a creation finds it there, an update has nothing to do.
          assert.equal(status, isThere && isNew ? 409 : done, json.message);
          assertWhole(asking.gateway, cmd, count);
        });

    for (const at of [1, 2, 3])
      test(`nobody said whether commit ${at} landed: what nothing names is taken back`, async () => {
        const { asking, before } = await begin();
        const versions = new Set(asking.gateway.state.kind("version").keys());
        asking.break({ at, hasLanded: true, isDeadly: false });
        assert.equal((await ask(asking)).status, 500);
        if (at === 3) return assertWhole(asking.gateway, cmd, count);
        assert.equal(seenIn(asking.gateway), before);
        assert.deepEqual(new Set(asking.gateway.state.kind("version").keys()), versions);
        asking.break(null);
        assert.equal((await ask(asking)).status, done);
        assertWhole(asking.gateway, cmd, count);
      });
  });
