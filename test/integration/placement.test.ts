import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SimulatedAgent, until } from "@muster/testkit";
import { startPlane, type TestPlane } from "../support/control-plane.ts";

let plane: TestPlane;
const agents: SimulatedAgent[] = [];

before(async () => {
  plane = await startPlane();
  for (const [i, rack] of ["rack-1", "rack-1", "rack-2"].entries()) {
    const agent = new SimulatedAgent(plane.operator.cluster.nats, {
      agent: `n${i + 1}`,
      attributes: { rack: { type: "text", value: rack } },
    });
    await agent.start();
    agents.push(agent);
  }
  await until(
    () => [...plane.operator.cluster.state.kind("ledger").values()].filter(({ value }) => value.gate.open).length === 3,
    { what: "three open gates" },
  );
});

after(async () => {
  for (const agent of agents) await agent.stop();
  await plane.stop();
});

test("an app reaches its instances, scales, restarts and goes", async () => {
  const { operator } = plane;
  await operator.create({ id: "/web", cmd: "sleep 1000", instances: 3 });
  await operator.untilRunning("/web", 3);
  await operator.scale("/web", 1);
  await operator.untilRunning("/web", 1);
  await operator.scale("/web", 5);
  await operator.untilRunning("/web", 5);
  const before = new Set(operator.running("/web"));
  await operator.restart("/web");
  await operator.untilRunning("/web", 5);
  assert.equal(operator.running("/web").filter((id) => before.has(id)).length, 0);
  await operator.remove("/web");
  await until(() => operator.cluster.state.kind("app").get("web") === undefined, { what: "the app to go" });
  await until(
    () => [...operator.cluster.state.kind("ledger").values()].every(({ value }) => value.used.cpuMillis === 0),
    { what: "empty ledgers" },
  );
  const starts = agents.flatMap((agent) => agent.starts);
  assert.equal(new Set(starts).size, starts.length);
});

test("a constraint nobody can meet waits, says why, and is placed as soon as an agent that can joins", async () => {
  const { operator } = plane;
  await operator.create({
    id: "/picky",
    cmd: "sleep 1000",
    instances: 1,
    constraints: [["rack", "CLUSTER", "rack-9"]],
  });
  const waiting = await until(() => operator.waiting("/picky"), { what: "a waiting entry" });
  assert.equal(waiting.refusals[0]?.check, "constraints");
  assert.equal(waiting.refusals[0]?.agents, 3);
  const late = new SimulatedAgent(operator.cluster.nats, {
    agent: "n9",
    attributes: { rack: { type: "text", value: "rack-9" } },
  });
  await late.start();
  agents.push(late);
  await operator.untilRunning("/picky", 1);
  assert.equal(operator.placed("/picky")[0]?.agent, "n9");
  assert.equal(operator.waiting("/picky"), null);
});
