/** An app on every agent: agents join, change what they are, fall silent and are removed, and the app follows. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type AgentWord, keys, NO_DECISION } from "@muster/contracts";
import { SimulatedAgent, until } from "@muster/testkit";
import { startPlane, type TestPlane } from "../support/control-plane.ts";

let plane: TestPlane;
const agents = new Map<string, SimulatedAgent>();

before(async () => {
  plane = await startPlane();
});
after(async () => {
  for (const agent of agents.values()) await agent.stop();
  await plane.stop();
});

const group = (value: string) => ({ group: { type: "text" as const, value } });
const gate = (name: string) => plane.operator.cluster.state.kind("offer").get(name)?.value.gate;

/** An agent of its own test's group. */
async function join(name: string, value: string): Promise<SimulatedAgent> {
  const agent = new SimulatedAgent(plane.operator.cluster.nats, { agent: name, attributes: group(value) });
  await agent.start();
  agents.set(name, agent);
  await until(() => gate(name)?.open, { what: `the gate of ${name}` });
  return agent;
}
const say = (agent: string, goal: AgentWord["goal"]) =>
  plane.operator.cluster.stateCommitter.commit(
    () => ({
      ...NO_DECISION,
      writes: [{ key: keys.agent(agent), value: { agent, goal, fencedIncarnation: 1, atMs: 1 }, expect: null }],
    }),
    "/test",
  );
