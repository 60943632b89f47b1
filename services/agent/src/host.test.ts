import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { InstanceDocument } from "@muster/contracts";
import { createLog } from "@muster/runtime";
import { freePort, until } from "@muster/testkit";
import { hasEnded, readStat } from "./host/proc.ts";
import { processRuntime } from "./host/process.ts";
import type { Host } from "./host.ts";
import { openJournal } from "./journal/journal.ts";
import type { AgentConfig } from "./settings.ts";
import { sweepSandboxes } from "./tasks/sandboxes.ts";
import { instanceDocument, orderOf, readinessCheck, shell, workDirectory } from "./testing/documents.ts";
import { IMAGE, shakyEngine, whyNoEngine } from "./testing/engine.ts";
import { spawnHost, startHost, told } from "./testing/host.ts";

const whyNot = await whyNoEngine();
const skip = whyNot;

type T = { after(work: () => void | Promise<void>): void };
const sequenced = (...records: InstanceDocument[]) => records.map((record, i) => ({ sequence: i + 1, record }));

async function host(t: T, workDir: string, more: Partial<AgentConfig> = {}): Promise<Host> {
  const opened = await startHost(workDir, more);
  t.after(async () => {
    await opened.supervisor.endAll(0);
    await opened.close();
  });
  return opened;
}
const states = (on: Host, instance: string): string[] => told(on, instance).map((fact) => fact.state);
/** Empty when it was never started. */
function output(workDir: string, instance: string): string {
  const path = join(workDir, "instances", instance, "stdout");
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

test("a task is adopted after its agent was killed: same pid, no second start, no second fact", async (t) => {
  const workDir = workDirectory();
  const record = instanceDocument(shell("echo once; sleep 1; exit 6"));
  const first = spawnHost(workDir, sequenced(record));
  await first.ready;
  await first.kill();
  const on = await host(t, workDir);
  on.supervisor.accept(1, record);
  on.supervisor.accept(9, record);
  await until(() => states(on, record.instance).at(-1) === "failed");
  assert.deepEqual(states(on, record.instance), ["staging", "running", "failed"]);
  const facts = told(on, record.instance);
  assert.equal(new Set(facts.slice(1).map((fact) => fact.pid)).size, 1);
  assert.equal(facts.at(-1)?.exitCode, 6);
  assert.deepEqual(
    facts.map((fact) => fact.incarnation),
    [1, 1, 2],
  );
  assert.equal(output(workDir, record.instance), "once\n");
});

test("a task that ended while its agent was dead is told with the status it left", async (t) => {
  const workDir = workDirectory();
  const records = [instanceDocument(shell("sleep 0.5; exit 7")), instanceDocument(shell("sleep 0.5"))];
  const first = spawnHost(workDir, sequenced(...records));
  await first.ready;
  await first.kill();
  await until(() => records.every((record) => readFileSync(join(workDir, "control", record.instance), "utf8") !== ""));
  const on = await host(t, workDir);
  await until(() => records.every((record) => states(on, record.instance).length === 3));
  assert.deepEqual(
    records.map((record) => told(on, record.instance).at(-1)?.exitCode),
    [7, 0],
  );
  assert.deepEqual(
    records.map((record) => states(on, record.instance).at(-1)),
    ["failed", "finished"],
  );
});

test("a kill that was under way goes on after its agent was killed, and counts as asked for", async (t) => {
  const workDir = workDirectory();
  const record = instanceDocument({ ...shell("trap '' TERM; echo up; while :; do sleep 0.1; done"), killGraceMs: 700 });
  const first = spawnHost(workDir, [...sequenced(record), { sequence: 2, record: { ...record, goal: "stop" } }]);
  await first.ready;
  await first.kill();
  const on = await host(t, workDir);
  await until(() => on.supervisor.tasks.size === 0);
  assert.deepEqual(states(on, record.instance), ["staging", "running", "killing", "killed"]);
  assert.equal(told(on, record.instance).at(-1)?.reason, "killed-on-request");
});

test("an intent without any trace of a process is told as lost, and is never started later", async (t) => {
  const workDir = workDirectory();
  const record = instanceDocument(shell("echo never"));
  const journal = openJournal(workDir, Date.now, createLog("test"));
  await journal.write([{ type: "intent", instance: record.instance, sequence: 1, record }]);
  await journal.close();
  const on = await host(t, workDir);
  await until(() => states(on, record.instance).length > 0);
  const [fact] = told(on, record.instance);
  assert.deepEqual([fact?.state, fact?.reason], ["failed", "lost-at-restart"]);
  on.supervisor.accept(1, record);
  on.supervisor.accept(2, record);
  on.supervisor.accept(3, { ...record, goal: "stop" });
  assert.equal(on.supervisor.tasks.size, 0);
  assert.ok(!existsSync(join(workDir, "instances", record.instance)));
});

test("a task that was started and not checkpointed is found by its environment and told to be running", async (t) => {
  const workDir = workDirectory();
  const record = instanceDocument(shell("echo once; sleep 60"));
  const journal = openJournal(workDir, Date.now, createLog("test"));
  await journal.write([{ type: "intent", instance: record.instance, sequence: 1, record }]);
  await journal.close();
  const runtime = processRuntime(workDir);
  const running = await runtime.launch(orderOf(workDir, record), new AbortController().signal);
  const on = await host(t, workDir);
  await until(() => states(on, record.instance).length > 0);
  const [fact] = told(on, record.instance);
  assert.deepEqual([fact?.state, fact?.adopted, fact?.pid], ["running", true, running.handle.pid]);
});

test("a task that the journal does not know is listed, not killed, and taken up when its record comes", async (t) => {
  const workDir = workDirectory();
  const record = instanceDocument(shell("echo once; sleep 60"));
  const running = await processRuntime(workDir).launch(orderOf(workDir, record), new AbortController().signal);
  t.after(() => running.kill(0));
  const on = await host(t, workDir);
  assert.deepEqual(
    on.supervisor.inventory().map((item) => [item.instance, item.state]),
    [[record.instance, "running"]],
  );
  on.supervisor.accept(5, record);
  await until(() => states(on, record.instance).includes("running"));
  assert.equal(told(on, record.instance).at(-1)?.pid, running.handle.pid);
  assert.equal(output(workDir, record.instance), "once\n");
});

test("no instance starts twice, whenever its agent is killed", async (t) => {
  const workDir = workDirectory();
  const all: InstanceDocument[] = [];
  const started = (): number =>
    existsSync(join(workDir, "instances")) ? readdirSync(join(workDir, "instances")).length : 0;
  for (let round = 0; round < 8; round += 1) {
    const target = started() + 2 * round;
    all.push(...Array.from({ length: 20 }, () => instanceDocument(shell("echo start; sleep 0.05"))));
    const agent = spawnHost(workDir, sequenced(...all));
    // In the middle of its starts, somewhere else each time.
    await until(() => started() > target, { everyMs: 1, withinMs: 30_000 });
    await agent.kill();
  }
  const on = await host(t, workDir);
  for (const { sequence, record } of sequenced(...all)) on.supervisor.accept(sequence, record);
  await until(() => on.supervisor.tasks.size === 0, { withinMs: 60_000 });
  const kept = all.map((record) => on.journal.instances.get(record.instance));
  assert.ok(kept.every((each) => each?.endedAtMs !== null));
  const outputs = all.map((record) => output(workDir, record.instance));
  const twice = outputs.filter((text) => text.length > "start\n".length);
  assert.deepEqual(twice, []);
  const facts = on.journal.outbox(10_000).map((event) => event.data);
  const lost = new Set(facts.filter((fact) => fact.reason === "lost-at-restart").map((fact) => fact.instance));
  const ran = all.filter((_, i) => outputs[i] === "start\n");
  assert.ok(lost.size > 10 && ran.length > 30, `no kill came in the middle: ${lost.size} lost, ${ran.length} ran`);
  assert.deepEqual(
    ran.filter((record) => lost.has(record.instance)),
    [],
  );
  for (const record of all) {
    const terminal = facts.filter(
      (fact) => fact.instance === record.instance && ["finished", "failed", "killed", "error"].includes(fact.state),
    );
    assert.equal(terminal.length, 1, `${record.instance}: ${terminal.map((fact) => fact.reason)}`);
  }
  assert.deepEqual(
    facts.map((fact) => fact.number),
    facts.map((_, i) => i + 1),
  );
});

test("a full answer lets ended ids go and keeps those that are newer than it", async (t) => {
  const workDir = workDirectory();
  const [old, young] = [instanceDocument(), instanceDocument()];
  const on = await host(t, workDir);
  on.supervisor.accept(10, old);
  on.supervisor.accept(30, young);
  await until(() => on.supervisor.tasks.size === 0);
  on.supervisor.synced(20, new Set());
  assert.notEqual(on.journal.instances.get(old.instance)?.purgedAtMs, null);
  assert.equal(on.journal.instances.get(young.instance)?.purgedAtMs, null);
  on.supervisor.accept(15, old);
  assert.equal(on.supervisor.tasks.size, 0);
  assert.notEqual(on.journal.instances.get(old.instance)?.purgedAtMs, null);
});

test("a stop that overtakes the start ends the instance without its start", async (t) => {
  const workDir = workDirectory();
  const record = instanceDocument(shell("echo started; sleep 60"));
  const on = await host(t, workDir);
  on.supervisor.accept(1, record);
  on.supervisor.accept(2, { ...record, goal: "stop" });
  await until(() => on.supervisor.tasks.size === 0);
  assert.deepEqual(states(on, record.instance), ["staging", "killed"]);
  // Its sandbox may have been made ready meanwhile; nothing ran in it.
  assert.equal(output(workDir, record.instance), "");
});

test("a health check that gives up ends the task as failed for that reason", async (t) => {
  const workDir = workDirectory();
  const check = {
    protocol: "COMMAND",
    command: "test -e ok",
    path: null,
    portIndex: null,
    port: null,
    gracePeriodSeconds: 0,
    intervalSeconds: 0.1,
    timeoutSeconds: 1,
    maxConsecutiveFailures: 3,
    delaySeconds: 0,
    ignoreHttp1xx: false,
  } as const;
  const record = instanceDocument({
    ...shell("touch ok; sleep 0.5; rm ok; exec sleep 60"),
    healthChecks: [{ check, port: null }],
  });
  const on = await host(t, workDir);
  on.supervisor.accept(1, record);
  await until(() => on.supervisor.tasks.size === 0);
  assert.deepEqual(states(on, record.instance), ["staging", "running", "healthy", "unhealthy", "killing", "failed"]);
  const last = told(on, record.instance).at(-1);
  assert.equal(last?.reason, "health-check");
  assert.match(last?.message ?? "", /failed 3 times in a row, the last time: the command exited with status 1/);
});

test("a task that was ready stays so after its agent was killed; one that was not is asked again", async (t) => {
  const workDir = workDirectory();
  const check = readinessCheck({ intervalSeconds: 0.2, timeoutSeconds: 0.1 });
  const warming = (port: number) => {
    const server = `require("node:http").createServer((q, r) => {
      process.stdout.write("asked\\n");
      r.writeHead(require("node:fs").existsSync("warm") ? 200 : 503).end();
    }).listen(${port}, "127.0.0.1")`;
    const command = { type: "argv" as const, argv: [process.execPath, "-e", server] };
    return instanceDocument({ command, readinessChecks: [{ check, port }] });
  };
  const record = warming(await freePort());
  const first = spawnHost(workDir, sequenced(record));
  await first.ready;
  await until(() => output(workDir, record.instance) !== "", { withinMs: 10_000 });
  await first.kill();
  const second = await startHost(workDir);
  await until(() => states(second, record.instance).includes("unready"), { withinMs: 5_000 });
  writeFileSync(join(workDir, "instances", record.instance, "warm"), "");
  await until(() => states(second, record.instance).includes("ready"), { withinMs: 5_000 });
  second.supervisor.close();
  await second.close();
  const asked = output(workDir, record.instance);
  const third = await host(t, workDir);
  // Another one is asked again and again in the meantime.
  const other = warming(await freePort());
  third.supervisor.accept(2, other);
  await until(() => output(workDir, other.instance).split("\n").length > 4, { withinMs: 5_000 });
  assert.equal(output(workDir, record.instance), asked);
  assert.equal(third.supervisor.tasks.size, 2);
  assert.deepEqual(states(third, record.instance), ["staging", "running", "unready", "ready"]);
});

for (const [runtime, skip] of [
  ["process", false],
  ["docker", whyNot],
] as const)
  test(`what a check of a ${runtime} finds is told when it changes, also by an agent that was restarted`, {
    skip,
  }, async (t) => {
    const workDir = workDirectory();
    const check = {
      probe: { type: "exec" as const, command: ["test", "-e", "up"] },
      intervalSeconds: 0.1,
      timeoutSeconds: 2,
      delaySeconds: 0,
    };
    const run = { ...shell("sleep 60"), runtime, ...(runtime === "docker" ? { image: IMAGE } : {}) };
    const record = instanceDocument({ ...run, check: { check, port: null } });
    const more = { runtimes: [runtime] };
    const found = (on: Host) => told(on, record.instance).flatMap(({ checkResult }) => checkResult ?? []);
    const first = await startHost(workDir, more);
    first.supervisor.accept(1, record);
    await until(() => found(first).length === 1, { withinMs: 10_000 });
    assert.deepEqual(found(first), [{ type: "command", exitCode: 1 }]);
    first.supervisor.close();
    await first.close();
    const second = await host(t, workDir, more);
    const task = second.supervisor.tasks.get(record.instance);
    await until(() => task?.running !== null && task?.running !== undefined, { withinMs: 10_000 });
    assert.equal(await task?.running?.exec(["touch", "up"], 2_000), 0);
    await until(() => found(second).length === 2, { withinMs: 10_000 });
    assert.deepEqual(found(second)[1], { type: "command", exitCode: 0 });
  });

test("the sandboxes of ended tasks are removed when they are old or too many, those of living ones never", async () => {
  const workDir = workDirectory();
  const ages = { a: 0, b: 1, c: 2, d: 9, live: 99 };
  for (const [name, age] of Object.entries(ages)) {
    const folder = join(workDir, "instances", name);
    mkdirSync(folder);
    writeFileSync(join(workDir, "control", name), "");
    writeFileSync(join(folder, "stdout"), "");
    for (const path of [join(folder, "stdout"), folder, join(workDir, "control", name)])
      utimesSync(path, 1_000 - age, 1_000 - age);
  }
  const sweep = (keptMs: number, keptMax: number) =>
    sweepSandboxes(workDir, (name) => name === "live", { keptMs, keptMax }, 1_000_000);
  await sweep(5_000, 100);
  assert.deepEqual(readdirSync(join(workDir, "instances")).sort(), ["a", "b", "c", "live"]);
  await sweep(5_000, 2);
  assert.deepEqual(readdirSync(join(workDir, "instances")).sort(), ["a", "b", "live"]);
  assert.deepEqual(readdirSync(join(workDir, "control")).sort(), ["a", "b", "live"]);
});

test("ending all tasks at once takes one grace period, not one each", async (t) => {
  const workDir = workDirectory();
  const on = await host(t, workDir);
  const records = Array.from({ length: 20 }, () =>
    instanceDocument({ ...shell("trap '' TERM; while :; do sleep 1; done"), killGraceMs: 60_000 }),
  );
  for (const { sequence, record } of sequenced(...records)) on.supervisor.accept(sequence, record);
  await until(() => records.every((record) => states(on, record.instance).includes("running")));
  const pids = records.map((record) => told(on, record.instance).at(-1)?.pid as number);
  const startedMs = performance.now();
  await on.supervisor.endAll(300);
  assert.ok(performance.now() - startedMs < 3_000);
  assert.ok(pids.every((pid) => hasEnded(readStat(pid))));
});

test("a container outlives its killed agent, is adopted by its id, and leaves its output and nothing else", {
  skip,
}, async (t) => {
  const workDir = workDirectory();
  const both = { runtimes: ["process", "docker"] } satisfies Partial<AgentConfig>;
  const record = instanceDocument({
    ...shell("echo once; sleep 2; echo bad >&2; exit 4"),
    runtime: "docker",
    image: IMAGE,
  });
  const first = spawnHost(workDir, sequenced(record), both);
  await first.ready;
  await first.kill();
  const on = await host(t, workDir, both);
  assert.equal(on.supervisor.tasks.size, 1);
  await until(() => on.supervisor.tasks.size === 0);
  const facts = told(on, record.instance);
  assert.deepEqual(states(on, record.instance), ["staging", "running", "failed"]);
  assert.equal(new Set(facts.slice(1).map((fact) => fact.container)).size, 1);
  assert.equal(facts.at(-1)?.exitCode, 4);
  assert.match(facts.at(-1)?.message ?? "", /exited with status 4; its last words on stderr:\nbad$/);
  assert.equal(output(workDir, record.instance), "once\n");
  assert.throws(() => execFileSync("docker", ["inspect", facts.at(-1)?.container ?? ""], { stdio: "ignore" }));
});

test("a container that cannot be started is an error with its reason", { skip }, async (t) => {
  const on = await host(t, workDirectory(), { runtimes: ["docker"] });
  const missing = instanceDocument({ runtime: "docker", image: "localhost:1/nothing" });
  on.supervisor.accept(1, missing);
  await until(() => on.supervisor.tasks.size === 0);
  assert.deepEqual(
    told(on, missing.instance).map((fact) => [fact.state, fact.reason]),
    [
      ["staging", "accepted"],
      ["staging", "pulling"],
      ["error", "image-not-found"],
    ],
  );
});

test("what an absent engine cannot tell is not guessed: its container is found when it is back", {
  skip,
}, async (t) => {
  const workDir = workDirectory();
  const socketPath = join(workDir, "engine.sock");
  const way = await shakyEngine(socketPath);
  const both = { runtimes: ["process", "docker"], dockerSocket: socketPath } satisfies Partial<AgentConfig>;
  const records = [1, 2].map(() => instanceDocument({ ...shell("sleep 60"), runtime: "docker", image: IMAGE }));
  const first = spawnHost(workDir, sequenced(...records), both);
  await first.ready;
  await first.kill();
  await way.cut();
  const on = await host(t, workDir, both);
  t.after(() => way.cut());
  assert.deepEqual(on.usable, ["process"]);
  const [stays, stops] = records as [InstanceDocument, InstanceDocument];
  on.supervisor.accept(9, { ...stops, goal: "stop" });
  assert.deepEqual(states(on, stays.instance), ["staging", "running"]);
  await way.listen();
  await until(() => states(on, stops.instance).at(-1) === "killed", { withinMs: 20_000 });
  await until(() => on.supervisor.tasks.get(stays.instance)?.running !== null);
  assert.deepEqual(states(on, stays.instance), ["staging", "running"]);
  assert.deepEqual(await on.lookForRuntimes(), ["process", "docker"]);
});
