import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type AgentReport, type LogsChunk, SILENCE_PROBE_MS, STREAM, subjects } from "@muster/contracts";
import { readSettings } from "@muster/runtime";
import { until } from "@muster/testkit";
import { createInbox } from "@nats-io/transport-node";
import { type Agent, startAgent } from "./service.ts";
import { type AgentConfig, agentSettings } from "./settings.ts";
import { type Cluster, cluster } from "./testing/cluster.ts";
import { instanceDocument, shell, workDirectory } from "./testing/documents.ts";

const config = (url: string, workDir: string, more: Partial<AgentConfig> = {}): AgentConfig => ({
  ...readSettings("agent", agentSettings, { argv: [], env: {} }),
  natsUrl: url,
  agentId: "n1",
  workDir,
  runtimes: ["process"],
  heartbeatMs: 100,
  ...more,
});

async function agentOf(on: Cluster, workDir: string, more: Partial<AgentConfig> = {}): Promise<Agent> {
  const agent = await startAgent(config(on.url, workDir, more));
  on.agents.push(agent);
  await agent.registered;
  return agent;
}

async function report(on: Cluster): Promise<AgentReport> {
  const message = await on.nats.jsm.streams.getMessage(STREAM.resources, { last_by_subj: subjects.resources("n1") });
  return message?.json() as AgentReport;
}

const reaches = (on: Cluster, instance: string, ...states: string[]) =>
  until(async () => assert.deepEqual(await on.states(instance), states) === undefined, {
    what: `${instance}: ${states}`,
  });

test("an agent registers what it offers and counts its starts", async (t) => {
  const on = await cluster(t);
  const workDir = workDirectory();
  const resources = "cpus:3;ports:[31000-31009];fpga:2;disks:{sda,sdb}";
  const first = await agentOf(on, workDir, { resources, attributes: "rack:r1" });
  const said = await report(on);
  assert.equal(said.capacity.cpuMillis, 3_000);
  assert.deepEqual(said.ports, [{ first: 31_000, last: 31_009 }]);
  assert.deepEqual(said.attributes, { rack: { type: "text", value: "r1" } });
  assert.deepEqual(said.custom, { scalars: { fpga: 2 }, sets: { disks: ["sda", "sdb"] } });
  assert.deepEqual(said.images, []);
  assert.equal(said.incarnation, 1);
  await first.stop();
  await agentOf(on, workDir);
  const again = await report(on);
  assert.equal(again.incarnation, 2);
  assert.notEqual(again.nonce, said.nonce);
});

test("a record is run, its facts are in order, and its end is told with its status", async (t) => {
  const on = await cluster(t);
  await agentOf(on, workDirectory());
  const record = instanceDocument(shell("echo out; echo lost its mind >&2; exit 3"));
  await on.write(record);
  await reaches(on, record.instance, "staging", "running", "failed");
  const facts = await on.facts();
  assert.deepEqual(
    facts.map((event) => event.data.number),
    [1, 2, 3],
  );
  const last = facts.at(-1);
  assert.equal(last?.data.exitCode, 3);
  assert.equal(last?.data.reason, "exited");
  assert.match(last?.data.message ?? "", /exited with status 3; .*\nlost its mind$/);
  assert.equal(last?.data.incarnation, 1);
});

test("a stop ends a task and is told as killed, whatever its status", async (t) => {
  const on = await cluster(t);
  await agentOf(on, workDirectory());
  const record = instanceDocument(shell("trap 'exit 0' TERM; while :; do sleep 0.05; done"));
  await on.write(record);
  await reaches(on, record.instance, "staging", "running");
  await on.write({ ...record, goal: "stop" });
  await reaches(on, record.instance, "staging", "running", "killing", "killed");
});

test("a stop for an instance never seen is answered, and an older run record never starts it", async (t) => {
  const on = await cluster(t);
  const workDir = workDirectory();
  await agentOf(on, workDir);
  const record = instanceDocument(shell("sleep 60"));
  await on.write({ ...record, goal: "stop" });
  await reaches(on, record.instance, "killed");
  await on.write(record);
  const other = instanceDocument(shell("true"));
  await on.write(other);
  await reaches(on, other.instance, "staging", "running", "finished");
  assert.deepEqual(await on.states(record.instance), ["killed"]);
  assert.ok(!existsSync(join(workDir, "instances", record.instance)));
});

test("a gap in the numbers is seen without any heartbeat", async (t) => {
  const on = await cluster(t);
  on.answer = null;
  await agentOf(on, workDirectory());
  await until(() => on.syncs === 1);
  const [lost, next] = [instanceDocument(shell("sleep 60")), instanceDocument(shell("sleep 60"))];
  on.writeUnheard(lost);
  await on.write(next);
  await reaches(on, lost.instance, "staging", "running");
  assert.deepEqual(await on.states(next.instance), ["staging", "running"]);
});

