/** What cannot work is refused at the start, in one sentence that says what to do. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type NatsServer, natsServerBinary, startNatsServer } from "@muster/testkit";
import { root } from "../support/standalone.ts";

type Refusal = { code: number | null; text: string };

async function start(script: string, flags: readonly string[]): Promise<Refusal> {
  const child = spawn(process.execPath, [join(root, script), ...flags], {
    cwd: root,
    env: { ...process.env, MUSTER_NATS_SERVER: natsServerBinary() },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  child.stdout.on("data", (data: Buffer) => (text += data.toString()));
  child.stderr.on("data", (data: Buffer) => (text += data.toString()));
  const timer = setTimeout(() => child.kill("SIGKILL"), 30_000);
  const [code] = (await once(child, "exit")) as [number | null];
  clearTimeout(timer);
  return { code, text };
}

/** Greets as an old server does; nothing more is needed to be refused. */
async function oldServer(): Promise<{ server: Server; url: string }> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.write(
      `INFO ${JSON.stringify({ server_id: "OLD", version: "2.9.10", headers: true, max_payload: 1_048_576, proto: 1, jetstream: true, host: "127.0.0.1", port: 4222 })}\r\n`,
    );
    socket.on("data", (data) => {
      if (data.includes("PING")) socket.write("PONG\r\n");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const assertSentence = ({ code, text }: Refusal, says: RegExp, expected = 1) => {
  assert.match(text, says);
  assert.equal(code, expected, text);
  assert.doesNotMatch(text, /^\s+at /m, "no stack trace");
};

test("a nats-server that is too old is refused with its version and what to do", async () => {
  const { server, url } = await oldServer();
  assertSentence(
    await start("services/placement/src/main.ts", [`--nats-url=${url}`]),
    /version 2\.9\.10; Muster needs 2\.14 or newer.*install a newer/s,
  );
  server.close();
});

test("a nats-server without JetStream is refused", async () => {
  let server: NatsServer | null = null;
  try {
    server = await startNatsServer({ jetstream: false });
    assertSentence(
      await start("services/placement/src/main.ts", [`--nats-url=${server.url}`]),
      /JetStream is off.*start it with "-js"/s,
    );
  } finally {
    await server?.stop();
  }
});

test("a port that was asked for and is taken is refused, and another is taken when none was asked for", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as AddressInfo;
  const folder = await mkdtemp(join(tmpdir(), "muster-refusal-"));
  const refusal = await start("services/standalone/src/main.ts", [
    `--state-dir=${folder}`,
    `--http-port=${port}`,
    "--agents=0",
  ]);
  assertSentence(refusal, new RegExp(`port ${port} is taken.*--http-port`, "s"));
  taken.close();
  await rm(folder, { recursive: true, force: true });
});

test("a store that cannot be written is refused", async () => {
  assertSentence(
    await start("services/standalone/src/main.ts", [`--state-dir=${join(root, "package.json", "cluster")}`]),
    /cluster cannot be written.*--state-dir/s,
  );
});

test("an agent that can run nothing is refused", async () => {
  const folder = await mkdtemp(join(tmpdir(), "muster-refusal-"));
  const refusal = await start("services/agent/src/main.ts", [
    `--work-dir=${folder}`,
    "--runtimes=docker",
    `--docker-socket=${folder}/none.sock`,
    "--nats-url=nats://127.0.0.1:1",
  ]);
  assertSentence(refusal, /can run nothing: docker/, refusal.code === 0 ? 1 : (refusal.code ?? 1));
  await rm(folder, { recursive: true, force: true });
});

test("a setting that is none, or has a wrong value, is refused with what was expected", async () => {
  assertSentence(await start("services/gateway/src/main.ts", ["--http-prt=1"]), /--http-prt=1 is no setting/, 2);
  assertSentence(
    await start("services/gateway/src/main.ts", ["--http-port=many"]),
    /--http-port.*number.*got "many"/s,
    2,
  );
});

for (const service of ["offer-broker", "placement", "health", "deployer", "gateway", "agent", "standalone"])
  test(`${service} --help prints every setting with its default, unit and variable`, async () => {
    const { code, text } = await start(`services/${service}/src/main.ts`, ["--help"]);
    assert.equal(code, 0);
    assert.match(text, /--nats-url +none \(URL\).*\[MUSTER_NATS_URL/);
  });
