import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { InstanceDocument, RunDocument } from "@muster/contracts";
import { createLog } from "@muster/runtime";
import { freePort, until } from "@muster/testkit";
import { probe } from "../../checks/probe.ts";
import { healthCheck, instanceDocument, orderOf, shell, workDirectory } from "../../testing/documents.ts";
import { IMAGE, shakyEngine, whyNoEngine } from "../../testing/engine.ts";
import type { Ending, LaunchError, Order, Running } from "../runtime.ts";
import { defaultSocket } from "./engine.ts";
import { type DockerRuntime, dockerRuntime } from "./runtime.ts";

const skip = await whyNoEngine();
if (skip) console.error(`NOT TESTED: containers, because ${skip}`);

const docker = (...args: string[]): string => execFileSync("docker", args, { encoding: "utf8" });
const never = new AbortController().signal;
const mine = { agent: "n1", owner: "life", allowPrivileged: true };
const bare = (run: Partial<RunDocument>, more: Partial<InstanceDocument> = {}): Order =>
  orderOf("/work", instanceDocument({ runtime: "docker", image: IMAGE, ...run }, more));

type Bench = { runtime: DockerRuntime; workDir: string; owner: string; again(): DockerRuntime };
function bench(t: TestContext, more: { pullTimeoutMs?: number; socketPath?: string } = {}): Bench {
  const owner = randomUUID();
  const opened: DockerRuntime[] = [];
  const again = (): DockerRuntime => {
    const options = {
      socketPath: defaultSocket(),
      pullTimeoutMs: 20_000,
      agent: "n1",
      owner,
      allowPrivileged: true,
      log: createLog("test"),
      ...more,
    };
    const runtime = dockerRuntime(options);
    opened.push(runtime);
    return runtime;
  };
  t.after(async () => {
    for (const runtime of opened) await runtime.close();
    const left = docker("ps", "-aq", "--filter", `label=muster.owner=${owner}`).split("\n").filter(Boolean);
    if (left.length > 0) docker("rm", "-f", ...left);
  });
  return { runtime: again(), workDir: workDirectory(), owner, again };
}
const order = (on: Bench, run: Partial<RunDocument>, more: Partial<InstanceDocument> = {}): Order =>
  orderOf(on.workDir, instanceDocument({ runtime: "docker", image: IMAGE, ...run }, more));

async function run(t: TestContext, more: Partial<RunDocument>): Promise<{ ending: Ending; out: string; err: string }> {
  const on = bench(t);
  const asked = order(on, more);
  const ending = await (await on.runtime.launch(asked, never)).ended;
  return { ending, out: readFileSync(asked.sandbox.stdout, "utf8"), err: readFileSync(asked.sandbox.stderr, "utf8") };
}
const inspect = (running: Running) =>
  JSON.parse(docker("inspect", (running.handle as { container: string }).container))[0];

test("a container runs, its status is known, and its output stands in the sandbox afterwards", { skip }, async (t) => {
  const { ending, out, err } = await run(t, {
    ...shell("echo $A $MUSTER_INSTANCE; echo oops >&2; exit 5"),
    env: { A: "b" },
  });
  assert.deepEqual([ending.exitCode, ending.reason], [5, "exited"]);
  assert.match(out, /^b test\.0\.\d+\n$/);
  assert.equal(err, "oops\n");
});

test("an image's own command runs when none is given", { skip }, async (t) => {
  assert.equal((await run(t, { command: null })).out, "the image itself\n");
});

test("a killed container's signal is known", { skip }, async (t) => {
  const { ending } = await run(t, shell("kill -9 $$; sleep 5"));
  assert.equal(ending.signal, null);
  const other = await run(t, shell("sh -c 'kill -9 $$'; exit $?"));
  assert.deepEqual([other.ending.exitCode, other.ending.signal], [137, "SIGKILL"]);
});

