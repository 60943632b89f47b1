/** The nats-server as a child, with a durable store: every acknowledgement is on disk before it is given. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { MusterError } from "@muster/contracts";
import { monotonicMs, pause } from "@muster/runtime";
import type { ClusterFolder } from "./folder.ts";
import { choosePort } from "./ports.ts";
import { root } from "./settings.ts";

export type StartedNats = { readonly url: string; readonly monitoring: string; stop(): Promise<void> };

const START_WITHIN_MS = 20_000;
const STOP_WITHIN_MS = 8_000;

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
  const out = openSync(logFile, "a");
  // A group of its own: Ctrl-C must reach us only, so that everything is stopped in order.
  const child = spawn(binary(), ["-c", config], { stdio: ["ignore", out, out], detached: true });
  let failure: string | null = null;
  let stopping = false;
  child.once("error", (cause) => {
    failure = `nats-server cannot be started: ${cause.message}; run "npm start" once to get it, or put nats-server 2.14 or newer on PATH`;
  });
  child.once("exit", (code, signal) => {
    failure ??= `nats-server ended (${signal ?? `exit code ${code}`}): ${lastLine(logFile)}`;
    folder.forget("nats-server");
    if (!stopping) onExit(failure);
  });
  if (child.pid !== undefined) folder.remember("nats-server", child.pid);
  const monitoring = `http://127.0.0.1:${monitoringPort}`;
  const startedAtMs = monotonicMs();
  while (!(await isHealthy(monitoring))) {
    if (failure !== null) throw new MusterError("nats.unreachable", failure);
    if (monotonicMs() - startedAtMs > START_WITHIN_MS)
      throw new MusterError("nats.unreachable", `nats-server does not answer: see ${logFile}`);
    await pause(20);
  }
  return {
    url: `nats://127.0.0.1:${port}`,
    monitoring,
    async stop() {
      stopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      child.kill("SIGTERM");
      const hard = setTimeout(() => child.kill("SIGKILL"), STOP_WITHIN_MS);
      await ended;
      clearTimeout(hard);
    },
  };
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
