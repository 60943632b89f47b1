/** Agents that fall silent, return, are drained and are removed; services whose shards change hands. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type AgentWord, keys, NO_DECISION, SHARD_COUNT } from "@muster/contracts";
import { SimulatedAgent, until } from "@muster/testkit";
import { startPlane, startServices, type TestPlane } from "../support/control-plane.ts";

let plane: TestPlane;
const agents = new Map<string, SimulatedAgent>();

async function addAgent(name: string, attribute: string, incarnation = 1): Promise<SimulatedAgent> {
  const agent = new SimulatedAgent(plane.operator.cluster.nats, {
    agent: name,
    incarnation,
    attributes: { group: { type: "text", value: attribute } },
  });
  await agent.start();
  agents.set(name, agent);
  await until(() => gate(name)?.open, { what: `the gate of ${name}` });
  return agent;
}
const gate = (name: string) => plane.operator.cluster.state.kind("ledger").get(name)?.value.gate;
const say = (agent: string, goal: AgentWord["goal"]) =>
  plane.operator.cluster.stateCommitter.commit(
    () => ({
      ...NO_DECISION,
      writes: [{ key: keys.agent(agent), value: { agent, goal, fencedIncarnation: 1, atMs: 1 }, expect: null }],
    }),
    "/test",
  );
const inGroup = (group: string) => ({
  cmd: "sleep 1000",
  constraints: [["group", "LIKE", group]],
  unreachableStrategy: { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
});

before(async () => {
  plane = await startPlane();
});
after(async () => {
  for (const agent of agents.values()) await agent.stop();
  await plane.stop();
});

test("a silent agent is suspect, then unreachable; its instance is replaced, and ended when it returns", {
  timeout: 60_000,
}, async () => {
  const { operator } = plane;
  const [one, two] = [await addAgent("a1", "a"), await addAgent("a2", "a")];
  await operator.create({ id: "/a", ...inGroup("a") });
  await operator.untilRunning("/a", 1);
  const home = operator.placed("/a")[0]?.agent === "a1" ? one : two;
  const [lost] = operator.running("/a") as [string];
  home.vanish();
  await until(() => gate(home.agent)?.reason === "unreachable", { withinMs: 15_000, what: "an unreachable agent" });
  const other = home === one ? two : one;
  await until(() => operator.running("/a").some((id) => id !== lost), { withinMs: 15_000, what: "a replacement" });
  assert.equal(operator.placed("/a").find((row) => row.agent === other.agent)?.goal, "run");
  assert.ok(
    operator.placed("/a").some((row) => row.agent === home.agent),
    "the lost one keeps its row: its agent may return",
  );
  await home.start();
  await operator.untilRunning("/a", 1, 20_000);
  assert.notEqual(operator.running("/a")[0], lost);
  assert.equal(home.tasks.size, 0, "the returned task was ended");
});

test("a cordoned agent takes nothing new, keeps what it has, and obeys stops", { timeout: 60_000 }, async () => {
  const { operator } = plane;
  await addAgent("b1", "b");
  await operator.create({ id: "/b", ...inGroup("b") });
  await operator.untilRunning("/b", 1);
  await say("b1", "cordon");
  await until(() => gate("b1")?.reason === "cordon", { what: "a cordoned gate" });
  await operator.scale("/b", 2);
  const waiting = await until(() => operator.waiting("/b"), { what: "a reason to wait" });
  assert.ok(waiting.refusals.some(({ check, reason }) => check === "gate" && /cordon/.test(reason)));
  assert.equal(operator.running("/b").length, 1);
  await operator.scale("/b", 0);
  await operator.untilRunning("/b", 0);
  await say("b1", "run");
  await until(() => gate("b1")?.open, { what: "an open gate" });
});

test("a removed agent that returns with live tasks is told to end them, and its share was given away only after it was fenced", {
  timeout: 60_000,
}, async () => {
  const { operator } = plane;
  const agent = await addAgent("c1", "c");
  await operator.create({ id: "/c", ...inGroup("c") });
  await operator.untilRunning("/c", 1);
  agent.vanish();
  await say("c1", "remove");
  await until(() => gate("c1")?.reason === "removed", { what: "a removed agent" });
  await until(() => operator.placed("/c").every((row) => row.agent !== "c1"), {
    withinMs: 20_000,
    what: "the release of what it held",
  });
  assert.equal(agent.tasks.size, 1, "nobody has told it yet");
  await agent.start();
  await until(() => agent.tasks.size === 0, { what: "the end of the returned task" });
  await until(() => ![...operator.cluster.state.kind("instance").values()].some(({ value }) => value.agent === "c1"), {
    what: "the end of its record",
  });
});

test("a living agent that is removed ends what it runs, and others run it instead", { timeout: 60_000 }, async () => {
  const { operator } = plane;
  const leaving = await addAgent("e1", "e");
  await operator.create({ id: "/e", instances: 2, ...inGroup("e") });
  await operator.untilRunning("/e", 2);
  const staying = await addAgent("e2", "e");
  await say("e1", "remove");
  await until(() => leaving.tasks.size === 0 && staying.tasks.size === 2, {
    withinMs: 20_000,
    what: () => `${leaving.tasks.size} tasks on the removed agent, ${staying.tasks.size} on the other one`,
  });
  await operator.untilRunning("/e", 2);
  await until(() => ![...operator.cluster.state.kind("instance").values()].some(({ value }) => value.agent === "e1"), {
    what: "the end of its records",
  });
});

test("a second process takes its share of the shards, and takes over all when the first dies; a deposed holder's batch fails", {
  timeout: 60_000,
}, async () => {
  const { operator, server } = plane;
  const held = (holder: string) =>
    [...operator.cluster.state.kind("term")].filter(
      ([key, { value }]) => key.startsWith("deployer.") && value.holder === holder,
    ).length;
  const first = plane.services.cluster.membership.process;
  const second = await startServices(server.url, ["deployer"]);
  const name = second.cluster.membership.process;
  await until(() => held(name) > 0 && held(first) > 0 && held(name) + held(first) === SHARD_COUNT, {
    withinMs: 15_000,
    what: "shared shards",
  });
  const taken = [...operator.cluster.state.kind("term")].find(
    ([key, { value }]) => key.startsWith("deployer.") && value.holder === name,
  );
  assert.ok(taken);
  const stale = await operator.cluster.stateCommitter.commit(
    () => ({
      ...NO_DECISION,
      writes: [{ key: "path.test", value: { kind: "app", owner: "/test" }, expect: null }],
      asserts: [{ key: `term.${taken[0]}`, revision: taken[1].revision - 1 }],
    }),
    "/test",
  );
  assert.equal(stale?.outcome.type, "stale");
  await second.stop();
  await until(() => held(first) === SHARD_COUNT, { withinMs: 15_000, what: "all shards with the first" });
  await operator.create({ id: "/after", cmd: "sleep 1000" });
  await operator.untilRunning("/after", 1);
});