test("a container carries its labels and is gone after it was discarded", { skip }, async (t) => {
  const on = bench(t);
  const asked = order(on, shell("sleep 60"));
  const running = await on.runtime.launch(asked, never);
  const { Config, HostConfig, State } = inspect(running);
  assert.equal(Config.Labels["muster.instance"], asked.instance);
  assert.equal(Config.Labels["muster.agent"], "n1");
  assert.equal(Config.Labels.MESOS_TASK_ID, asked.instance);
  assert.equal(HostConfig.RestartPolicy.Name, "no");
  assert.equal(State.Pid, running.handle.pid);
  assert.deepEqual(await on.runtime.list(), [{ instance: asked.instance, live: true }]);
  running.kill(0);
  await running.ended;
  assert.deepEqual(await on.runtime.list(), [{ instance: asked.instance, live: false }]);
  await on.runtime.discard(asked.instance);
  assert.deepEqual(await on.runtime.list(), []);
});

test("a container has its grace period, then it is killed", { skip }, async (t) => {
  const on = bench(t);
  const polite = await on.runtime.launch(
    order(on, shell("trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done")),
    never,
  );
  const deaf = await on.runtime.launch(order(on, shell("trap '' TERM; echo up; while :; do sleep 0.05; done")), never);
  await until(() =>
    [polite, deaf].every((each) => docker("logs", (each.handle as { container: string }).container) === "up\n"),
  );
  const startedMs = performance.now();
  polite.kill(20_000);
  deaf.kill(800);
  assert.equal((await polite.ended).exitCode, 3);
  assert.equal((await deaf.ended).signal, "SIGKILL");
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs > 780 && tookMs < 10_000, `${tookMs} ms`);
});

test("a bridged port is reached at its host port, one without at the container's own address", { skip }, async (t) => {
  const on = bench(t);
  const hostPort = await freePort();
  const portMaps = [
    { containerPort: 8080, hostPort, protocol: "tcp", name: null },
    { containerPort: 9090, hostPort: 0, protocol: "tcp", name: null },
  ] as const;
  const asked = order(on, {
    ...shell("httpd -p 8080 -h /www; httpd -f -p 9090 -h /www"),
    network: "bridge",
    portMaps: [...portMaps],
  });
  const running = await on.runtime.launch(asked, never);
  t.after(() => running.kill(0));
  assert.equal(running.addressOf(hostPort), "127.0.0.1");
  assert.match(running.addressOf(9090) ?? "", /^172\./);
  for (const port of [hostPort, 9090])
    await until(async () => (await probe({ check: healthCheck({ protocol: "TCP" }), port }, running)).passed);
  const answered = await probe({ check: healthCheck({ protocol: "HTTP" }), port: hostPort }, running);
  assert.match(answered.detail, /answered 404/);
});

test("limits reach the kernel", { skip }, async (t) => {
  const [newer, older] = ["cpu.max memory.max", "cpu/cpu.cfs_quota_us memory/memory.limit_in_bytes"];
  const { out } = await run(t, {
    ...shell(`cd /sys/fs/cgroup; cat ${newer} || cat ${older}`),
    limits: { cpuMillis: 500, memoryMib: 128 },
  });
  assert.match(out, new RegExp(`^50000( 100000)?\n${128 * 1024 * 1024}\n$`));
});

test("the engine's images are named with their tags", { skip }, async (t) => {
  const { runtime } = bench(t);
  assert.ok((await runtime.images())?.includes(IMAGE));
});

for (const user of [null, "1234"])
  test(`a container of user ${user} writes to its sandbox, finds it by two names, and reaches nothing of it but that`, {
    skip,
  }, async (t) => {
    const on = bench(t);
    const line = "echo $MESOS_SANDBOX $MUSTER_SANDBOX; echo kept >$MESOS_SANDBOX/file; test ! -e $MESOS_SANDBOX/stdout";
    const asked = order(on, {
      command: { type: "argv", argv: ["/bin/sh", "-c", line] },
      user,
      env: { MUSTER_SANDBOX: "/x" },
    });
    const { exitCode } = await (await on.runtime.launch(asked, never)).ended;
    assert.equal(exitCode, 0);
    assert.equal(readFileSync(asked.sandbox.stdout, "utf8"), "/mnt/mesos/sandbox /mnt/mesos/sandbox\n");
    const written = join(asked.sandbox.directory, "shared/file");
    assert.equal(readFileSync(written, "utf8"), "kept\n");
    assert.equal(statSync(written).uid, Number(user ?? 0));
  });

