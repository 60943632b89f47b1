import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type AppDocument,
  type Decision,
  keys,
  type PlacedRow,
  type WaitingDocument,
  type WantedDocument,
  type WantedRow,
} from "@muster/contracts";
import { addAgent, addApp, appOf, specOf } from "../testing/builders.ts";
import { MemoryBucket } from "../testing/memory-bucket.ts";
import { decideRollout } from "./decide.ts";
import { homesOf } from "./follow.ts";

const health = new MemoryBucket();
const at = { now: 1_000, dice: () => 0.5 };

function decide(bucket: MemoryBucket, app: string): Decision {
  const rollout = decideRollout(bucket.snapshot(), health.snapshot(), app, null, at);
  assert.ok(rollout !== null);
  return rollout.decision;
}
const look = (bucket: MemoryBucket, app: string): Decision => {
  const decision = decide(bucket, app);
  assert.equal(bucket.commit(decision), true);
  return decision;
};
const wish = (bucket: MemoryBucket, app: string): readonly WantedRow[] =>
  bucket.snapshot().kind("wanted").get(app.slice(1))?.value.rows ?? [];
const placedRow = (slot: number, agent: string, goal: "run" | "stop" = "run"): PlacedRow => ({
  slot,
  attempt: 10 + slot,
  version: 1,
  goal,
  agent,
  ports: [],
  items: {},
  atMs: 0,
});
function place(bucket: MemoryBucket, app: string, rows: readonly PlacedRow[]): void {
  bucket.write(keys.placed(app), { app, rows, ended: [], history: [] });
}
function want(bucket: MemoryBucket, app: string, rows: readonly PlacedRow[]): void {
  const value: WantedDocument = {
    app,
    rows: rows.map(({ slot, attempt, version, goal }) => ({ slot, attempt, version, goal, agent: null })),
    nextAttempt: 99,
    backoffs: [],
    tally: null,
    trace: null,
  };
  bucket.write(keys.wanted(app), value);
}
const remove = (bucket: MemoryBucket, app: string, more: Partial<AppDocument> = {}) =>
  bucket.write(keys.app(app), appOf(app, 1, 0, { goal: "deleted", ...more }));

describe("an app on every agent", () => {
  test("each row names its agent and has the lowest free slot", () => {
    const bucket = new MemoryBucket();
    for (const agent of ["n1", "n2", "n3"]) addAgent(bucket, agent);
    addApp(bucket, specOf("/g", { placement: { global: true } }));
    look(bucket, "/g");
    assert.deepEqual(
      wish(bucket, "/g").map(({ slot, agent, goal }) => [slot, agent, goal]),
      [
        [0, "n1", "run"],
        [1, "n2", "run"],
        [2, "n3", "run"],
      ],
    );
    bucket.write(keys.agent("n1"), { agent: "n1", goal: "remove", fencedIncarnation: 1, atMs: 1 });
    look(bucket, "/g");
    assert.equal(wish(bucket, "/g")[0]?.goal, "stop");
    look(bucket, "/g");
    addAgent(bucket, "n4");
    look(bucket, "/g");
    assert.deepEqual(
      wish(bucket, "/g").map(({ slot, agent }) => [slot, agent]),
      [
        [1, "n2"],
        [2, "n3"],
        [0, "n4"],
      ],
    );
    const attempts = wish(bucket, "/g").map(({ attempt }) => attempt);
    assert.equal(new Set(attempts).size, attempts.length);
  });

  test("deleted, it stops everywhere and looks for nobody", () => {
    const bucket = new MemoryBucket();
    for (const agent of ["n1", "n2"]) addAgent(bucket, agent);
    addApp(bucket, specOf("/g", { placement: { global: true } }));
    look(bucket, "/g");
    remove(bucket, "/g");
    addAgent(bucket, "n3");
    look(bucket, "/g");
    assert.deepEqual(
      wish(bucket, "/g").map(({ goal }) => goal),
      ["stop", "stop"],
    );
  });
});

