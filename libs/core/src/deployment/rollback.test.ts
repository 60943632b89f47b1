/** What a deployment created goes again when people undo it, as on a delete; what comes back by itself keeps it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Deploying } from "./testing/deploying.ts";

function cluster(): Deploying {
  const world = new Deploying();
  world.agent("n1");
  return world;
}

/** Everything that is kept of apps, but what only ever grows. */
const keptOf = (world: Deploying): readonly string[] =>
  (["app", "version", "path", "port", "group", "groupversion", "wanted", "placed", "waiting", "order"] as const)
    .flatMap((kind) => [...world.state.snapshot().kind(kind).keys()].map((key) => `${kind}.${key}`))
    .sort();

const TREE = {
  id: "/shop",
  groups: [
    { id: "web", dependencies: ["/shop/db"], apps: [{ id: "front", instances: 2, ports: [10_004] }] },
    { id: "db", apps: [{ id: "main", ports: [10_005] }] },
  ],
};

test("an app whose first deployment is undone goes, with its claim, its version and its port; the deployments stay", () => {
  const world = cluster();
  world.fates.set(`/web ${world.now}`, "slow");
  const id = world.put("/web", { instances: 2, ports: [10_000] }) as string;
  world.settle();
  assert.ok(keptOf(world).includes("port.10000"));
  const back = world.steer(id, "rollback") as string;
  assert.deepEqual(
    world.deployment(back).steps.map(({ actions }) => actions.map(({ app, action }) => `${action} ${app}`)),
    [["delete /web"]],
  );
  world.settle();
  assert.deepEqual(keptOf(world), []);
  assert.deepEqual([world.deployment(id).state, world.deployment(back).state], ["aborted", "succeeded"]);
  assert.equal(world.deployment(id).message, `rolled back by ${back}`);
  world.put("/web", { instances: 1 });
  world.settle();
  assert.equal(world.placed("/web").length, 1);
});

test("by itself an app that was created goes back to no instance: its spec stays, and why it failed", () => {
  const world = cluster();
  world.fates.set(`/web ${world.now}`, "missing");
  const id = world.put("/web", { instances: 2, rollout: { rollbackOnFailure: true } }) as string;
  for (let i = 0; i < 5 && world.deployment(id).state === "running"; i += 1) {
    world.settle();
    world.now += 2_000;
  }
  world.settle();
  assert.match(world.deployment(id).message ?? "", /the last line it wrote$/);
  assert.notEqual(world.deployment(id).rolledBackBy, null);
  const kept = keptOf(world);
  assert.ok(kept.includes("app.web") && kept.some((key) => key.startsWith("version.web.")));
  assert.deepEqual([world.app("/web")?.instances, world.app("/web")?.goal], [0, "run"]);
  assert.match(world.state.snapshot().kind("placed").get("web")?.value.history.at(-1)?.message ?? "", /last line/);
});

for (const turns of [0, 1, 2, 3, 4, 5])
  test(`a group that was created and is undone after ${turns} turns goes whole, whatever of it was begun`, () => {
    const world = cluster();
    world.put("/other", { instances: 1 });
    world.settle();
    const before = keptOf(world);
    const id = world.group(TREE, { isNew: true }) as string;
    world.settle(undefined, turns);
    if (world.deployment(id).state !== "running") return;
    world.steer(id, "rollback");
    world.settle();
    assert.deepEqual(world.running, []);
    assert.deepEqual(keptOf(world), before);
    world.group(TREE, { isNew: true });
    world.settle();
    assert.equal(world.placed("/shop/web/front").length, 2);
  });

test("those who depend on others go before them, and only what the deployment created goes", () => {
  const world = cluster();
  world.put("/shop/db/main", { instances: 1 });
  world.settle();
  const id = world.group({
    id: "/shop",
    groups: [
      { id: "web", apps: [{ id: "front", dependencies: ["/shop/api"] }] },
      { id: "api", apps: [{ id: "orders", dependencies: ["/shop/db"] }] },
      { id: "db", apps: [{ id: "main", cmd: "b" }] },
    ],
  }) as string;
  for (let turn = 0; turn < 30 && world.deployment(id).step < 2; turn += 1) world.settle(undefined, 1);
  const back = world.steer(id, "rollback") as string;
  assert.deepEqual(
    world.deployment(back).steps.map(({ actions }) => actions.map(({ app, action }) => `${action} ${app}`)),
    [["delete /shop/web/front"], ["delete /shop/api/orders"], ["upgrade /shop/db/main"]],
  );
  world.settle();
  assert.deepEqual(
    world.apps.map((app) => app.id),
    ["/shop/db/main"],
  );
  assert.deepEqual(
    keptOf(world).filter((key) => key.startsWith("path.")),
    ["path.shop", "path.shop_api", "path.shop_db", "path.shop_db_main", "path.shop_web"],
    "groups that were there before, or in which something stands, stay",
  );
});

test("an app that somebody else has taken over stays, and so does its group", () => {
  const world = cluster();
  const id = world.group({ id: "/shop", apps: [{ id: "a" }, { id: "b", dependencies: ["/shop/a"] }] }) as string;
  world.steer(id, "pause");
  const taken = world.app("/shop/a");
  world.state.write("app.shop_a", { ...taken, deployment: null });
  world.steer(id, "rollback");
  world.settle();
  assert.deepEqual(
    world.apps.map((app) => app.id),
    ["/shop/a"],
  );
  assert.ok(keptOf(world).includes("path.shop"));
});

test("going back on the way back brings it again, as long as it is under way", () => {
  const world = cluster();
  const id = world.group(TREE, { isNew: true }) as string;
  for (let turn = 0; turn < 30 && world.deployment(id).step < 1; turn += 1) world.settle(undefined, 1);
  const back = world.steer(id, "rollback") as string;
  world.settle(undefined, 1);
  assert.equal(world.deployment(back).state, "running");
  world.steer(back, "rollback");
  world.settle();
  assert.equal(world.placed("/shop/db/main").length, 1);
  assert.ok(keptOf(world).includes("port.10005"));
});

test("whoever goes back by hand to the version that still stands restarts nobody", () => {
  const world = new Deploying();
  world.agent("n1");
  world.put("/web", { instances: 2, cmd: "a" });
  world.settle();
  const standing = world.placed("/web").map(({ attempt }) => attempt);
  world.now += 5_000;
  world.fates.set(`/web ${world.now}`, "missing");
  const id = world.put("/web", { instances: 2, cmd: "b" }) as string;
  for (let i = 0; i < 20 && world.running.length > 0; i += 1) {
    world.settle();
    world.now += 2_000;
  }
  assert.equal(world.deployment(id).state, "failed");
  world.put("/web", { instances: 2, cmd: "a" });
  world.settle();
  assert.deepEqual(world.running, []);
  assert.deepEqual([world.app("/web")?.mix, world.placed("/web").map(({ attempt }) => attempt)], [null, standing]);
});