test("no network means no address", { skip }, async (t) => {
  const on = bench(t);
  const running = await on.runtime.launch(order(on, { ...shell("sleep 60"), network: "none" }), never);
  assert.equal(running.addressOf(80), null);
  running.kill(0);
});

test("an image that is not here and cannot be pulled is an error that says so", { skip }, async (t) => {
  const on = bench(t);
  const missing = on.runtime.launch(order(on, { image: "localhost:1/no/such/image" }), never);
  await assert.rejects(
    missing,
    (error: LaunchError) =>
      error.reason === "image-not-found" &&
      /localhost:1\/no\/such\/image:latest is not here and cannot be pulled/.test(error.message),
  );
  assert.deepEqual(await on.runtime.list(), []);
});

test("an image that went away since it was last seen is looked for again, not believed in", { skip }, async (t) => {
  const on = bench(t);
  const image = `muster-test-gone:${randomUUID().slice(0, 8)}`;
  docker("tag", IMAGE, image);
  const first = await on.runtime.launch(order(on, { ...shell("true"), image }), never);
  await first.ended;
  docker("rmi", image);
  await assert.rejects(
    on.runtime.launch(order(on, { ...shell("true"), image }), never),
    (error: LaunchError) => error.reason === "image-not-found" && error.message.includes("cannot be pulled"),
  );
});

test("ends are told soon, of containers that are over before anybody waits and of those started beside others", {
  skip,
}, async (t) => {
  const on = bench(t);
  const startedMs = performance.now();
  const lines = ["true", "sleep 0.2", "exit 3", "sleep 0.1", "true", "sleep 0.3"];
  for (let round = 0; round < 2; round += 1) {
    const running = await Promise.all(lines.map((line) => on.runtime.launch(order(on, shell(line)), never)));
    const endings = await Promise.all(running.map((each) => each.ended));
    assert.deepEqual(
      endings.map((ending) => ending.exitCode),
      [0, 0, 3, 0, 0, 0],
    );
  }
  // Below the pause between two comparisons, twice.
  assert.ok(performance.now() - startedMs < 9_000, `${performance.now() - startedMs} ms`);
});

test("a command that the image does not have is an error, and leaves no container", { skip }, async (t) => {
  const on = bench(t);
  const missing = on.runtime.launch(order(on, { command: { type: "argv", argv: ["/no/such/program"] } }), never);
  await assert.rejects(missing, (error: LaunchError) => error.reason === "command-not-found");
  assert.deepEqual(await on.runtime.list(), []);
});

test("a container is adopted with the same id after its agent was away, and one that ended tells its status", {
  skip,
}, async (t) => {
  const on = bench(t);
  const [alive, dead] = [order(on, shell("echo once; sleep 60")), order(on, shell("echo bye; exit 8"))];
  const running = await on.runtime.launch(alive, never);
  const ended = await on.runtime.launch(dead, never);
  await until(() => inspect(ended).State.Status === "exited");
  const later = on.again();
  for (const handle of [running.handle, null]) {
    const found = await later.adopt(alive, handle);
    assert.ok(found.type === "live");
    assert.deepEqual(found.running.handle, running.handle);
  }
  const found = await later.adopt(dead, null);
  assert.ok(found.type === "ended");
  assert.equal(found.ending.exitCode, 8);
  assert.equal(readFileSync(dead.sandbox.stdout, "utf8"), "bye\n");
  assert.equal((await later.adopt(order(on, {}), null)).type, "nothing");
  running.kill(0);
  await running.ended;
});

test("a container of an instance is never made twice", { skip }, async (t) => {
  const on = bench(t);
  const asked = order(on, shell("sleep 60"));
  const first = await on.runtime.launch(asked, never);
  const second = await on.again().launch(asked, never);
  assert.deepEqual(second.handle, first.handle);
  first.kill(0);
  await first.ended;
});

test("a container that somebody else removes is told as gone", { skip }, async (t) => {
  const on = bench(t);
  const running = await on.runtime.launch(order(on, shell("sleep 60")), never);
  docker("rm", "-f", (running.handle as { container: string }).container);
  assert.equal((await running.ended).reason === "container-gone" || (await running.ended).signal === "SIGKILL", true);
});