test("a record whose message was lost is found by a heartbeat's count", async (t) => {
  const on = await cluster(t);
  await agentOf(on, workDirectory());
  await until(() => on.syncs === 1);
  const lost = instanceDocument(shell("sleep 60"));
  on.writeUnheard(lost);
  await reaches(on, lost.instance, "staging", "running");
  assert.equal(on.syncs, 2);
});

test("numbers that start anew are noticed, so that a lost record is missed again", async (t) => {
  const on = await cluster(t);
  await agentOf(on, workDirectory());
  const records = [1, 2, 3].map(() => instanceDocument(shell("sleep 60")));
  await on.write(...records);
  await until(() => on.heartbeats.at(-1)?.n === 3);
  on.startNumbersAnew();
  await until(() => on.heartbeats.at(-1)?.n === 0);
  const lost = instanceDocument(shell("sleep 60"));
  on.writeUnheard(lost);
  await reaches(on, lost.instance, "staging", "running");
});

test("what an answer does not name is not ended", async (t) => {
  const on = await cluster(t);
  await agentOf(on, workDirectory());
  const record = instanceDocument(shell("sleep 60"));
  await on.write(record);
  await reaches(on, record.instance, "staging", "running");
  await on.purge(record);
  const lost = instanceDocument(shell("sleep 60"));
  on.writeUnheard(lost);
  await reaches(on, lost.instance, "staging", "running");
  assert.deepEqual(await on.states(record.instance), ["staging", "running"]);
});

test("a malformed record is told as an error of its instance and disturbs no other", async (t) => {
  const on = await cluster(t);
  await agentOf(on, workDirectory());
  await on.writeRaw({ app: "/test", slot: 9, attempt: 9_999 }, '{"instance":7}');
  await on.writeRaw({ app: "/test", slot: 9, attempt: 9_998 }, "not json");
  const good = instanceDocument(shell("true"));
  await on.write(good);
  await reaches(on, good.instance, "staging", "running", "finished");
  const facts = await on.facts();
  for (const instance of ["test.9.9999", "test.9.9998"]) {
    const fact = facts.find((event) => event.data.instance === instance);
    assert.equal(fact?.data.state, "error");
    assert.equal(fact?.data.reason, "malformed-record");
  }
});

test("tasks outlive their agent and are found again by the same pid, without a second fact", async (t) => {
  const on = await cluster(t);
  const workDir = workDirectory();
  const first = await agentOf(on, workDir);
  const record = instanceDocument(shell("echo once; sleep 60"));
  await on.write(record);
  await reaches(on, record.instance, "staging", "running");
  await first.stop({ keepTasks: true });
  const second = await agentOf(on, workDir);
  await until(() => on.syncs >= 2);
  assert.equal((await report(on)).inventory[0]?.instance, record.instance);
  await on.write({ ...record, goal: "stop" });
  await reaches(on, record.instance, "staging", "running", "killing", "killed");
  const pids = new Set((await on.facts()).map((event) => event.data.pid).filter((pid) => pid !== null));
  assert.equal(pids.size, 1);
  assert.equal(readFileSync(join(workDir, "instances", record.instance, "stdout"), "utf8"), "once\n");
  await second.stop();
});

test("a nats-server that is away stops nothing: facts wait and arrive once, in order", async (t) => {
  const on = await cluster(t);
  await agentOf(on, workDirectory());
  const short = instanceDocument(shell("sleep 0.3; exit 4"));
  const long = instanceDocument(shell("sleep 60"));
  await on.write(short, long);
  await reaches(on, long.instance, "staging", "running");
  await on.server.kill();
  await new Promise((resolve) => setTimeout(resolve, 600));
  await on.server.start();
  await on.link.up();
  await reaches(on, short.instance, "staging", "running", "failed");
  const numbers = (await on.facts()).map((event) => event.data.number);
  assert.deepEqual(
    numbers,
    [...numbers.keys()].map((i) => i + 1),
  );
  assert.deepEqual(await on.states(long.instance), ["staging", "running"]);
});

test("the second agent with one id goes on, the first stops with a sentence and leaves its tasks", async (t) => {
  const on = await cluster(t);
  const first = await agentOf(on, workDirectory());
  const record = instanceDocument(shell("sleep 60"));
  await on.write(record);
  await reaches(on, record.instance, "staging", "running");
  const pid = (await on.facts()).at(-1)?.data.pid as number;
  t.after(() => void process.kill(-pid, "SIGKILL"));
  await agentOf(on, workDirectory());
  const { incarnation, nonce } = await report(on);
  assert.equal(incarnation, 2);
  on.answer = { incarnation, nonce };
  const why = await first.stoppedItself;
  assert.match(why.message, /another agent with id n1 registered as incarnation 2: this one stops/);
  assert.ok(process.kill(pid, 0));
});

test("an agent whose registration was overtaken notices it at its next word, without any heartbeat", async (t) => {
  const on = await cluster(t);
  on.answer = null;
  const agent = await agentOf(on, workDirectory());
  const own = await report(on);
  const other = { ...own, nonce: "another", incarnation: 9 };
  await on.nats.js.publish(subjects.resources("n1"), JSON.stringify(other));
  await on.server.kill();
  await on.server.start();
  assert.match((await agent.stoppedItself).message, /registered as incarnation 9: this one stops/);
  await on.link.up();
  assert.equal((await report(on)).nonce, "another");
});

