/**
 * A batch lands whole, and is read message by message. Whoever decides in between, or is killed and decides once more, comes to the end
 * to which he had come had he read all of it: the same refusal, or the same documents. Each row is tried at every prefix of the batch.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Decision, MusterError, readApp, readGroup, type StateKind } from "@muster/contracts";
import { decideCreate, decideDelete, decideUpdate } from "../apps/decide.ts";
import { steerDeployment } from "../deployment/steer.ts";
import { Deploying } from "../deployment/testing/deploying.ts";
import { decideRollout } from "../rollout/decide.ts";
import type { View } from "../testing/memory-bucket.ts";
import { diceOf } from "../testing/test-cluster.ts";
import { decideGroup, decideGroupCreate, decideGroupDelete } from "./decide.ts";
import { cycleThrough, needsOf } from "./graph.ts";

const NOW = 1_800_000_100_000;
/** Decides on a view; the same view gives the same decision. */
type Act = (view: View) => Decision;

const at = () => ({ now: NOW, dice: diceOf(5) });
const request = (deploymentId: string, force = false) => ({
  deploymentId,
  by: { who: "test", from: "here" },
  submitted: null,
  trace: null,
  force,
});
const small = { cmd: "a", cpus: 0.1, mem: 16, portDefinitions: [] };
const create =
  (id: string, app: string, more: object = {}): Act =>
  (view) =>
    decideCreate(view, { ...request(id), app }, readApp({ id: app, ...small, ...more }), at()).decision;
const put =
  (id: string, app: string, more: object = {}, force = false): Act =>
  (view) => {
    const read = () => readApp({ id: app, ...small, ...more });
    return decideUpdate(view, { ...request(id, force), app }, { read, mustExist: false }, at()).decision;
  };
const remove =
  (id: string, app: string): Act =>
  (view) =>
    decideDelete(view, { ...request(id, true), app }, at()).decision;
const group =
  (id: string, body: object, force = false): Act =>
  (view) =>
    decideGroup(view, request(id, force), readGroup(body), at()).decision;
const newGroup =
  (id: string, body: object): Act =>
  (view) =>
    decideGroupCreate(view, request(id), readGroup(body), at()).decision;
const removeGroup =
  (id: string, of: string): Act =>
  (view) =>
    decideGroupDelete(view, request(id), of, at()).decision;
const rollBack =
  (id: string, of: string): Act =>
  (view) =>
    steerDeployment(view, of, "rollback", request(id), { now: NOW }).decision;
/** The deployer's look at an app that has no instance left: its removal. */
const release =
  (app: string): Act =>
  (view) => {
    const rollout = decideRollout(view, view, app, null, at());
    assert.ok(rollout !== null);
    return rollout.decision;
  };