describe("an app that follows another one", () => {
  /** `/db` is asked for twice and stands on n1 and n2, `/sidekick` beside it. */
  function beside(): MemoryBucket {
    const bucket = new MemoryBucket();
    for (const agent of ["n1", "n2", "n3"]) addAgent(bucket, agent);
    addApp(bucket, specOf("/db", { instances: 2 }));
    addApp(bucket, specOf("/sidekick", { instances: 2, placement: { machineOf: "/db" } }));
    for (const app of ["/db", "/sidekick"]) {
      const rows = [placedRow(0, "n1"), placedRow(1, "n2")];
      want(bucket, app, rows);
      place(bucket, app, rows);
    }
    return bucket;
  }
  const goals = (bucket: MemoryBucket) => wish(bucket, "/sidekick").map(({ goal }) => goal);

  test("it stays while the other one stays, and goes where that one has gone", () => {
    const bucket = beside();
    assert.deepEqual(decide(bucket, "/sidekick").writes, []);
    place(bucket, "/db", [placedRow(0, "n2"), placedRow(1, "n3")]);
    const decision = look(bucket, "/sidekick");
    assert.deepEqual(goals(bucket), ["stop", "run", "run"]);
    const placed = bucket.snapshot().revision(keys.placed("/db"));
    assert.deepEqual(
      decision.asserts.find(({ key }) => key === keys.placed("/db")),
      { key: keys.placed("/db"), revision: placed },
    );
  });

  test("a move decided before the other one came back does not land", () => {
    const bucket = beside();
    place(bucket, "/db", [placedRow(0, "n2"), placedRow(1, "n3")]);
    const old = decide(bucket, "/sidekick");
    place(bucket, "/db", [placedRow(0, "n1"), placedRow(1, "n2")]);
    assert.equal(bucket.commit(old), false);
    assert.deepEqual(decide(bucket, "/sidekick").writes, []);
  });

  test("nobody follows what failed and is on its way back", () => {
    const bucket = beside();
    for (const rows of [[placedRow(1, "n2")], [], [placedRow(0, "n3", "stop"), placedRow(1, "n2")]]) {
      place(bucket, "/db", rows);
      assert.deepEqual(decide(bucket, "/sidekick").writes, [], JSON.stringify(rows));
    }
  });

  test("the other one has arrived when all of it is placed, when less is asked for, or when the rest finds no place", () => {
    const bucket = beside();
    const homes = () => homesOf(bucket.snapshot(), "/db");
    place(bucket, "/db", [placedRow(1, "n2")]);
    assert.equal(homes(), null);
    const waiting: Partial<WaitingDocument> = { app: "/db", count: 1, wantedRevision: 1 };
    bucket.write(keys.waiting("/db"), waiting);
    assert.equal(homes(), null, "what was said of an older wish says nothing");
    bucket.write(keys.waiting("/db"), { ...waiting, wantedRevision: bucket.snapshot().revision(keys.wanted("/db")) });
    assert.deepEqual([...(homes() ?? [])], ["n2"]);
    bucket.write(keys.waiting("/db"), null);
    bucket.write(keys.app("/db"), appOf("/db", 1, 1));
    assert.deepEqual([...(homes() ?? [])], ["n2"]);
    assert.equal(homesOf(bucket.snapshot(), "/nobody"), null);
  });
});

