/** The simulated fleet of the benchmarks: many agents in one connection, indistinguishable from real ones for the services. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SimulatedFleet, until } from "@muster/testkit";
import { startPlane, startServices, type TestPlane } from "../support/control-plane.ts";

const AGENTS = 40;
let plane: TestPlane;
let fleet: SimulatedFleet;

before(async () => {
  plane = await startPlane();
  const options = { agents: AGENTS, name: "sim", racks: 4, zones: 2, facts: "running" } as const;
  fleet = new SimulatedFleet(plane.operator.cluster.nats, options);
  await fleet.start();
});
after(async () => {
  await fleet.stop();
  await plane.stop();
});

const openGates = () =>
  [...plane.operator.cluster.state.kind("ledger").values()].filter(({ value }) => value.gate.open).length;

test("all agents register, are reconciled, and beat in time", { timeout: 60_000 }, async () => {
  await until(() => openGates() === AGENTS, { withinMs: 20_000, what: () => `open gates, ${openGates()} so far` });
  const offers = [...plane.operator.cluster.state.kind("offer").values()].map(({ value }) => value);
  assert.equal(new Set(offers.map(({ attributes }) => JSON.stringify(attributes.rack))).size, 4);
  assert.equal(new Set(offers.map(({ zone }) => zone)).size, 2);
  const { answers } = fleet.counts;
  await until(() => fleet.counts.answers >= answers + 3 * AGENTS, { withinMs: 10_000, what: "answered heartbeats" });
  assert.equal(openGates(), AGENTS);
  assert.equal(fleet.counts.replaced, 0);
});

test("what is launched runs and is judged; what is scaled away ends and is released", { timeout: 60_000 }, async () => {
  const { operator } = plane;
  await operator.create({ id: "/swarm", cmd: "sleep 1000", instances: 300, cpus: 0.01 });
  await operator.untilRunning("/swarm", 300, 30_000);
  assert.equal(fleet.counts.launched, 300);
  await operator.scale("/swarm", 100);
  await operator.untilRunning("/swarm", 100, 30_000);
  assert.deepEqual(operator.overCommitments(), []);
  await until(() => operator.cluster.health.kind("verdict").size === 100, { what: "verdicts that ended" });
});

test("an agent that missed a record asks for everything", { timeout: 60_000 }, async () => {
  const { operator } = plane;
  const { synced, launched } = fleet.counts;
  await fleet.deafFor(async () => {
    await operator.create({ id: "/missed", cmd: "sleep 1000", instances: AGENTS, cpus: 0.01 });
    await until(() => operator.placed("/missed").length === AGENTS, { what: "placements nobody heard of" });
  });
  await operator.untilRunning("/missed", AGENTS, 30_000);
  assert.ok(fleet.counts.synced > synced);
  assert.equal(fleet.counts.launched, launched + AGENTS);
});

test("services that return find the fleet as it was", { timeout: 60_000 }, async () => {
  await plane.services.stop();
  const services = await startServices(plane.server.url);
  await plane.operator.create({ id: "/after", cmd: "sleep 1000", instances: 5, cpus: 0.01 });
  await plane.operator.untilRunning("/after", 5, 30_000);
  assert.equal(openGates(), AGENTS);
  await services.stop();
});
