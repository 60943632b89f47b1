import assert from "node:assert/strict";
import { test } from "node:test";
import { Deploying } from "../deployment/testing/deploying.ts";
import { whyOf } from "./why.ts";

const CANARY = { strategy: "canary", waitsForPromotion: true };

function canary(): { world: Deploying; id: string; why: () => string } {
  const world = new Deploying();
  world.agent("n1");
  world.put("/web", { instances: 2, cmd: "a" });
  world.settle();
  const why = () => whyOf(world.state.snapshot(), world.health.snapshot(), { app: "/web" }, world.now).summary;
  const id = world.put("/web", { instances: 2, cmd: "b", rollout: CANARY }) as string;
  assert.doesNotMatch(why(), /promote/, "nothing waits for a word before the canary stands");
  world.settle();
  return { world, id, why };
}

test("an app whose deployment waits for a person says for what", () => {
  const { world, id, why } = canary();
  assert.equal(why(), `web is being changed (upgrade): 2 of 2 instances running; waits for "muster promote ${id}"`);
  world.steer(id, "pause");
  assert.match(why(), new RegExp(`; paused until "muster resume ${id}"$`));
  world.steer(id, "resume");
  world.steer(id, "promote");
  world.settle();
  assert.equal(why(), "web runs as asked: 2 instances, 2 healthy");
});

test("an app whose stage is watched says which one, and for how long yet", () => {
  const world = new Deploying();
  world.agent("n1");
  world.put("/web", { instances: 4, cmd: "a" });
  world.settle();
  const rollout = { strategy: "batches", batches: [1, 2], watchSeconds: 20 };
  world.put("/web", { instances: 4, cmd: "b", rollout });
  const why = () => whyOf(world.state.snapshot(), world.health.snapshot(), { app: "/web" }, world.now).summary;
  assert.doesNotMatch(why(), /watched/, "nothing is watched before the stage stands");
  const told = "web is being changed (upgrade): 4 of 4 instances running";
  for (const stage of [1, 2]) {
    world.settle();
    world.now += 5_000;
    assert.equal(why(), `${told}; stage ${stage} of 3 is watched for another 15 s before the next one`);
    world.now += 15_000;
  }
  world.settle();
  assert.equal(why(), `${told}; stage 3 of 3 is watched for another 20 s`);
  world.now += 20_000;
  world.settle();
  assert.equal(why(), "web runs as asked: 4 instances, 4 healthy");
});

test("an app that changes in one go and is watched says so", () => {
  const world = new Deploying();
  world.agent("n1");
  world.put("/web", { instances: 2, cmd: "a" });
  world.settle();
  world.put("/web", { instances: 2, cmd: "b", rollout: { strategy: "rolling", watchSeconds: 20 } });
  world.settle();
  const why = whyOf(world.state.snapshot(), world.health.snapshot(), { app: "/web" }, world.now).summary;
  assert.equal(
    why,
    "web is being changed (upgrade): 2 of 2 instances running; what stands is watched for another 20 s",
  );
});

test("an app that was left half way says so, and by whom", () => {
  const { world, id, why } = canary();
  world.steer(id, "abort");
  world.settle();
  assert.match(
    why(),
    new RegExp(
      `^web stands half way between two versions: 2 instances, 2 healthy, 1 of them of the older one; deployment ${id} was aborted`,
    ),
  );
});

test("an app that failed to come about keeps the reason", () => {
  const world = new Deploying();
  world.agent("n1");
  world.fates.set(`/web ${world.now}`, "missing");
  const id = world.put("/web", { instances: 1, cmd: "a", rollout: { rollbackOnFailure: true } }) as string;
  for (let i = 0; i < 20 && world.running.length > 0; i += 1) {
    world.settle();
    world.now += 2_000;
  }
  world.settle();
  const why = whyOf(world.state.snapshot(), world.health.snapshot(), { app: "/web" }, world.now).summary;
  assert.match(
    why,
    new RegExp(`^web is stopped: 0 instances are asked for; deployment ${id} failed: .*the last line it wrote`, "s"),
  );
});