describe("an app that is gone", () => {
  const rules = (bucket: MemoryBucket) => bucket.snapshot().kind("rules").get("")?.value.apps;
  const hold = (app: string) => ({ app, version: 1, members: { n1: 1 }, sinceMs: 0, untilMs: 9_000 });

  test("takes its rules, what was written about them and what it held with it", () => {
    const bucket = new MemoryBucket();
    addApp(bucket, specOf("/a", { placement: { conflicts: ["/b"] } }));
    bucket.write(keys.rules, { apps: ["x", "a", "y"] });
    bucket.write(keys.neighbour("/a"), { app: "/a" });
    bucket.write(keys.hold, hold("/a"));
    remove(bucket, "/a");
    look(bucket, "/a");
    assert.deepEqual(rules(bucket), ["x", "y"]);
    assert.equal(bucket.snapshot().kind("neighbour").size, 0);
    assert.equal(bucket.snapshot().kind("hold").size, 0);
    assert.equal(bucket.snapshot().kind("app").size, 0);
  });

  test("leaves alone what others have", () => {
    const bucket = new MemoryBucket();
    addApp(bucket, specOf("/a"));
    bucket.write(keys.rules, { apps: ["x"] });
    bucket.write(keys.neighbour("/x"), { app: "/x" });
    bucket.write(keys.hold, hold("/x"));
    remove(bucket, "/a");
    const { writes } = look(bucket, "/a");
    assert.deepEqual(
      writes.filter(({ key }) => [keys.rules, keys.neighbour("/a"), keys.neighbour("/x"), keys.hold].includes(key)),
      [],
    );
  });

  test("a removal decided before another app's rules were listed does not land: nobody is dropped from the list", () => {
    const bucket = new MemoryBucket();
    addApp(bucket, specOf("/a", { placement: { conflicts: ["/b"] } }));
    bucket.write(keys.rules, { apps: ["a"] });
    remove(bucket, "/a");
    const old = decide(bucket, "/a");
    bucket.write(keys.rules, { apps: ["a", "c"] });
    assert.equal(bucket.commit(old), false);
    look(bucket, "/a");
    assert.deepEqual(rules(bucket), ["c"]);
  });
});

describe("a removal", () => {
  /** As many ports and versions as given, and nothing of the app runs any more. */
  function leaving(ports: number, versions: number): MemoryBucket {
    const bucket = new MemoryBucket();
    addApp(bucket, specOf("/a"));
    for (let i = 0; i < ports; i += 1) bucket.write(`port.${10_000 + i}`, { kind: "app", owner: "/a" });
    for (let i = 2; i < versions + 1; i += 1) addApp(bucket, specOf("/a"), i);
    remove(bucket, "/a");
    return bucket;
  }
  const left = (bucket: MemoryBucket) => {
    const state = bucket.snapshot();
    return [state.kind("app").size, state.kind("port").size, state.kind("version").size];
  };

  test("of an app that has gathered much is done in parts that each fit a batch, its present version last", () => {
    const bucket = leaving(1_050, 30);
    const sizes: number[] = [];
    for (let looks = 1; bucket.snapshot().kind("app").has("a"); looks += 1) {
      assert.ok(looks < 10, "it comes to an end");
      const rollout = decideRollout(bucket.snapshot(), health.snapshot(), "/a", null, at);
      assert.ok(rollout !== null);
      sizes.push(rollout.decision.writes.length + rollout.decision.events.length);
      assert.equal(bucket.commit(rollout.decision), true);
      const isOver = !bucket.snapshot().kind("app").has("a");
      assert.equal(rollout.lookAgainAtMs, isOver ? null : at.now, "while something is left it is looked at again");
      if (!isOver) assert.ok(bucket.snapshot().kind("version").has("a.1"), "what it is stays readable");
    }
    assert.ok(Math.max(...sizes) < 400, sizes.join());
    assert.deepEqual(left(bucket), [0, 0, 0]);
  });

  test("begun on an app that is wanted again meanwhile does not go on", () => {
    const bucket = leaving(600, 1);
    const part = decide(bucket, "/a");
    bucket.write(keys.app("/a"), appOf("/a", 1, 1));
    assert.equal(bucket.commit(part), false);
    assert.equal(left(bucket)[1], 600);
  });
});

test("placement is woken with the app's priority, and with `retry` for what failed", () => {
  for (const priority of ["high", "normal", "low"] as const) {
    const bucket = new MemoryBucket();
    addApp(bucket, specOf("/a", { placement: { priority } }));
    assert.equal(look(bucket, "/a").wakes[0]?.wakeClass, priority);
    const { slot, attempt, version } = wish(bucket, "/a")[0] as WantedRow;
    const ended = { slot, attempt, version, agent: "n1", state: "failed", reason: "exited", message: "", atMs: 0 };
    bucket.write(keys.placed("/a"), {
      app: "/a",
      rows: [],
      ended: [{ ...ended, exitCode: 1, signal: null }],
      history: [],
    });
    assert.equal(look(bucket, "/a").wakes[0]?.wakeClass, "retry");
  }
});