test("a server that falls silent and wakes again finds the agent at work", async (t) => {
  const on = await cluster(t);
  await agentOf(on, workDirectory());
  const pid = on.server.pid() as number;
  process.kill(pid, "SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, 2.5 * SILENCE_PROBE_MS));
  process.kill(pid, "SIGCONT");
  const record = instanceDocument(shell("true"));
  await on.write(record);
  await reaches(on, record.instance, "staging", "running", "finished");
});

test("an agent that nobody answers keeps its connection", async (t) => {
  const on = await cluster(t);
  on.answer = null;
  await agentOf(on, workDirectory());
  const connections = async (): Promise<{ cid: number }[]> => {
    const answer = await fetch(`http://127.0.0.1:${on.server.monitoringPort}/connz`);
    const { connections: all } = (await answer.json()) as { connections: { cid: number; name: string }[] };
    return all.filter((each) => each.name === "muster agent n1");
  };
  const before = await connections();
  await until(() => on.heartbeats.length > 10);
  await new Promise((resolve) => setTimeout(resolve, 2 * SILENCE_PROBE_MS));
  assert.deepEqual(
    (await connections()).map((each) => each.cid),
    before.map((each) => each.cid),
  );
});

test("a second agent in one work directory is refused", async (t) => {
  const on = await cluster(t);
  const workDir = workDirectory();
  await agentOf(on, workDir);
  await assert.rejects(
    startAgent(config(on.url, workDir)),
    /is in use by process \d+: give each agent a directory of its own/,
  );
});

test("an agent that can run nothing does not start, and says why", async () => {
  const refused = startAgent(
    config("nats://127.0.0.1:1", workDirectory(), { runtimes: ["docker"], dockerSocket: "/nowhere" }),
  );
  await assert.rejects(refused, /can run nothing: docker: there is no socket at \/nowhere/);
});

test("stopping with its tasks ends them all and tells it", async (t) => {
  const on = await cluster(t);
  const agent = await agentOf(on, workDirectory());
  const records = [
    instanceDocument(shell("sleep 60")),
    instanceDocument({ ...shell("trap '' TERM; while :; do sleep 0.1; done"), killGraceMs: 300 }),
  ];
  await on.write(...records);
  for (const record of records) await reaches(on, record.instance, "staging", "running");
  await agent.stop({ keepTasks: false });
  for (const record of records)
    assert.deepEqual(await on.states(record.instance), ["staging", "running", "killing", "killed"]);
});

async function logs(on: Cluster, request: object, ends = 1): Promise<LogsChunk[]> {
  const inbox = createInbox();
  const chunks: LogsChunk[] = [];
  const subscription = on.nats.connection.subscribe(inbox, {
    callback: (_error, message) => void chunks.push(message.json()),
  });
  on.nats.connection.publish(
    subjects.logs,
    JSON.stringify({ app: null, instance: null, streams: ["stdout", "stderr"], tail: null, follow: false, ...request }),
    { reply: inbox },
  );
  await until(() => chunks.filter((chunk) => chunk.type === "end").length === ends);
  subscription.unsubscribe();
  return chunks;
}
const textOf = (chunks: LogsChunk[], stream: string): string =>
  chunks.map((chunk) => (chunk.type === "chunk" && chunk.stream === stream ? chunk.text : "")).join("");

test("output of living and ended tasks is answered, by app and by instance, with a tail", async (t) => {
  const on = await cluster(t);
  await agentOf(on, workDirectory());
  const dead = instanceDocument(shell("seq 1 5; echo bad >&2"));
  const alive = instanceDocument(shell("echo alive; sleep 60"));
  await on.write(dead, alive);
  await reaches(on, dead.instance, "staging", "running", "finished");
  await reaches(on, alive.instance, "staging", "running");
  await until(async () => textOf(await logs(on, { app: "/test" }), "stdout") === "1\n2\n3\n4\n5\nalive\n");
  assert.equal(textOf(await logs(on, { app: "/test" }), "stderr"), "bad\n");
  assert.equal(textOf(await logs(on, { instance: dead.instance, tail: 2 }), "stdout"), "4\n5\n");
  assert.deepEqual(await logs(on, { app: "/other" }), [{ type: "end", agent: "n1", instances: 0 }]);
});

test("following shows what is written later, and ends with its instance", async (t) => {
  const on = await cluster(t);
  await agentOf(on, workDirectory());
  const record = instanceDocument(shell("echo one; sleep 0.5; echo two; sleep 0.5; printf three"));
  await on.write(record);
  await reaches(on, record.instance, "staging", "running");
  const chunks = await logs(on, { instance: record.instance, follow: true });
  assert.equal(textOf(chunks, "stdout"), "one\ntwo\nthree");
});