const KINDS: readonly StateKind[] = [
  "app",
  "version",
  "path",
  "port",
  "group",
  "groupversion",
  "graph",
  "rules",
  "order",
  "wanted",
  "deployment",
];
const documentsOf = (view: View): object =>
  Object.fromEntries(
    KINDS.map((kind) => [
      kind,
      [...view.kind(kind)].map(([key, { value }]) => [key, value] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
    ]),
  );

type Setup = (world: Deploying) => void;
const nothing: Setup = () => {};

function stage(setup: Setup): Deploying {
  const world = new Deploying();
  world.agent("n1");
  setup(world);
  return world;
}

const refusalOf = (act: () => unknown): string | null => {
  try {
    act();
    return null;
  } catch (cause) {
    if (cause instanceof MusterError) return cause.code;
    throw cause;
  }
};

/** As a gateway does it: decides on what it has read, and again on all of it when it lost. Answers the refusal, or null. */
function carryOut(full: Deploying, seen: View, act: Act): string | null {
  return refusalOf(() => {
    if (!full.state.commit(act(seen))) assert.ok(full.state.commit(act(full.state.snapshot())), "it lost to nobody");
  });
}

/** Plays `second` at every prefix of the batch of `first`, where `stale` may refuse it until all is read. Answers what refuses it then. */
function playAtEveryPrefix(setup: Setup, first: Act, second: Act, stale: string | null = null): string | null {
  const whole = stage(setup);
  const batch = first(whole.state.snapshot());
  assert.ok(batch.writes.length > 0);
  assert.ok(whole.state.commit(batch));
  const between = documentsOf(whole.state.snapshot());
  const refused = carryOut(whole, whole.state.snapshot(), second);
  for (let read = 0; read <= batch.writes.length; read += 1) {
    const [full, partial] = [stage(setup), stage(setup)];
    full.state.commit(batch);
    for (const { key, value } of batch.writes.slice(0, read)) partial.state.write(key, value);
    const where = `${read} of ${batch.writes.length} messages read`;
    const outcome = carryOut(full, partial.state.snapshot(), second);
    const isStale = stale !== null && outcome === stale && read < batch.writes.length;
    if (!isStale) assert.equal(outcome, refused, where);
    assert.deepEqual(
      documentsOf(full.state.snapshot()),
      isStale ? between : documentsOf(whole.state.snapshot()),
      where,
    );
    holds(full, where);
  }
  return refused;
}

/** What may never be, whatever was decided. */
function holds(world: Deploying, where: string): void {
  const view = world.state.snapshot();
  const apps = [...view.kind("app").values()].map(({ value }) => value.id);
  for (const app of apps) {
    assert.ok(!apps.some((other) => other.startsWith(`${app}/`)), `${where}: something stands below ${app}`);
    assert.equal(view.kind("path").get(app.slice(1).replaceAll("/", "_"))?.value.kind, "app", `${where}: ${app}`);
  }
  const needs = needsOf(view);
  assert.equal(cycleThrough(needs, needs.keys()), null, `${where}: a cycle`);
}

const standing =
  (...apps: (readonly [app: string, fields?: object])[]): Setup =>
  (world) => {
    for (const [app, fields = {}] of apps) world.put(app, fields);
    world.settle();
  };
const tree = { id: "/a", groups: [{ id: "b", apps: [{ id: "x", ...small, ports: [10_001] }] }] };
/** An app whose last instance is gone, and which the deployer is about to remove. */
const leaving =
  (app: string): Setup =>
  (world) => {
    world.put(app, { instances: 0, ports: [10_001] });
    world.settle();
    world.remove(app);
  };
const half = (from: string, to: string): [string, object] => [from, { dependencies: [to] }];

const ROWS: readonly (readonly [about: string, Setup, first: Act, second: Act, refused: string | null])[] = [
  ["an app, and one below it", nothing, create("d1", "/a"), create("d2", "/a/b"), "app.exists"],
  ["an app below, and the one above it", nothing, create("d1", "/a/b/c"), create("d2", "/a/b"), "app.exists"],
  ["an app below, and its neighbour", nothing, create("d1", "/a/b"), create("d2", "/a/c"), null],
  ["one app twice", nothing, create("d1", "/a"), create("d2", "/a"), "app.exists"],
  ["one port twice", nothing, create("d1", "/a", { ports: [10_001] }), create("d2", "/b", { ports: [10_001] }), null],
  ["ports that are drawn", nothing, create("d1", "/a", { ports: [0, 0] }), create("d2", "/b", { ports: [0] }), null],
  ["a group, and an app of its id", nothing, newGroup("d1", tree), create("d2", "/a/b"), "app.exists"],
  ["a group, and an app above it", nothing, newGroup("d1", tree), create("d2", "/a"), "app.exists"],
  ["a group, and an app in it", nothing, newGroup("d1", tree), create("d2", "/a/b/y"), null],
  ["an app, and a group of its id", nothing, create("d1", "/a/b"), newGroup("d2", { id: "/a/b" }), "app.exists"],
  ["one group twice", nothing, newGroup("d1", tree), newGroup("d2", tree), "group.exists"],
  ["a group that goes, and an app in it", standing(["/a/b/x"]), removeGroup("d8", "/a"), create("d9", "/a/c"), null],
  [
    "a group that goes, and an app of its id",
    standing(["/a/b/x"]),
    removeGroup("d8", "/a"),
    create("d9", "/a/b"),
    "app.exists",
  ],
  ["a creation that is undone, and an app in its group", creating, rollBack("d8", "d1"), create("d9", "/a/c"), null],
  [
    "a creation that is undone, and its group anew",
    creating,
    rollBack("d8", "d1"),
    newGroup("d9", tree),
    "group.exists",
  ],
  [
    "a change, and a forced one of the same app",
    standing(["/a"]),
    put("d8", "/a", { cmd: "b" }),
    put("d9", "/a", { cmd: "c" }, true),
    null,
  ],
  [
    "a change, and another one",
    standing(["/a"]),
    put("d8", "/a", { cmd: "b" }),
    put("d9", "/a", { cmd: "c" }),
    "app.locked",
  ],
  ["a change, and its removal", standing(["/a"]), put("d8", "/a", { cmd: "b" }), remove("d9", "/a"), null],
  [
    "a change of two apps, and of one of them by force",
    standing(["/g/a"], ["/g/b"]),
    group("d8", {
      id: "/g",
      apps: [
        { id: "a", ...small, cmd: "b" },
        { id: "b", ...small, cmd: "b" },
      ],
    }),
    put("d9", "/g/b", { cmd: "c" }, true),
    null,
  ],
];

function leavingGroup(world: Deploying): void {
  world.put("/a/b", { instances: 0 });
  world.settle();
  world.remove("/a/b");
  world.settle();
}
function creating(world: Deploying): void {
  world.group(tree, { isNew: true });
}

describe("claims and locks", () => {
  for (const [about, setup, first, second, refused] of ROWS)
    test(`${about}: ${refused ?? "both"}`, () => assert.equal(playAtEveryPrefix(setup, first, second), refused));
});

const CYCLES: readonly (readonly [about: string, Setup, first: Act, second: Act])[] = [
  ["two apps", standing(["/x"], ["/y"]), put("d8", ...half("/x", "/y")), put("d9", ...half("/y", "/x"))],
  ["two that are created", nothing, create("d8", ...half("/x", "/y")), create("d9", ...half("/y", "/x"))],
  [
    "an app and a group",
    standing(["/g/x"], ["/y"]),
    group("d8", { id: "/g", dependencies: ["/y"] }),
    put("d9", ...half("/y", "/g")),
  ],
  [
    "two groups",
    standing(["/g/x"], ["/h/y"]),
    group("d8", { id: "/g", dependencies: ["/h"] }),
    group("d9", { id: "/h", dependencies: ["/g"] }),
  ],
  [
    "an app in a group, and the group",
    standing(["/g/x"], ["/y"]),
    put("d8", ...half("/y", "/g/x")),
    group("d9", { id: "/g", dependencies: ["/y"] }),
  ],
  [
    "what a deployment may go back to, and the other half",
    (world) => {
      world.put("/x", { dependencies: ["/y"] });
      world.put("/y", {});
      world.settle();
    },
    put("d8", "/x", { cmd: "b" }),
    put("d9", ...half("/y", "/x")),
  ],
  [
    "what a later step of a deployment leads to, and the other half",
    standing(["/g/x"], ["/g/z"], ["/y"]),
    group("d8", {
      id: "/g",
      apps: [
        { id: "z", ...small, cmd: "b" },
        { id: "x", ...small, cmd: "b", dependencies: ["/g/z", "/y"] },
      ],
    }),
    put("d9", ...half("/y", "/g/x")),
  ],
  [
    "what a deployment goes back to, and the other half",
    (world) => {
      world.put("/x", { dependencies: ["/y"] });
      world.put("/y", {});
      world.settle();
      world.put("/x", { dependencies: [], cmd: "b" });
    },
    rollBack("d8", "d3"),
    put("d9", ...half("/y", "/x")),
  ],
];

const FREED: readonly (readonly [about: string, Setup, first: Act, second: Act, stale: string])[] = [
  ["an empty group, and an app of its id", leavingGroup, removeGroup("d8", "/a"), create("d9", "/a"), "app.exists"],
  ["an app, and it again", leaving("/a/b"), release("/a/b"), create("d9", "/a/b"), "app.deleting"],
  ["an app, and one below it", leaving("/a"), release("/a"), create("d9", "/a/b"), "app.exists"],
];

describe("what is given back may be had as soon as all is read, and is refused until then", () => {
  for (const [about, setup, first, second, stale] of FREED)
    test(about, () => assert.equal(playAtEveryPrefix(setup, first, second, stale), null));
});

describe("dependencies", () => {
  for (const [about, setup, first, second] of CYCLES)
    test(`each half of a cycle by itself, ${about}: the second is refused`, () =>
      assert.equal(playAtEveryPrefix(setup, first, second), "spec.invalid"));

  test("halves of no cycle both land", () => {
    const third = put("d9", ...half("/y", "/z"));
    const refused = playAtEveryPrefix(standing(["/x"], ["/y"], ["/z"]), put("d8", ...half("/x", "/y")), third);
    assert.equal(refused, null);
  });
});

describe("whoever is killed after his batch landed, and asks once more", () => {
  const AGAIN: readonly (readonly [about: string, Setup, Act])[] = [
    ["an app", nothing, create("d8", "/a/b", { ports: [0] })],
    ["a change", standing(["/a"]), put("d8", "/a", { cmd: "b" })],
    ["a change of dependencies", standing(["/x"], ["/y"]), put("d8", ...half("/x", "/y"))],
    ["a group", nothing, newGroup("d8", tree)],
    ["a change of a group", standing(["/a/b/x"]), group("d8", tree)],
    ["a removal of a group", standing(["/a/b/x"]), removeGroup("d8", "/a")],
    ["a rollback", creating, rollBack("d8", "d1")],
  ];
  for (const [about, setup, act] of AGAIN)
    test(`${about}: nothing is done twice, however much of it he has read`, () => {
      const once = stage(setup);
      const batch = act(once.state.snapshot());
      once.state.commit(batch);
      const revision = once.state.sequence;
      for (let read = 0; read <= batch.writes.length; read += 1) {
        const partial = stage(setup);
        for (const { key, value } of batch.writes.slice(0, read)) partial.state.write(key, value);
        const refused = refusalOf(() => {
          const again = act(partial.state.snapshot());
          if (again.writes.length > 0) assert.ok(!once.state.commit(again), `done twice with ${read} messages read`);
        });
        if (refused !== null) assert.ok(read < batch.writes.length, `refused ${refused} though all was read`);
        assert.equal(once.state.sequence, revision);
      }
    });
});
