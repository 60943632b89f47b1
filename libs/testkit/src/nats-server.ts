/** Real nats-servers for tests, on loopback ports of their own, with stores in a temporary folder. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "./until.ts";

export type NatsServer = {
  readonly url: string;
  readonly port: number;
  readonly monitoringPort: number;
  readonly folder: string;
  pid(): number | null;
  /** Kills it without warning; the store stays. */
  kill(): Promise<void>;
  /** Starts it again on the same store and ports. */
  start(): Promise<void>;
  /** Ends it and removes its store. */
  stop(): Promise<void>;
};

/** The binary: `MUSTER_NATS_SERVER`, the one the bootstrap linked beside node, or `nats-server` on PATH. */
export function natsServerBinary(): string {
  const given = process.env.MUSTER_NATS_SERVER;
  if (given !== undefined && given !== "") return given;
  const linked = fileURLToPath(new URL("../../../node_modules/.bin/nats-server", import.meta.url));
  return existsSync(linked) ? linked : "nats-server";
}

/** A TCP port nobody listens on just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === "object" ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}

/** One server with JetStream, synced on every write as in production. */
export async function startNatsServer({
  jetstream = true,
  extra = "",
}: {
  jetstream?: boolean;
  extra?: string;
} = {}): Promise<NatsServer> {
  const folder = await mkdtemp(join(tmpdir(), "muster-nats-"));
  const [port, monitoringPort] = [await freePort(), await freePort()];
  return await launch({ folder, port, monitoringPort, jetstream, extra });
}

export type NatsCluster = { readonly url: string; readonly servers: readonly NatsServer[]; stop(): Promise<void> };

/** Three servers of one cluster, for replicated streams. */
export async function startNatsCluster(): Promise<NatsCluster> {
  const names = ["a", "b", "c"];
  const ports = await Promise.all(names.flatMap(() => [freePort(), freePort(), freePort()]));
  const route = (i: number) => ports[i * 3 + 2] as number;
  const routes = names.map((_, i) => `nats-route://127.0.0.1:${route(i)}`).join(", ");
  const servers = await Promise.all(
    names.map(async (name, i) => {
      const folder = await mkdtemp(join(tmpdir(), `muster-nats-${name}-`));
      const extra = `server_name: ${name}\ncluster { name: muster-test, listen: "127.0.0.1:${route(i)}", routes: [${routes}] }`;
      return await launch({
        folder,
        port: ports[i * 3] as number,
        monitoringPort: ports[i * 3 + 1] as number,
        jetstream: true,
        extra,
      });
    }),
  );
  const url = servers.map((server) => server.url).join(",");
  await until(
    async () => {
      const answers = await Promise.all(
        servers.map((server) => fetch(`http://127.0.0.1:${server.monitoringPort}/healthz`)),
      );
      return answers.every((answer) => answer.ok);
    },
    { withinMs: 30_000, everyMs: 100, what: "a nats cluster of three" },
  );
  return { url, servers, stop: async () => void (await Promise.all(servers.map((server) => server.stop()))) };
}

type Launch = { folder: string; port: number; monitoringPort: number; jetstream: boolean; extra: string };

async function launch({ folder, port, monitoringPort, jetstream, extra }: Launch): Promise<NatsServer> {
  const config = join(folder, "nats.conf");
  const store = join(folder, "store");
  await mkdir(store, { recursive: true });
  await writeFile(
    config,
    [
      `listen: "127.0.0.1:${port}"`,
      `http: "127.0.0.1:${monitoringPort}"`,
      "max_payload: 8MB",
      jetstream ? `jetstream { store_dir: ${JSON.stringify(store)}, sync_interval: always }` : "",
      extra,
    ].join("\n"),
  );
  let child: ChildProcess | null = null;
  const server: NatsServer = {
    url: `nats://127.0.0.1:${port}`,
    port,
    monitoringPort,
    folder,
    pid: () => child?.pid ?? null,
    async start() {
      // Its heap is collected when it has grown by half, not doubled.
      const started = spawn(natsServerBinary(), ["-c", config, "-l", join(folder, "nats.log")], {
        stdio: "ignore",
        env: { GOGC: "50", ...process.env },
      });
      child = started;
      started.once("error", () => undefined);
      await until(async () => (await accepts(port)) && (await fetch(`http://127.0.0.1:${monitoringPort}/varz`)).ok, {
        withinMs: 15_000,
        what: `nats-server on port ${port}`,
      });
    },
    kill: () => end(child, "SIGKILL"),
    async stop() {
      await end(child, "SIGKILL");
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  await server.start();
  return server;
}

/** The monitoring port opens first: only a connection tells that clients are served. */
function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

async function end(child: ChildProcess | null, signal: NodeJS.Signals): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill(signal);
  await ended;
}
