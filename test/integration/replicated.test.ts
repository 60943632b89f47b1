/** The control plane on three nats-servers with three replicas, one of which is killed while apps are deployed. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { bucketStream, STATE_BUCKET } from "@muster/contracts";
import { type NatsCluster, SimulatedAgent, startNatsCluster, until } from "@muster/testkit";
import { ALL_SERVICES, Operator, openTestCluster, startServices } from "../support/control-plane.ts";

let nats: NatsCluster;
let services: Awaited<ReturnType<typeof startServices>>;
let operator: Operator;
const agents: SimulatedAgent[] = [];

before(async () => {
  nats = await startNatsCluster();
  services = await startServices(nats.url, ALL_SERVICES, 3);
  operator = new Operator(await openTestCluster(nats.url, [], 3));
  for (const name of ["n1", "n2"]) {
    const agent = new SimulatedAgent(operator.cluster.nats, { agent: name });
    await agent.start();
    agents.push(agent);
  }
});
after(async () => {
  for (const agent of agents) agent.vanish();
  await operator.cluster.close();
  await services.stop();
  await nats.stop();
});

test("the leader of the state stream is killed while twenty instances are deployed, and all of them run once", {
  timeout: 120_000,
}, async () => {
  const { jsm } = operator.cluster.nats;
  assert.equal((await jsm.streams.info(bucketStream(STATE_BUCKET))).config.num_replicas, 3);
  await operator.create({ id: "/before", cmd: "sleep 1000", instances: 5 });
  await operator.untilRunning("/before", 5, 30_000);
  const leader = (await jsm.streams.info(bucketStream(STATE_BUCKET))).cluster?.leader;
  const victim = nats.servers[["a", "b", "c"].indexOf(leader as string)];
  assert.ok(victim);
  await operator.create({ id: "/during", cmd: "sleep 1000", instances: 20 });
  await victim.kill();
  await operator.untilRunning("/during", 20, 90_000);
  assert.equal(operator.running("/before").length, 5);
  assert.deepEqual(operator.overCommitments(), []);
  const starts = agents.flatMap((agent) => agent.starts);
  assert.equal(new Set(starts).size, starts.length, "nothing was started twice");
  await victim.start();
  await operator.scale("/during", 1);
  await until(() => operator.placed("/during").length === 1, {
    withinMs: 60_000,
    what: "the scaling after the server's return",
  });
});
