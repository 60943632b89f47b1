/** Wake-ups have classes, and each class its durable: also on a cluster that was set up when there were fewer. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { STREAM, WAKE_CLASSES, wakeDurable } from "@muster/contracts";
import { SimulatedAgent, until } from "@muster/testkit";
import { openTestCluster, startPlane, type TestPlane } from "../support/control-plane.ts";

let plane: TestPlane;
let agent: SimulatedAgent;
before(async () => {
  plane = await startPlane();
  agent = new SimulatedAgent(plane.operator.cluster.nats, { agent: "n1" });
  await agent.start();
});
after(async () => {
  await agent.stop();
  await plane.stop();
});

const consumers = async () => {
  const { jsm } = plane.operator.cluster.nats;
  const found = await jsm.consumers.list(STREAM.queue).next();
  return new Map(found.map((info) => [info.name, info]));
};

test("a cluster from before a class existed gets its durable, and the wake-ups of that class are taken", {
  timeout: 60_000,
}, async () => {
  const { operator, server } = plane;
  for (const wakeClass of ["high", "low"] as const)
    await operator.cluster.nats.jsm.consumers.delete(STREAM.queue, wakeDurable(wakeClass));
  assert.equal((await consumers()).size, WAKE_CLASSES.length - 2);
  const newer = await openTestCluster(server.url);
  await newer.close();
  assert.deepEqual([...(await consumers()).keys()].toSorted(), WAKE_CLASSES.map(wakeDurable).toSorted());
  for (const priority of ["high", "normal", "low"]) {
    await operator.create({ id: `/${priority}`, cmd: "sleep 1000", placement: { priority } });
    await operator.untilRunning(`/${priority}`, 1);
    const durable = wakeDurable(priority as "high");
    await until(async () => ((await consumers()).get(durable)?.delivered.consumer_seq ?? 0) > 0, {
      what: `a wake-up by ${durable}`,
    });
  }
});
