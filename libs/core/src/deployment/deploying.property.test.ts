/** From any state and any spec a deployment reaches its goal, and meanwhile keeps to its capacities as long as nothing fails. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Stand } from "@muster/contracts";
import fc from "fast-check";
import { configOf } from "../apps/config.ts";
import { stagesOf } from "./stages.ts";
import { Deploying } from "./testing/deploying.ts";

const RUNS = Number(process.env.MUSTER_PROPERTY_RUNS ?? 200);

const capacity = fc.constantFrom(0, 0.2, 0.5, 0.75, 1);
const spec = fc.record({
  instances: fc.integer({ min: 0, max: 6 }),
  cmd: fc.constantFrom("a", "b", "c"),
  upgradeStrategy: fc.record({ minimumHealthCapacity: capacity, maximumOverCapacity: capacity }),
  rollout: fc.record({
    strategy: fc.constantFrom("rolling", "batches", "canary", "blueGreen"),
    batches: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
    canary: fc.integer({ min: 1, max: 3 }),
    watchSeconds: fc.constantFrom(0, 5),
  }),
});
type Fields = typeof spec extends fc.Arbitrary<infer T> ? T : never;

type Step =
  | { do: "put"; fields: Fields; force: boolean }
  | { do: "turns"; count: number }
  | { do: "steer"; word: "pause" | "resume" | "promote" | "abort" | "rollback" }
  | { do: "kill"; count: number; scale: boolean; isOld: boolean }
  | { do: "wait"; seconds: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("put" as const), fields: spec, force: fc.boolean() }),
  fc.record({ do: fc.constant("turns" as const), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({
    do: fc.constant("steer" as const),
    word: fc.constantFrom("pause" as const, "resume", "promote", "abort", "rollback"),
  }),
  fc.record({
    do: fc.constant("kill" as const),
    count: fc.integer({ min: 1, max: 3 }),
    scale: fc.boolean(),
    isOld: fc.boolean(),
  }),
  fc.record({ do: fc.constant("wait" as const), seconds: fc.constantFrom(1, 10) }),
);

function take(world: Deploying, one: Step): void {
  const [running] = world.running;
  switch (one.do) {
    case "put":
      if (running === undefined || one.force) unlessDeleting(() => world.put("/web", one.fields, one.force));
      return;
    case "turns":
      world.settle(undefined, one.count);
      return;
    case "kill":
      unlessDeleting(() => kill(world, one));
      return;
    case "wait":
      world.now += one.seconds * 1_000;
      return;
    case "steer":
      if (running === undefined) return;
      try {
        world.steer(running.id, one.word);
      } catch (cause) {
        assert.match((cause as Error).message, /waits for no promotion/);
      }
  }
}

/** An app whose creation was undone goes, and is neither changed nor scaled on its way. */
function unlessDeleting(change: () => unknown): void {
  try {
    change();
  } catch (cause) {
    assert.match((cause as Error).message, /is being deleted/);
  }
}

/** Of the newest version that stands, or of the oldest. Answers how many end that were not about to. */
function kill(world: Deploying, { count, scale, isOld }: { count: number; scale: boolean; isOld: boolean }): number {
  const placed = world.placed("/web").filter(({ goal }) => goal === "run");
  if (placed.length === 0) return 0;
  const versions = placed.map((row) => row.version);
  const version = isOld ? Math.min(...versions) : Math.max(...versions);
  const wanted = world.state.snapshot().kind("wanted").get("web")?.value.rows ?? [];
  const ending = new Set(wanted.flatMap(({ goal, attempt }) => (goal === "stop" ? [attempt] : [])));
  const named = placed.filter((row) => row.version === version).slice(0, count);
  world.kill("/web", version, count, { scale, force: true });
  return named.filter(({ attempt }) => !ending.has(attempt)).length;
}

/** Lets whatever runs come to its end: a person resumes and promotes, and time passes. */
function finish(world: Deploying): void {
  for (let i = 0; i < 40; i += 1) {
    world.settle();
    const [running] = world.running;
    if (running === undefined) return;
    if (running.isPaused) world.steer(running.id, "resume");
    else if (running.reachedAtMs !== null && !running.isPromoted) {
      try {
        world.steer(running.id, "promote");
      } catch {
        // It waits for time alone.
      }
    }
    world.now += 5_000;
  }
  assert.fail(`deployments do not end: ${JSON.stringify(world.running)}`);
}

