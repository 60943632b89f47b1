import assert from "node:assert/strict";
import { test } from "node:test";
import { keys, type PlacedRow } from "@muster/contracts";
import { runningVerdict } from "../testing/builders.ts";
import { advanceDeployment } from "./advance.ts";
import { Deploying } from "./testing/deploying.ts";

function standing(fields: object): Deploying {
  const world = new Deploying();
  world.agent("n1");
  world.put("/web", { instances: 2, cmd: "a", ...fields });
  world.settle();
  return world;
}

test("a removal that takes too long has failed, and the app does not come again", () => {
  const world = standing({ rollout: { rollbackOnFailure: true } });
  const id = world.remove("/web") as string;
  world.rollout("/web");
  world.place("/web");
  world.now += 601_000;
  assert.ok(world.advance(id));
  assert.equal(world.deployment(id).state, "failed");
  assert.deepEqual(world.running, [], "nothing goes back");
  assert.equal(world.app("/web")?.goal, "deleted");
  world.settle();
  assert.equal(world.app("/web"), undefined, "it goes all the same");
});

test("who reads the batch of a new stage half way sees the apps before the deployment that counts on them", () => {
  const world = standing({});
  const id = world.put("/web", {
    instances: 2,
    cmd: "b",
    rollout: { strategy: "canary", waitsForPromotion: false },
  }) as string;
  const entering = (): readonly string[] => {
    const decision = advanceDeployment(world.state.snapshot(), world.health.snapshot(), id, world.at)?.decision;
    return (decision?.writes ?? []).map(({ key }) => key);
  };
  for (let turn = 0; turn < 10 && entering().length === 0; turn += 1) {
    world.rollout("/web");
    world.place("/web");
    world.happen("/web");
    world.place("/web");
    world.now += 1_000;
  }
  assert.deepEqual(entering(), [keys.app("/web"), keys.deployment(id)]);
  assert.ok(world.advance(id));
  assert.equal(world.deployment(id).stage, 1);
});

test("a deployment that fails while its last failure waits for another attempt leaves as many as were asked for", () => {
  const world = standing({ instances: 4, rollout: { strategy: "canary", maxFailures: 0 } });
  const id = world.put("/web", { instances: 4, cmd: "b", rollout: { strategy: "canary", maxFailures: 0 } }) as string;
  world.settle();
  const { version, mix } = world.app("/web") as { version: number; mix: object };
  const canary = world.placed("/web").find((row) => row.version === version);
  assert.ok(canary !== undefined);
  world.end("/web", canary, "failed", "exited");
  world.place("/web");
  world.rollout("/web");
  assert.equal(world.state.snapshot().kind("wanted").get("web")?.value.rows.length, 3, "it is held back");
  world.advance(id);
  assert.equal(world.deployment(id).state, "failed");
  assert.deepEqual(world.app("/web")?.mix, mix);
  world.now += 2_000;
  world.settle();
  assert.equal(world.placed("/web").length, 4);
});

test("a first instance that runs has yet to show that it stays up: one that falls at once is no success", () => {
  const world = new Deploying();
  world.agent("n1");
  const id = world.put("/web", { instances: 1, cmd: "a" }) as string;
  const start = (): PlacedRow => {
    for (const step of [world.rollout, world.place]) step.call(world, "/web");
    const [row] = world.placed("/web") as [PlacedRow];
    world.health.write(keys.verdict({ app: "/web", ...row }), {
      ...runningVerdict("/web", row, world.now),
      healthy: null,
      ready: null,
    });
    return row;
  };
  const look = () => {
    const advance = advanceDeployment(world.state.snapshot(), world.health.snapshot(), id, world.at);
    world.commit(advance?.decision);
    return advance?.lookAgainAtMs ?? null;
  };
  const row = start();
  assert.equal(look(), world.now + 1_000, "it is looked at again");
  assert.equal(world.deployment(id).state, "running");
  world.end("/web", row, "failed", "exited");
  world.place("/web");
  world.rollout("/web");
  look();
  world.now += 2_000;
  start();
  world.now += 1_000;
  look();
  assert.equal(world.deployment(id).state, "running", "what has failed before has to run for longer");
  world.now += 9_000;
  look();
  assert.equal(world.deployment(id).state, "succeeded");
});

test("a deployment of several apps names the one that failed", () => {
  const world = new Deploying();
  world.agent("n1");
  world.fates.set(`/shop/web ${world.now}`, "missing");
  const id = world.group({ id: "/shop", apps: [{ id: "db" }, { id: "web" }] }) as string;
  for (let i = 0; i < 20 && world.running.length > 0; i += 1) {
    world.settle();
    world.now += 2_000;
  }
  assert.equal(world.deployment(id).state, "failed");
  assert.match(world.deployment(id).message ?? "", /^\/shop\/web: instances of the new version failed/);
});
