import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import type { RunDocument } from "@muster/contracts";
import { until } from "@muster/testkit";
import { instanceDocument, orderOf, shell, workDirectory } from "../testing/documents.ts";
import { hasEnded, readStat } from "./proc.ts";
import { processRuntime } from "./process.ts";
import type { Ending, LaunchError, Order, Running } from "./runtime.ts";

type T = { after(work: () => void): void };

async function launch(t: T, run: Partial<RunDocument>): Promise<{ running: Running; order: Order; workDir: string }> {
  const workDir = workDirectory();
  const order = orderOf(workDir, instanceDocument(run));
  const running = await processRuntime(workDir).launch(order, new AbortController().signal);
  t.after(() => running.kill(0));
  return { running, order, workDir };
}

async function run(
  t: T,
  more: Partial<RunDocument>,
): Promise<{ ending: Ending; order: Order; out: string; err: string }> {
  const { running, order } = await launch(t, more);
  const ending = await running.ended;
  return {
    ending,
    order,
    out: readFileSync(order.sandbox.stdout, "utf8"),
    err: readFileSync(order.sandbox.stderr, "utf8"),
  };
}

const pidIn = (text: string): number => Number(/\d+/.exec(text)?.[0]);
const isGone = (pid: number): boolean => hasEnded(readStat(pid));

test("a task runs in its sandbox and its output stands in files there", async (t) => {
  const { out, err, order, ending } = await run(t, shell("pwd; echo oops >&2"));
  assert.equal(out, `${order.sandbox.directory}\n`);
  assert.equal(err, "oops\n");
  assert.equal(ending.exitCode, 0);
});

test("a task sees its own variables, its instance and sandbox, PATH and HOME, and nothing else of its agent", async (t) => {
  process.env.MUSTER_TEST_SECRET = "hidden";
  t.after(() => delete process.env.MUSTER_TEST_SECRET);
  const { out, order } = await run(t, { command: { type: "argv", argv: ["env"] }, env: { A: "1 2", PORT0: "31000" } });
  const names = Object.fromEntries(
    out
      .trimEnd()
      .split("\n")
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
  const { PWD: _shells, ...rest } = names;
  assert.deepEqual(rest, {
    A: "1 2",
    PORT0: "31000",
    PATH: process.env.PATH,
    HOME: order.sandbox.directory,
    MESOS_SANDBOX: order.sandbox.directory,
    MUSTER_SANDBOX: order.sandbox.directory,
    MUSTER_INSTANCE: order.instance,
  });
});

test("a spec cannot take another instance's name", async (t) => {
  const { out, order } = await run(t, { ...shell("echo $MUSTER_INSTANCE"), env: { MUSTER_INSTANCE: "other.0.1" } });
  assert.equal(out, `${order.instance}\n`);
});

test("arguments are handed over as they are, without a shell", async (t) => {
  const { out } = await run(t, { command: { type: "argv", argv: ["printf", "%s|", "a b", "$HOME", "*"] } });
  assert.equal(out, "a b|$HOME|*|");
});

for (const { line, exitCode, signal, reason } of [
  { line: "exit 0", exitCode: 0, signal: null, reason: "exited" },
  { line: "exit 3", exitCode: 3, signal: null, reason: "exited" },
  { line: "exit 255", exitCode: 255, signal: null, reason: "exited" },
  { line: "PATH=/bin; no-such-command", exitCode: 127, signal: null, reason: "command-not-found" },
  { line: "/etc/passwd", exitCode: 126, signal: null, reason: "command-not-executable" },
  { line: "kill -9 $$", exitCode: 137, signal: "SIGKILL", reason: "signalled" },
  { line: "kill -TERM $$", exitCode: 143, signal: "SIGTERM", reason: "signalled" },
]) {
  test(`"${line}" ends with status ${exitCode} and reason ${reason}`, async (t) => {
    const { ending } = await run(t, shell(line));
    assert.deepEqual(
      { exitCode: ending.exitCode, signal: ending.signal, reason: ending.reason },
      { exitCode, signal, reason },
    );
  });
}

test("the shell around a task adds nothing to its output", async (t) => {
  const { out, err } = await run(t, shell("kill -SEGV $$"));
  assert.equal(out + err, "");
});

test("a program that is not there is named on the task's stderr", async (t) => {
  const { err, ending } = await run(t, {
    command: { type: "argv", argv: ["no-such-program", "x"] },
    env: { PATH: "/usr/bin:/bin" },
  });
  assert.match(err, /no-such-program: not found/);
  assert.equal(ending.reason, "command-not-found");
});

test("a task without a command is refused with a reason", async (t) => {
  await assert.rejects(launch(t, { command: null }), (error: LaunchError) => error.reason === "no-command");
});

test("an unknown user is refused with a reason", async (t) => {
  await assert.rejects(launch(t, { user: "nobody-knows-me" }), (error: LaunchError) => error.reason === "unknown-user");
});

test("a task runs as the user it names and may write its sandbox", {
  skip: process.getuid?.() !== 0 && "needs root",
}, async (t) => {
  const { out, ending } = await run(t, {
    ...shell("id -un; touch here && ls here; cat /proc/self/status | grep ^Groups"),
    user: "nobody",
  });
  assert.match(out, /^nobody\nhere\n/);
  assert.equal(ending.exitCode, 0);
});

test("killing sends SIGTERM to every process of the group and the exit status is still known", async (t) => {
  const { running, order } = await launch(t, shell("sleep 60 & sleep 60 & echo $!; wait"));
  await until(() => readFileSync(order.sandbox.stdout, "utf8") !== "");
  running.kill(5_000);
  const startedMs = performance.now();
  const ending = await running.ended;
  assert.ok(performance.now() - startedMs < 2_000);
  assert.equal(ending.signal, "SIGTERM");
  assert.ok(isGone(pidIn(readFileSync(order.sandbox.stdout, "utf8"))));
});

test("a task that handles SIGTERM ends with its own status", async (t) => {
  const { running, order } = await launch(
    t,
    shell("trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.05; done"),
  );
  await until(() => readFileSync(order.sandbox.stdout, "utf8") === "ready\n");
  running.kill(5_000);
  assert.equal((await running.ended).exitCode, 5);
  assert.equal(readFileSync(order.sandbox.stdout, "utf8"), "ready\nbye\n");
});

test("a task that ignores SIGTERM is killed after its grace period, and so are its children", async (t) => {
  const { running, order } = await launch(
    t,
    shell("trap '' TERM; sh -c 'echo $$; while :; do sleep 1; done' & echo x; while :; do sleep 1; done"),
  );
  await until(() => /\d/.test(readFileSync(order.sandbox.stdout, "utf8")));
  const startedMs = performance.now();
  running.kill(400);
  await running.ended;
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs >= 390 && tookMs < 3_000, `took ${tookMs} ms`);
  assert.ok(isGone(pidIn(readFileSync(order.sandbox.stdout, "utf8"))));
});

