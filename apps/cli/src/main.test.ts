import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { connectNats, type Nats, provision } from "@muster/runtime";
import { type NatsServer, startNatsServer, until } from "@muster/testkit";
import { FakeCluster } from "./fake-cluster.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
let server: NatsServer;
let nats: Nats;
let cluster: FakeCluster;
before(async () => {
  server = await startNatsServer();
  nats = await connectNats({ url: server.url }, { name: "test", waitMs: 10_000 });
  await provision(nats, { replicas: 1 });
  cluster = new FakeCluster(nats);
  cluster.app("/hello", 1);
  cluster.instance("/hello", 0, 12);
});
after(async () => {
  cluster?.stop();
  await nats?.connection.close();
  await server?.stop();
});

/** Runs the command as a process of its own. */
function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, NATS_URL: server.url, ...env } });
  const seen = { out: "", err: "", code: null as number | null };
  child.stdout.setEncoding("utf8").on("data", (text) => {
    seen.out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    seen.err += text;
  });
  const ended = new Promise<typeof seen>((resolve) => child.on("close", (code) => resolve({ ...seen, code })));
  return { child, seen, ended };
}

test("help begins with examples, names every command and explains the exit codes", async () => {
  const { code, out } = await start(["--help"]).ended;
  assert.equal(code, 0);
  assert.match(out, /^Examples:\n/);
  for (const command of [
    "up",
    "run",
    "plan",
    "apps",
    "ps",
    "agents",
    "logs",
    "events",
    "scale",
    "restart",
    "stop",
    "rm",
    "why",
    "doctor",
    "version",
  ])
    assert.match(out, new RegExp(`^ {2}${command} `, "m"));
  for (const exit of [0, 1, 2, 3, 4, 5, 6, 10, 130]) assert.match(out, new RegExp(`^ {2}${exit} `, "m"));
  assert.equal((await start([]).ended).out, out);
});

test("a mistyped command is answered with the one that was meant, and exits with 2", async () => {
  const { code, err } = await start(["agnets"]).ended;
  assert.equal(code, 2);
  assert.match(err, /unknown command 'agnets'\n\(Did you mean agents\?\)/);
});

for (const args of [
  ["ps", "--nope"],
  ["ps", "-o", "xml"],
  ["scale", "hello"],
  ["logs", "--tail", "x", "hello"],
  ["run"],
  ["plan"],
])
  test(`muster ${args.join(" ")} exits with 2`, async () => {
    const { code, out } = await start(args).ended;
    assert.deepEqual([code, out], [2, ""]);
  });

test("global options may stand before or behind the command", async () => {
  for (const args of [
    ["-o", "name", "ps"],
    ["ps", "-o", "name"],
  ])
    assert.equal((await start(args).ended).out, "hello.0.12\n");
  const { code } = await start(["-s", server.url, "ps"], { NATS_URL: "nats://127.0.0.1:1" }).ended;
  assert.equal(code, 0);
});

test("nobody there exits with 6 and says what to do", async () => {
  const { code, err } = await start(["ps", "-s", "nats://127.0.0.1:1"]).ended;
  assert.equal(code, 6);
  assert.match(
    err,
    /no nats-server answers at nats:\/\/127\.0\.0\.1:1: start a cluster with "npm start" or "muster up"/,
  );
});

test("version works without a server", async () => {
  const { code, out } = await start(["version", "-o", "json", "-s", "nats://127.0.0.1:1"]).ended;
  assert.equal(code, 0);
  const { muster, natsServer } = JSON.parse(out);
  assert.equal(natsServer, null);
  assert.equal((await start(["--version"]).ended).out, `${muster}\n`);
});

test("a signal ends what is followed, with its exit code", async () => {
  const { child, ended } = start(["events", "-f"]);
  await until(async () => {
    const consumers = await nats.jsm.consumers.list("MUSTER_EVENTS").next();
    return consumers.length > 0;
  });
  child.kill("SIGINT");
  assert.equal((await ended).code, 130);
});

test("Ctrl-C while waiting for a deployment leaves it running", async () => {
  cluster.onDeployment = () => undefined;
  const { child, seen, ended } = start(["scale", "hello", "5"]);
  await until(() => seen.err.includes("deployment-1"));
  child.kill("SIGINT");
  const { code, err } = await ended;
  assert.equal(code, 130);
  assert.match(err, /detached with 1 of 5 ready: the deployment goes on/);
});

test("a reader that stops reading ends us quietly", async () => {
  const { child, ended } = start(["ps", "-o", "json"]);
  child.stdout.destroy();
  assert.equal((await ended).err, "");
});
