import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MusterError } from "@muster/contracts";
import { currentApp } from "@muster/core";
import { parseTraceparent, type Work } from "@muster/runtime";
import { takeRound } from "./submits.ts";
import { fakeGateway } from "./testing/fake-gateway.ts";

const TRACE = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01";

const work = (sequence: number, body: string | object, more: Partial<Work> = {}): Work => ({
  subject: "muster.submit.app",
  body: new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body)),
  sequence,
  redeliveries: 0,
  revision: 0,
  healthRevision: 0,
  messageId: null,
  trace: TRACE,
  ...more,
});

describe("published specs", () => {
  test("an app is stored, under a deployment that carries the message's number", async () => {
    const gateway = await fakeGateway();
    await takeRound(gateway, [work(7, { id: "/web", cmd: "sleep 1", cpus: "0.5" }, { messageId: "m7" })]);
    assert.equal(currentApp(gateway.state, "/web")?.document.deployment, "submit-7");
    assert.deepEqual(gateway.state.kind("deployment").get("submit-7")?.value.by, { who: "submit", from: "m7" });
    const [accepted] = gateway.state.told;
    assert.ok(accepted?.type === "muster.app.accepted" && "submitted" in accepted.data);
    assert.equal(accepted.data.submitted, 7);
    assert.equal(accepted.data.understood.length, 1);
  });

  test("a second run does nothing twice", async () => {
    const gateway = await fakeGateway();
    const round = [work(7, { id: "/web", cmd: "sleep 1" }), work(8, "{")];
    await takeRound(gateway, round);
    const document = currentApp(gateway.state, "/web")?.document;
    const told = gateway.state.told.length;
    await takeRound(gateway, round);
    assert.deepEqual(currentApp(gateway.state, "/web")?.document, document);
    const ids = gateway.state.told.map((event) => `${event.type} ${event.id}`);
    assert.deepEqual(
      new Set(ids.slice(told)),
      new Set(["muster.submit.rejected 8"]),
      "the refusal is told under the same id",
    );
  });

  test("specs of one app are taken in their order", async () => {
    const gateway = await fakeGateway();
    await takeRound(gateway, [
      work(1, { id: "/web", cmd: "sleep 1" }),
      work(2, { id: "/web", cmd: "sleep 2" }),
      work(3, { id: "/web", cmd: "sleep 1" }),
    ]);
    assert.equal(currentApp(gateway.state, "/web")?.spec?.cmd, "sleep 1");
    const outcomes = gateway.state.told
      .filter(({ type }) => type !== "muster.deployment.started")
      .map(({ type, id }) => `${type} ${id}`);
    assert.deepEqual(outcomes, [
      "muster.app.accepted submit-1-accepted",
      "muster.submit.rejected 2",
      "muster.app.accepted submit-3-accepted",
    ]);
  });

  const refused = [
    ["no JSON", "{ not", "muster.submit.app", "json.malformed", 400],
    ["nothing", "", "muster.submit.app", "document.empty", 400],
    ["a tower of brackets", "[".repeat(100_000), "muster.submit.app", "document.too-deep", 400],
    ["two megabytes", "x".repeat(2_000_000), "muster.submit.app", "document.too-large", 413],
    ["a poisoned key", '{"id":"/a","__proto__":{}}', "muster.submit.app", "document.forbidden-key", 400],
    ["a wrong type", '{"id":"/a","cmd":5}', "muster.submit.app", "spec.type", 422],
    ["a subject nobody takes", "{}", "muster.submit.pod", "route.unknown", 404],
    ["a group without an id", "{}", "muster.submit.group", "spec.invalid", 422],
    ["half a group", '{"id":"/a","apps":[{}]}', "muster.submit.group", "spec.invalid", 422],
  ] as const;
  for (const [what, body, subject, code, status] of refused) {
    test(`${what} is told as refused, and never thrown`, async () => {
      const gateway = await fakeGateway();
      await takeRound(gateway, [work(9, body, { subject, messageId: "m9" })]);
      const [event] = gateway.state.told;
      assert.ok(event?.type === "muster.submit.rejected" && "code" in event.data);
      const { problems: _, message: __, ...data } = event.data;
      assert.deepEqual(data, { sequence: 9, messageId: "m9", subject, status, code });
      assert.equal(event.id, "9");
    });
  }

  test("a group is one deployment, and comes between what was published before and after it", async () => {
    const gateway = await fakeGateway();
    const app = { id: "/shop/web", cmd: "sleep 1", portDefinitions: [] };
    await takeRound(gateway, [
      work(1, app),
      work(
        2,
        {
          id: "/cellar",
          apps: [
            { ...app, id: "a" },
            { ...app, id: "b" },
          ],
        },
        { subject: "muster.submit.group" },
      ),
      work(3, { ...app, id: "/cellar/a", cmd: "sleep 2" }),
    ]);
    const deployment = gateway.state.kind("deployment").get("submit-2")?.value;
    assert.deepEqual(
      deployment?.steps.map(({ actions }) => actions.map((action) => action.app)),
      [["/cellar/a", "/cellar/b"]],
    );
    assert.ok(gateway.state.told.some(({ type, id }) => type === "muster.submit.rejected" && id === "3"));
    const before = gateway.state.told.length;
    await takeRound(gateway, [work(2, { id: "/cellar", apps: [] }, { subject: "muster.submit.group" })]);
    assert.equal(gateway.state.told.length, before, "a second run finds the first one's work");
  });

  test("bytes that are no text are told as refused", async () => {
    const gateway = await fakeGateway();
    await takeRound(gateway, [{ ...work(9, ""), body: new Uint8Array([0xff, 0xfe, 0x00]) }]);
    assert.equal(gateway.state.told[0]?.type, "muster.submit.rejected");
  });

  test("a cluster at fault is thrown, so that the message comes again; the others of the round are done", async () => {
    const gateway = await fakeGateway();
    const commit = gateway.commit;
    const failing = {
      ...gateway,
      commit: async (decide: Parameters<typeof commit>[0]) =>
        await commit(() => {
          const decision = decide();
          if (decision.writes.some(({ key }) => key === "app.bad")) throw new MusterError("cluster.not-ready", "away");
          return decision;
        }),
    };
    const round = [work(1, { id: "/bad", cmd: "sleep 1" }), work(2, { id: "/good", cmd: "sleep 1" })];
    await assert.rejects(takeRound(failing, round), /away/);
    assert.ok(currentApp(gateway.state, "/good") !== null);
    assert.equal(
      gateway.state.told.some((event) => event.type === "muster.submit.rejected"),
      false,
    );
  });

  test("the publisher's trace goes on: submit, then validate and commit", async () => {
    const gateway = await fakeGateway();
    await takeRound(gateway, [work(7, { id: "/web", cmd: "sleep 1" })]);
    const [submit, validate, deploy, commit] = gateway.spans;
    assert.deepEqual([submit?.name, submit?.kind, submit?.parent], ["submit app", "consumer", TRACE]);
    assert.deepEqual([validate?.name, validate?.parent], ["validate", submit?.traceparent]);
    assert.deepEqual([deploy?.name, deploy?.parent], ["deploy", submit?.traceparent]);
    assert.deepEqual([commit?.name, commit?.parent], ["commit", submit?.traceparent]);
    assert.ok(gateway.spans.every((span) => span.ended));
    const trace = currentApp(gateway.state, "/web")?.document.trace ?? null;
    assert.equal(parseTraceparent(trace)?.traceId, parseTraceparent(TRACE)?.traceId);
  });
});
