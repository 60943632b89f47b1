/** The nats-server as a child, with a durable store: every acknowledgement is on disk before it is given. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { MusterError } from "@muster/contracts";
import { createLog, monotonicMs, pause } from "@muster/runtime";
import type { ClusterFolder } from "./folder.ts";
import { choosePort } from "./ports.ts";
import { root } from "./settings.ts";

export type StartedNats = { readonly url: string; readonly monitoring: string; stop(): Promise<void> };

const START_WITHIN_MS = 20_000;
const STOP_WITHIN_MS = 8_000;
const RESTART_AFTER_MS = 200;
const CRASHES_MAX = 5;
const CRASH_WINDOW_MS = 60_000;
const log = createLog("nats");

/** The bootstrap links the binary beside node; elsewhere it is taken from PATH. */
function binary(): string {
  const given = process.env.MUSTER_NATS_SERVER;
  if (given !== undefined && given !== "") return given;
  const linked = `${root}/node_modules/.bin/nats-server`;
  return existsSync(linked) ? linked : "nats-server";
}

export async function startNats(
  folder: ClusterFolder,
  asked: number | null,
  onExit: (message: string) => void,
): Promise<StartedNats> {
  const port = await choosePort("nats-server", "--nats-port", asked, 4222);
  const monitoringPort = await choosePort("nats-server's monitoring", "--nats-port", null, 8222);
  mkdirSync(folder.file("nats", "store"), { recursive: true });
  const config = folder.file("nats", "nats.conf");
  const logFile = folder.file("nats", "nats.log");
  writeFileSync(
    config,
    [
      `server_name: muster`,
      `listen: "127.0.0.1:${port}"`,
      `http: "127.0.0.1:${monitoringPort}"`,
      "max_payload: 8MB",
      `jetstream { store_dir: ${JSON.stringify(folder.file("nats", "store"))}, sync_interval: always }`,
      "",
    ].join("\n"),
  );
  const monitoring = `http://127.0.0.1:${monitoringPort}`;
  const server = new Server(folder, config, logFile, onExit);
  server.start();
  const startedAtMs = monotonicMs();
  while (!(await isHealthy(monitoring))) {
    if (server.failure !== null) throw new MusterError("nats.unreachable", server.failure);
    if (monotonicMs() - startedAtMs > START_WITHIN_MS)
      throw new MusterError("nats.unreachable", `nats-server does not answer: see ${logFile}`);
    await pause(20);
  }
  server.hasStarted = true;
  return { url: `nats://127.0.0.1:${port}`, monitoring, stop: () => server.stop() };
}

/** One nats-server process after another on the same store: a crash costs seconds, never the tasks. */
class Server {
  readonly #folder: ClusterFolder;
  readonly #config: string;
  readonly #logFile: string;
  readonly #onExit: (message: string) => void;
  readonly #crashesAtMs: number[] = [];
  #child: ChildProcess | null = null;
  #stopping = false;
  hasStarted = false;
  failure: string | null = null;

  constructor(folder: ClusterFolder, config: string, logFile: string, onExit: (message: string) => void) {
    this.#folder = folder;
    this.#config = config;
    this.#logFile = logFile;
    this.#onExit = onExit;
  }

  start(): void {
    const out = openSync(this.#logFile, "a");
    // A group of its own: Ctrl-C must reach us only, so that everything is stopped in order.
    const child = spawn(binary(), ["-c", this.#config], { stdio: ["ignore", out, out], detached: true });
    closeSync(out);
    this.#child = child;
    child.once("error", (cause) => {
      this.failure = `nats-server cannot be started: ${cause.message}; run "npm start" once to get it, or put nats-server 2.14 or newer on PATH`;
    });
    child.once("exit", (code, signal) => this.#ended(signal ?? `exit code ${code}`));
    if (child.pid !== undefined) this.#folder.remember("nats-server", child.pid);
  }

  #ended(how: string): void {
    this.failure ??= `nats-server ended (${how}): ${lastLine(this.#logFile)}`;
    this.#folder.forget("nats-server");
    if (this.#stopping || !this.hasStarted) return;
    const now = monotonicMs();
    this.#crashesAtMs.push(now);
    if (this.#crashesAtMs.filter((atMs) => now - atMs < CRASH_WINDOW_MS).length >= CRASHES_MAX) {
      this.#onExit(this.failure);
      return;
    }
    log.error({ how }, "nats-server ended and is started again");
    this.failure = null;
    setTimeout(() => this.#stopping || this.start(), RESTART_AFTER_MS);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const hard = setTimeout(() => child.kill("SIGKILL"), STOP_WITHIN_MS);
    await ended;
    clearTimeout(hard);
  }
}

async function isHealthy(monitoring: string): Promise<boolean> {
  try {
    return (await fetch(`${monitoring}/healthz?js-enabled-only=true`)).ok;
  } catch {
    return false;
  }
}

function lastLine(file: string): string {
  try {
    return (readFileSync(file, "utf8").trimEnd().split("\n").at(-1) ?? "").slice(-300);
  } catch {
    return `see ${file}`;
  }
}