test("a command beside a container runs inside it and is cut off in time", { skip }, async (t) => {
  const on = bench(t);
  const running = await on.runtime.launch(order(on, { ...shell("touch /here; sleep 60"), env: { A: "b" } }), never);
  await until(async () => (await running.exec("test -e /here && test $A = b", 2_000)) === 0);
  assert.equal(await running.exec("exit 3", 2_000), 3);
  assert.equal(await running.exec(["test", "$A b", "=", "$A b"], 2_000), 0, "no shell reads arguments");
  assert.equal(await running.exec("sleep 7777", 300), null);
  await until(() => !execFileSync("ps", ["ax", "-o", "args"], { encoding: "utf8" }).includes("sleep 7777"));
  running.kill(0);
  await running.ended;
});

test("a living container's output is read and followed", { skip }, async (t) => {
  const on = bench(t);
  const running = await on.runtime.launch(
    order(on, shell("echo one; sleep 0.5; echo two; sleep 0.5; echo bad >&2")),
    never,
  );
  const read = async (follow: boolean, tail: number | null): Promise<string> => {
    let text = "";
    for await (const chunk of running.output?.("stdout", { follow, tail, signal: never }) ?? []) text += chunk;
    return text;
  };
  await until(async () => (await read(false, null)) === "one\n");
  assert.equal(await read(true, null), "one\ntwo\n");
});

async function shaky(t: TestContext) {
  const socketPath = join(workDirectory(), "engine.sock");
  const way = await shakyEngine(socketPath);
  t.after(() => way.cut());
  return { way, on: bench(t, { socketPath }) };
}

for (const { call, request } of [
  { call: "create", request: /^POST \/containers\/create/ },
  { call: "start", request: /^POST \/containers\/[0-9a-f]+\/start/ },
]) {
  test(`a container is started once when the answer to its ${call} is lost`, { skip }, async (t) => {
    const { way, on } = await shaky(t);
    const asked = order(on, shell("echo once; sleep 60"));
    way.loseAnswerTo(request);
    const running = await on.runtime.launch(asked, never);
    await until(() => docker("logs", (running.handle as { container: string }).container) === "once\n");
    assert.equal(docker("ps", "-aq", "--filter", `label=muster.owner=${on.owner}`).trim().split("\n").length, 1);
    running.kill(0);
    await running.ended;
  });
}

test("a short container whose start went unanswered is not started again", { skip }, async (t) => {
  const { way, on } = await shaky(t);
  const asked = order(on, shell("echo once"));
  way.loseAnswerTo(/^POST \/containers\/[0-9a-f]+\/start/);
  const running = await on.runtime.launch(asked, never);
  await running.ended;
  assert.equal(readFileSync(asked.sandbox.stdout, "utf8"), "once\n");
});

test("a container that ends while its engine is away is told when the engine is back", { skip }, async (t) => {
  const { way, on } = await shaky(t);
  const running = await on.runtime.launch(order(on, shell("sleep 1; exit 6")), never);
  await way.cut();
  assert.equal((await on.runtime.usable()).usable, false);
  await until(() => inspect(running).State.Status === "exited");
  await way.listen();
  assert.equal((await on.runtime.usable()).usable, true);
  assert.equal((await running.ended).exitCode, 6);
});

test("a kill that its engine did not hear is asked for again", { skip }, async (t) => {
  const { way, on } = await shaky(t);
  const running = await on.runtime.launch(order(on, shell("sleep 60")), never);
  const refused = way.refuse(/^POST \/containers\/[0-9a-f]+\/kill/);
  running.kill(100);
  await until(() => refused() >= 2, { what: "SIGTERM and SIGKILL, neither heard" });
  assert.equal(inspect(running).State.Status, "running");
  way.refuse(null);
  assert.equal((await running.ended).signal, "SIGKILL");
});

test("without a socket nothing is loaded and the reason is said", async () => {
  const runtime = dockerRuntime({
    ...mine,
    socketPath: "/nowhere/docker.sock",
    pullTimeoutMs: 1_000,
    log: createLog("test"),
  });
  assert.deepEqual(await runtime.usable(), { usable: false, reason: "there is no socket at /nowhere/docker.sock" });
  assert.equal(await runtime.list(), null);
  assert.equal((await runtime.adopt(bare({}), null)).type, "unknown");
});
