import assert from "node:assert/strict";
import { test } from "node:test";
import { type AppId, ENDED_KEPT_MAX, type PlacedRow } from "@muster/contracts";
import { Deploying } from "../deployment/testing/deploying.ts";
import { decideRollout } from "./decide.ts";
import { tallied } from "./tally.ts";
import { NOW, row } from "./testing/handmade-rows.ts";

const deployment = { id: "d1", startedAtMs: NOW } as Parameters<typeof tallied>[1];
const ended = (attempt: number, more: object = {}, version = 2) => row(attempt, "ended", version, more);

test("failures of the version count one by one, with what the last of them said", () => {
  const first = tallied(null, deployment, 2, [ended(1), ended(2, { reason: "command-not-found", exitCode: null })]);
  assert.deepEqual(first, { deployment: "d1", version: 2, failures: 2, fatal: 1, last: "n1: command-not-found" });
  const second = tallied(first, deployment, 2, [ended(3, { agent: "n2", message: "no database" })]);
  assert.deepEqual([second?.failures, second?.fatal, second?.last], [3, 1, "n2: exited with status 1: no database"]);
  assert.equal(tallied(second, deployment, 2, []), second, "a look without an end changes nothing");
});

test("what was asked to end, another version, and what ended before the deployment began are no failures of it", () => {
  const stopped = ended(4);
  const dropped = [
    ended(1, { state: "killed" }),
    ended(2, {}, 1),
    ended(3, { atMs: NOW - 1 }),
    { ...stopped, wish: { ...stopped.wish, goal: "stop" as const } },
  ];
  assert.equal(tallied(null, deployment, 2, dropped), null);
});

test("another deployment and another version begin at none; without a deployment there is nothing to judge", () => {
  const before = tallied(null, deployment, 2, [ended(1), ended(2)]);
  assert.equal(tallied(before, { ...deployment, id: "d2" } as typeof deployment, 2, []), null);
  assert.equal(tallied(before, deployment, 3, [ended(5, {}, 3)])?.failures, 1);
  assert.equal(tallied(before, undefined, 2, [ended(1)]), null);
});

const FAILING = { rollout: { maxFailures: 3 }, backoffSeconds: 0.001, maxLaunchDelaySeconds: 1 };

function endAll(world: Deploying, app: AppId, version: number, how: "killed" | "failed", count: number): void {
  const standing = world.placed(app).filter((each: PlacedRow) => each.version === version && world.isUp(app, each));
  for (const each of standing.slice(0, count)) world.end(app, each, how, "exited");
  world.place(app);
}

test("hundreds of instances that are moved meanwhile push no failure out of sight", () => {
  const world = new Deploying();
  world.agent("n1");
  world.put("/web", { instances: 2 * ENDED_KEPT_MAX, cmd: "a" });
  world.settle();
  const old = world.app("/web")?.version as number;
  const rollout = { ...FAILING.rollout, strategy: "canary", canary: 2 };
  const id = world.put("/web", { instances: 2 * ENDED_KEPT_MAX, cmd: "b", ...FAILING, rollout }) as string;
  world.fates.set(`/web ${world.app("/web")?.version}`, "broken");
  for (let i = 0; i < 40 && world.deployment(id).state === "running"; i += 1) {
    world.settle(undefined, 1);
    // Every failure of the new version is followed by more endings of the old one than are remembered.
    endAll(world, "/web", old, "killed", ENDED_KEPT_MAX + 1);
    world.now += 2_000;
  }
  assert.equal(world.deployment(id).state, "failed");
  assert.match(
    world.deployment(id).message ?? "",
    /^instances of the new version failed 8 times, the last one on n1: exited/,
  );
});

test("failures from before the deployment are not held against it", () => {
  const world = new Deploying();
  world.agent("n1");
  const first = world.put("/web", { instances: 1, cmd: "a", ...FAILING }) as string;
  world.settle();
  assert.equal(world.deployment(first).state, "succeeded");
  const version = world.app("/web")?.version as number;
  for (let i = 0; i < 5; i += 1) {
    endAll(world, "/web", version, "failed", 1);
    world.now += 1_500;
    world.settle();
  }
  const id = world.scale("/web", 2) as string;
  endAll(world, "/web", version, "failed", 1);
  world.settle();
  world.now += 1_500;
  world.settle();
  assert.equal(world.deployment(id).state, "succeeded");
});

test("an ending is counted in the batch that drops its row: whoever decides on older ground loses, and counts it once", () => {
  const world = new Deploying();
  world.agent("n1");
  world.put("/web", { instances: 3, cmd: "a", rollout: { maxFailures: "unlimited" } });
  world.fates.set(`/web ${world.app("/web")?.version}`, "broken");
  world.rollout("/web");
  world.place("/web");
  world.happen("/web");
  world.place("/web");
  const look = () => decideRollout(world.state.snapshot(), world.health.snapshot(), "/web", null, world.at)?.decision;
  const [first, second] = [look(), look()];
  const tally = () => world.state.snapshot().kind("wanted").get("web")?.value.tally;
  assert.equal(tally(), null);
  assert.ok(world.commit(first));
  assert.throws(() => world.commit(second), /lost wanted\.web/);
  assert.equal(tally()?.failures, 3);
  world.rollout("/web");
  assert.equal(tally()?.failures, 3);
});