const inGroup = (value: string, more: object = {}) => ({
  cmd: "sleep 1000",
  unreachableStrategy: { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
  placement: { global: true, machineMetadata: [`group=${value}`] },
  ...more,
});
/** Agents on which instances of the app stand and are not ordered to stop, one entry each. */
const homes = (app: string): string[] =>
  plane.operator
    .placed(app)
    .filter((row) => row.goal === "run")
    .map((row) => row.agent)
    .toSorted();
const untilOn = (app: string, ...names: string[]) =>
  until(
    () =>
      plane.operator.placed(app).length === names.length &&
      homes(app).join() === names.join() &&
      plane.operator.running(app).length === names.length,
    { withinMs: 15_000, what: () => `${app} on ${names.join()}, it stands on ${homes(app).join()}` },
  );

test("agents that join get an instance, agents that change what they are lose and regain it, removed ones lose it for good", {
  timeout: 60_000,
}, async () => {
  const { operator } = plane;
  await join("a1", "a");
  const two = await join("a2", "a");
  await join("x1", "x");
  await operator.create({ id: "/a", ...inGroup("a") });
  await untilOn("/a", "a1", "a2");
  await until(() => operator.settled("/a"), { what: "the end of its deployment" });
  const three = await join("a3", "a");
  await untilOn("/a", "a1", "a2", "a3");

  await two.register({ attributes: group("b") });
  await untilOn("/a", "a1", "a3");
  assert.equal(two.tasks.size, 0, "its instance was ended");
  await two.register({ attributes: group("a") });
  await untilOn("/a", "a1", "a2", "a3");
  assert.equal(new Set(operator.placed("/a").map((row) => row.slot)).size, 3);

  await say("a3", "remove");
  await untilOn("/a", "a1", "a2");
  await until(() => three.tasks.size === 0, { what: "the end of what ran on the removed agent" });
  const wishes = () => operator.wanted("/a").map(({ agent, goal }) => `${agent} ${goal}`);
  await until(() => wishes().toSorted().join() === "a1 run,a2 run", {
    what: () => `two wishes, not ${wishes().join()}`,
  });
  await operator.remove("/a");
  await until(() => operator.cluster.state.kind("app").get("a") === undefined, { what: "the app to go" });
});

test("a silent agent's instance is not replaced elsewhere, a cordoned agent keeps its own, and a new one waits for the gate", {
  timeout: 60_000,
}, async () => {
  const { operator } = plane;
  const one = await join("c1", "c");
  await join("c2", "c");
  await operator.create({ id: "/c", ...inGroup("c") });
  await untilOn("/c", "c1", "c2");
  const before = operator.running("/c");
  one.vanish();
  await until(() => gate("c1")?.reason === "unreachable", { withinMs: 15_000, what: "an unreachable agent" });
  await say("c2", "cordon");
  await until(() => gate("c2")?.reason === "cordon", { what: "a cordoned agent" });
  await join("c3", "c");
  await until(() => homes("/c").includes("c3"), { what: "an instance on the agent that joined" });
  assert.deepEqual(homes("/c"), ["c1", "c2", "c3"]);
  assert.equal(operator.wanted("/c").length, 3);
  await one.start();
  await untilOn("/c", "c1", "c2", "c3");
  assert.ok(before.every((id) => operator.running("/c").includes(id)));

  await operator.create({ id: "/late", ...inGroup("c") });
  await until(() => operator.running("/late").length === 2, { what: "instances on the open agents" });
  const waiting = await until(() => operator.waiting("/late"), { what: "a reason to wait" });
  assert.deepEqual(
    waiting.refusals.map(({ check, agents: count }) => [check, count]),
    [["gate", 1]],
  );
  await until(() => operator.settled("/late"), { what: "the end of its deployment: the cordon may last for days" });
  await say("c2", "run");
  await untilOn("/late", "c1", "c2", "c3");
});

test("an upgrade goes agent by agent: a fixed host port has the old instance stop first, and only one agent is without meanwhile", {
  timeout: 60_000,
}, async () => {
  const { operator } = plane;
  const names = ["d1", "d2", "d3"];
  for (const name of names) await join(name, "d");
  const port = { portDefinitions: [{ port: 31_050 }], requirePorts: true };
  for (const [id, maximumOverCapacity] of [
    ["/first", 0],
    ["/beside", 1],
  ] as const) {
    const upgradeStrategy = { minimumHealthCapacity: 1, maximumOverCapacity };
    await operator.create({ id, ...inGroup("d", { ...port, upgradeStrategy }) });
    await untilOn(id, ...names);
    await until(() => operator.settled(id), { what: "the end of its deployment" });
    const old = operator.running(id);
    let without = 0;
    const unsubscribe = operator.cluster.state.onChange(({ kind, value }) => {
      const document = value as { app?: string; rows?: { goal: string; agent: string }[] } | null;
      if (kind !== "placed" || document?.app !== id) return;
      const served = new Set((document.rows ?? []).filter((row) => row.goal === "run").map((row) => row.agent));
      without = Math.max(without, names.length - served.size);
    });
    await operator.restart(id);
    await until(() => operator.settled(id) && operator.running(id).every((each) => !old.includes(each)), {
      withinMs: 30_000,
      what: () => `the end of the upgrade of ${id}: ${JSON.stringify(operator.placed(id))}`,
    });
    unsubscribe();
    await untilOn(id, ...names);
    assert.equal(without, 1, id);
    await operator.remove(id);
    await until(() => operator.placed(id).length === 0, { what: "its end" });
  }
});

test("an app that follows another one goes where it goes, and not while it is only restarted in place", {
  timeout: 60_000,
}, async () => {
  const { operator } = plane;
  const one = await join("e1", "e");
  const two = await join("e2", "e");
  const inE = { cmd: "sleep 1000", constraints: [["group", "IS", "e"]], backoffSeconds: 0.2 };
  await operator.create({ id: "/db", ...inE });
  await operator.untilRunning("/db", 1);
  await operator.create({ id: "/sidekick", cmd: "sleep 1000", instances: 2, placement: { machineOf: "/db" } });
  await operator.untilRunning("/sidekick", 2);
  const [home] = homes("/db");
  assert.deepEqual(homes("/sidekick"), [home, home]);
  const other = home === "e1" ? "e2" : "e1";
  await (home === "e1" ? one : two).register({ attributes: group("gone") });
  await operator.restart("/db");
  await until(() => homes("/db").join() === other && operator.settled("/db"), { withinMs: 20_000, what: "the move" });
  await until(() => homes("/sidekick").join() === `${other},${other}` && operator.placed("/sidekick").length === 2, {
    withinMs: 15_000,
    what: () => `the follower on ${other}, it stands on ${homes("/sidekick").join()}`,
  });
  await operator.untilRunning("/sidekick", 2);
  const stood = operator.running("/sidekick");
  const [id] = operator.running("/db");
  (other === "e1" ? one : two).state(id as string, "failed");
  await until(() => operator.running("/db").length === 1 && !operator.running("/db").includes(id as string), {
    what: "a new instance of what is followed",
  });
  assert.deepEqual(homes("/db"), [other]);
  assert.deepEqual(operator.running("/sidekick"), stood, "it stayed where it was");
});