const upCount = (world: Deploying): number => world.placed("/web").filter((row) => world.isUp("/web", row)).length;

test("whatever was asked before, a deployment ends with exactly what it was asked for", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), spec, (steps, last) => {
      const world = new Deploying();
      world.agent("n1");
      for (const one of steps) take(world, one);
      finish(world);
      world.put("/web", last);
      finish(world);
      const app = world.app("/web");
      assert.equal(app?.deployment, null);
      assert.equal(app?.mix, null);
      assert.equal(app?.instances, last.instances);
      const rows = world.placed("/web");
      assert.equal(rows.length, last.instances);
      const config = (version: number) => configOf(world.state.snapshot(), "/web", version);
      assert.ok(rows.every((row) => config(row.version) === config(app?.version ?? 0) && world.isUp("/web", row)));
    }),
    { numRuns: RUNS },
  );
});

test("whichever instances are killed with scale in the middle of an upgrade, they go, and it ends with as many less", () => {
  const killing = fc.record({ count: fc.integer({ min: 1, max: 2 }), scale: fc.constant(true), isOld: fc.boolean() });
  fc.assert(
    fc.property(fc.nat(6), spec, fc.nat(6), fc.array(killing, { maxLength: 3 }), (instances, fields, turns, kills) => {
      const world = new Deploying();
      world.agent("n1");
      world.put("/web", { instances, cmd: "first" });
      world.settle();
      const id = world.put("/web", fields) as string;
      world.settle(undefined, turns);
      let left = fields.instances;
      for (const one of kills) {
        const [running] = world.running;
        left = Math.max(0, left - kill(world, one));
        assert.equal(world.app("/web")?.instances, left);
        if (running !== undefined) assert.equal(world.app("/web")?.deployment, running.id, "what runs goes on");
        world.settle(undefined, 1);
      }
      finish(world);
      assert.equal(world.app("/web")?.mix, null);
      assert.equal(world.deployment(id).state, "succeeded");
      assert.equal(upCount(world), left);
      assert.equal(world.placed("/web").length, left);
    }),
    { numRuns: RUNS },
  );
});

test("an upgrade never has fewer instances up than its least, nor more than its most or what its stages ask for", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), spec, (instances, fields) => {
      const world = new Deploying();
      world.agent("n1");
      world.put("/web", { instances, cmd: "first" });
      world.settle();
      const { version } = world.app("/web") as { version: number };
      world.put("/web", fields);
      const to: Stand = { version: version + 1, instances: fields.instances };
      const action = { app: "/web", action: "upgrade", from: { version, instances }, to, isStaged: true } as const;
      const rollout = {
        ...fields.rollout,
        waitsForPromotion: false,
        timeoutSeconds: null,
        maxFailures: null,
        rollbackOnFailure: false,
      };
      const stages = stagesOf(action, { rollout });
      const { minimumHealthCapacity, maximumOverCapacity } = fields.upgradeStrategy;
      const full = Math.ceil(fields.instances * minimumHealthCapacity);
      const least = Math.min(instances, full);
      const over = Math.floor(fields.instances * (1 + maximumOverCapacity));
      // Where both limits are equal one more is allowed; what stood before may stand until it goes.
      const most = Math.max(
        over <= full ? full + 1 : over,
        instances,
        ...stages.map(({ fresh, kept }) => fresh + kept),
      );
      const watch = () => {
        const up = upCount(world);
        assert.ok(up >= least, `${up} up, ${least} at least`);
        const placed = world.placed("/web").filter(({ goal }) => goal === "run").length;
        assert.ok(placed <= most, `${placed} placed, ${most} at most`);
      };
      for (let i = 0; i < 40 && world.running.length > 0; i += 1) {
        world.settle(watch);
        const [running] = world.running;
        if (running?.reachedAtMs != null && !running.isPromoted) {
          try {
            world.steer(running.id, "promote");
          } catch {
            // It waits for time alone.
          }
        }
        world.now += 6_000;
      }
      assert.equal(world.running.length, 0);
    }),
    { numRuns: RUNS },
  );
});