test("a child that outlives the main process and ignores SIGTERM is gone before the end is told", async (t) => {
  const { running, order } = await launch(t, {
    ...shell("sh -c 'trap \"\" TERM; echo $$; exec sleep 60' & sleep 0.2; exit 7"),
    killGraceMs: 300,
  });
  const ending = await running.ended;
  assert.equal(ending.exitCode, 7);
  assert.ok(isGone(pidIn(readFileSync(order.sandbox.stdout, "utf8"))));
});

test("a child that left the group for a session of its own ends with the task", async (t) => {
  const { running, order } = await launch(t, shell("setsid sh -c 'echo $$; exec sleep 60' & sleep 0.3"));
  await running.ended;
  assert.ok(isGone(pidIn(readFileSync(order.sandbox.stdout, "utf8"))));
});

test("SIGKILL to the main process is seen, and what it leaves is ended", async (t) => {
  const { running, order } = await launch(t, { ...shell("echo $$; sleep 60"), killGraceMs: 200 });
  await until(() => existsSync(order.sandbox.stdout) && readFileSync(order.sandbox.stdout, "utf8") !== "");
  assert.equal(running.handle.type, "process");
  process.kill(running.handle.pid as number, "SIGKILL");
  const ending = await running.ended;
  assert.equal(ending.signal, "SIGKILL");
  assert.ok(isGone(pidIn(readFileSync(order.sandbox.stdout, "utf8"))));
});

test("a task is adopted by pid and start time, and its exit status comes from the file it left", async (t) => {
  const { running, order, workDir } = await launch(t, shell("sleep 0.5; exit 9"));
  const found = await processRuntime(workDir).adopt(order, running.handle);
  assert.equal(found.type, "live");
  if (found.type !== "live") return;
  assert.deepEqual(found.running.handle, running.handle);
  assert.equal((await found.running.ended).exitCode, 9);
});

test("a task without a checkpoint is found by its environment", async (t) => {
  const { running, order, workDir } = await launch(t, shell("sleep 60 & sleep 60"));
  const found = await processRuntime(workDir).adopt(order, null);
  assert.equal(found.type === "live" && found.running.handle.pid, running.handle.pid);
});

test("a pid that another process has now is not adopted", async (t) => {
  const { running, order, workDir } = await launch(t, shell("exit 4"));
  await running.ended;
  const other = { ...running.handle, pid: process.pid } as typeof running.handle;
  const found = await processRuntime(workDir).adopt(order, other);
  assert.equal(found.type === "ended" && found.ending.exitCode, 4);
});

test("an intent without any trace of a process is nothing", async () => {
  const workDir = workDirectory();
  const found = await processRuntime(workDir).adopt(orderOf(workDir, instanceDocument()), null);
  assert.equal(found.type, "nothing");
});

test("a task of an earlier boot that left no status was ended by the restart of the machine", async (t) => {
  const { running, order, workDir } = await launch(t, shell("sleep 60"));
  process.kill(-(running.handle.pid as number), "SIGKILL");
  await running.ended;
  const handle = { ...running.handle, boot: "another" } as typeof running.handle;
  const found = await processRuntime(workDir).adopt(order, handle);
  assert.equal(found.type === "nothing" && found.why, "the machine was restarted");
  assert.equal((await processRuntime(workDir).adopt(order, running.handle)).type, "ended");
});

test("a task cannot write its own exit status", async (t) => {
  const { ending, out } = await run(t, shell("ls -l /proc/self/fd | grep -c control; echo 0 >&4; exit 3"));
  assert.equal(ending.exitCode, 3);
  assert.equal(out, "0\n");
});

test("a command beside a task runs in its sandbox with its environment and is cut off in time", async (t) => {
  const { running } = await launch(t, { ...shell("touch here; sleep 60"), env: { A: "b" } });
  await until(async () => (await running.exec("test -e here && test $A = b", 1_000)) === 0);
  assert.equal(await running.exec("exit 3", 1_000), 3);
  assert.equal(await running.exec("sleep 60", 100), null);
});
