import assert from "node:assert/strict";
import { test } from "node:test";
import { keys } from "@muster/contracts";
import { Deploying } from "./testing/deploying.ts";

function standing(instances: number, apps = ["/web"]): Deploying {
  const world = new Deploying();
  world.agent("n1");
  for (const app of apps) world.put(app, { instances, cmd: "a" });
  world.settle();
  return world;
}

const SLOW = { upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 } };
const attemptsOf = (world: Deploying, version: number): number[] =>
  world.placed("/web").flatMap((row) => (row.version === version ? [row.attempt] : []));

test("in a rolling upgrade the named ones go, old or new, and the upgrade goes on under its name", () => {
  const world = standing(6);
  const old = world.app("/web")?.version as number;
  const id = world.put("/web", { instances: 6, cmd: "b", ...SLOW }) as string;
  world.settle(undefined, 2);
  const version = world.app("/web")?.version as number;
  const [named, kept] = [attemptsOf(world, old).slice(0, 2), attemptsOf(world, version)];
  assert.deepEqual([named.length, kept.length], [2, 3]);
  assert.equal(world.kill("/web", old, 2, { scale: true, force: true }), id);
  assert.equal(world.app("/web")?.instances, 4);
  world.settle();
  assert.equal(world.deployment(id).state, "succeeded");
  assert.equal(world.placed("/web").length, 4);
  assert.ok(
    kept.every((attempt) => attemptsOf(world, version).includes(attempt)),
    "the new ones all stay",
  );
});

test("who is named twice goes once", () => {
  const world = standing(5);
  const { slot = 0, attempt = 0 } = world.placed("/web")[0] ?? {};
  world.killSome(new Array(3).fill({ app: "/web", slot, attempt }), { scale: true });
  world.settle();
  assert.deepEqual([world.app("/web")?.instances, world.placed("/web").length], [4, 4]);
});

test("a deployment of several apps goes on with all of them, and with less of those that lose some, now or in a later step", () => {
  const world = standing(3, ["/web", "/api", "/db"]);
  const id = world.group({
    id: "/",
    apps: [
      { id: "/db", instances: 3, cmd: "b" },
      { id: "/web", instances: 3, cmd: "b", dependencies: ["/db"] },
    ],
  }) as string;
  assert.equal(world.app("/web")?.deployment, id);
  const old = world.app("/web")?.version as number;
  assert.equal(world.kill("/web", old, 1, { scale: true, force: true }), id);
  assert.deepEqual(
    [world.app("/web")?.instances, world.app("/web")?.version],
    [2, old],
    "it stands on what it stood on",
  );
  world.settle();
  assert.equal(world.deployment(id).state, "succeeded");
  assert.deepEqual([world.placed("/db").length, world.placed("/web").length], [3, 2]);
});

test("paused, both versions are healed at what is left, and it goes on from there", () => {
  const world = standing(6);
  const old = world.app("/web")?.version as number;
  const id = world.put("/web", { instances: 6, cmd: "b", ...SLOW }) as string;
  world.settle(undefined, 2);
  world.steer(id, "pause");
  const { mix } = world.app("/web") as { mix: { fresh: number; kept: number } };
  world.kill("/web", old, 1, { scale: true, force: true });
  assert.deepEqual(world.app("/web")?.mix, { ...mix, kept: mix.kept - 1 });
  world.settle();
  assert.equal(world.placed("/web").length, mix.fresh + mix.kept - 1);
  world.steer(id, "resume");
  world.settle();
  assert.deepEqual([world.deployment(id).state, world.placed("/web").length], ["succeeded", 5]);
});

test("a canary goes on waiting for its promotion when the last old instance is named", () => {
  const world = standing(1);
  const old = world.app("/web")?.version as number;
  const id = world.put("/web", { instances: 3, cmd: "b", rollout: { strategy: "canary" } }) as string;
  world.settle();
  world.kill("/web", old, 1, { scale: true, force: true });
  world.settle();
  assert.deepEqual([world.deployment(id).state, world.deployment(id).stage], ["running", 0]);
  world.steer(id, "promote");
  world.settle();
  assert.deepEqual([world.deployment(id).state, world.placed("/web").length], ["succeeded", 2]);
});

test("an app that is being deleted is not scaled, forced or not: it would come back unasked", () => {
  const world = standing(2);
  const app = world.app("/web");
  const version = app?.version ?? 0;
  world.state.write(keys.app("/web"), { ...app, goal: "deleted" });
  assert.throws(() => world.kill("/web", version, 1, { scale: true, force: true }), /is being deleted/);
});

test("apps with a running deployment and apps without one are made smaller by one request", () => {
  const world = standing(3, ["/web", "/api"]);
  const id = world.put("/web", { instances: 3, cmd: "b", ...SLOW }) as string;
  const firstOf = (app: string) =>
    world
      .placed(app)
      .slice(-1)
      .map((row) => ({ ...row, app }));
  const other = world.killSome([...firstOf("/web"), ...firstOf("/api")], { scale: true, force: true });
  assert.notEqual(other, id, "the new one is the answer's");
  world.settle();
  assert.deepEqual([world.deployment(id).state, world.placed("/web").length], ["succeeded", 2]);
  assert.deepEqual([world.deployment(other as string).state, world.placed("/api").length], ["succeeded", 2]);
});

test("an app that was left half way stays so while it is scaled and some are named at the same time", () => {
  const world = standing(3);
  const old = world.app("/web")?.version as number;
  const canary = world.put("/web", { instances: 3, cmd: "b", rollout: { strategy: "canary" } }) as string;
  world.settle();
  world.steer(canary, "abort");
  const id = world.scale("/web", 5) as string;
  world.kill("/web", old, 1, { scale: true, force: true });
  assert.deepEqual(world.app("/web")?.mix, { version: old, fresh: 3, kept: 1 });
  world.settle();
  assert.deepEqual([world.deployment(id).state, world.placed("/web").length], ["succeeded", 4]);
});
