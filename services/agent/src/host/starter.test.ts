import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { until } from "@muster/testkit";
import { instanceDocument, orderOf, shell, workDirectory } from "../testing/documents.ts";
import { spawnHost } from "../testing/host.ts";
import { listPids, readStat } from "./proc.ts";
import { processRuntime } from "./process.ts";
import type { Running } from "./runtime.ts";

const never = new AbortController().signal;
const WAVE = 12;

/** Field 4 of proc(5)'s stat. */
const parentOf = (pid: number): number => {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[1]);
};
const pidOf = (running: Running): number => running.handle.pid as number;

function bench(t: TestContext) {
  const workDir = workDirectory();
  const runtime = processRuntime(workDir);
  const all: Running[] = [];
  t.after(async () => {
    for (const running of all) running.kill(0);
    await runtime.close();
  });
  const wave = async (line: (i: number) => string) => {
    const orders = Array.from({ length: WAVE }, (_, i) => orderOf(workDir, instanceDocument(shell(line(i)))));
    const started = await Promise.all(orders.map((order) => runtime.launch(order, never)));
    all.push(...started);
    return started.map((running, i) => ({ running, order: orders[i] as (typeof orders)[number] }));
  };
  /** Waves until one is started by the helper, which takes a moment to come. */
  const helped = (line: (i: number) => string) =>
    until(async () => {
      const started = await wave(line);
      const other = started.find(({ running }) => parentOf(pidOf(running)) !== process.pid);
      return other === undefined ? null : { started, helper: parentOf(pidOf(other.running)) };
    });
  return { workDir, runtime, wave, helped };
}

test("one start is made by the agent itself", async (t) => {
  const { workDir, runtime } = bench(t);
  const running = await runtime.launch(orderOf(workDir, instanceDocument(shell("sleep 60"))), never);
  t.after(() => running.kill(0));
  assert.equal(parentOf(pidOf(running)), process.pid);
});

test("many starts are made by a helper: each once, in its own session and sandbox, its status told as it is", async (t) => {
  const { helped, wave } = bench(t);
  await helped(() => "sleep 60");
  const started = await wave((i) => `echo once $MUSTER_INSTANCE; pwd; sleep 0.3; exit ${i}`);
  for (const { running } of started) assert.equal(readStat(pidOf(running))?.session, pidOf(running));
  for (const [i, { running, order }] of started.entries()) {
    assert.equal((await running.ended).exitCode, i);
    const { directory, stdout } = order.sandbox;
    assert.equal(readFileSync(stdout, "utf8"), `once ${order.instance}\n${directory}\n`);
  }
});

test("a task that a helper started is ended within its grace period", async (t) => {
  const { helped, wave } = bench(t);
  await helped(() => "sleep 60");
  const started = await wave((i) => (i % 2 === 0 ? "trap '' TERM; while :; do sleep 0.05; done" : "sleep 60"));
  const startedMs = performance.now();
  for (const { running } of started) running.kill(300);
  const endings = await Promise.all(started.map(({ running }) => running.ended));
  assert.ok(endings.every((ending) => ending.exitCode !== 0));
  assert.ok(performance.now() - startedMs < 5_000);
});

test("tasks outlive their helper, their ends are told, and starts go on without it", async (t) => {
  const { helped, wave } = bench(t);
  const { started, helper } = await helped((i) => `sleep 1.${i}; exit ${i}`);
  process.kill(helper, "SIGKILL");
  await until(() => readStat(helper) === null);
  const later = await wave((i) => `exit ${i}`);
  for (const [i, { running }] of [...started.entries(), ...later.entries()])
    assert.equal((await running.ended).exitCode, i);
});

test("a helper ends with its agent, however that ends; the tasks live on", async (t) => {
  const workDir = workDirectory();
  const records = Array.from({ length: 200 }, (_, i) => ({
    sequence: i + 1,
    record: instanceDocument(shell("sleep 60"), { slot: i }),
  }));
  const host = spawnHost(workDir, records);
  const helpers = () =>
    listPids().filter((pid) => {
      try {
        return parentOf(pid) === host.child.pid && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("helper.ts");
      } catch {
        return false;
      }
    });
  const [helper] = await until(() => (helpers().length > 0 ? helpers() : null), { withinMs: 20_000 });
  await host.ready;
  await host.kill();
  await until(() => readStat(helper as number) === null);
  const runtime = processRuntime(workDir);
  const living = await until(async () => {
    const listed = (await runtime.list()) ?? [];
    return listed.length === records.length ? listed : null;
  });
  t.after(async () => {
    const found = await Promise.all(records.map(({ record }) => runtime.adopt(orderOf(workDir, record), null)));
    for (const each of found) if (each.type === "live") each.running.kill(0);
    await runtime.close();
  });
  assert.equal(living.length, records.length);
});
