/** Agents on this machine, each a process of its own with its own id, hostname, folder, attributes and ports. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, openSync } from "node:fs";
import { availableParallelism, hostname, totalmem } from "node:os";
import { dirname } from "node:path";
import { PORT_RANGE } from "@muster/contracts";
import { createLog, pause } from "@muster/runtime";
import type { ClusterFolder } from "./folder.ts";
import { root, type StandaloneConfig } from "./settings.ts";

export type RunningAgents = { readonly names: readonly string[]; stop(): Promise<void> };

const STOP_WITHIN_MS = 15_000;
const RESTART_AFTER_MS = 1_000;
const REPLACED_EXIT_CODE = 3;
const log = createLog("agents");

export function startAgents(folder: ClusterFolder, config: StandaloneConfig, natsUrl: string): RunningAgents {
  const count = config.agents;
  const base = hostname().split(".")[0] ?? "agent";
  const names = Array.from({ length: count }, (_, i) => (count === 1 ? base : `${base}-${i + 1}`));
  const children = new Map<string, ChildProcess>();
  let stopping = false;

  const start = (name: string, n: number) => {
    const workDir = folder.file("agents", name);
    mkdirSync(workDir, { recursive: true });
    const out = openSync(folder.file("agents", `${name}.log`), "a");
    const child = spawn(
      process.execPath,
      // A young generation of this size keeps an idle agent small and costs a busy one little.
      ["--max-semi-space-size=2", `${root}/services/agent/src/main.ts`, ...flags(config, natsUrl, name, n, workDir)],
      {
        // Tasks find the node that runs us, whatever the machine has.
        env: {
          ...process.env,
          MUSTER_CONFIG: undefined,
          NODE_COMPILE_CACHE: `${root}/node_modules/.cache/muster`,
          PATH: `${dirname(process.execPath)}:${process.env.PATH ?? "/usr/bin:/bin"}`,
        },
        stdio: ["ignore", out, out],
        detached: true,
      },
    );
    children.set(name, child);
    if (child.pid !== undefined) folder.remember(name, child.pid);
    child.once("error", (cause) => log.error({ agent: name, error: cause.message }, "an agent cannot be started"));
    child.once("exit", (code, signal) => {
      folder.forget(name);
      if (stopping) return;
      log.warn({ agent: name, code, signal }, "an agent ended");
      // Another agent of the same id has taken over: starting again would only make them take turns.
      if (code !== REPLACED_EXIT_CODE) setTimeout(() => stopping || start(name, n), RESTART_AFTER_MS);
    });
  };
  for (const [i, name] of names.entries()) start(name, i + 1);
  return {
    names,
    async stop() {
      stopping = true;
      const living = [...children.values()].filter((child) => child.exitCode === null && child.signalCode === null);
      for (const child of living) child.kill("SIGTERM");
      const ended = Promise.all(
        living.map((child) => new Promise<void>((resolve) => child.once("exit", () => resolve()))),
      );
      await Promise.race([ended, pause(STOP_WITHIN_MS)]);
      for (const child of living) if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    },
  };
}

function flags(config: StandaloneConfig, natsUrl: string, name: string, n: number, workDir: string): string[] {
  const number = (template: string) => template.replaceAll("{n}", String(n));
  const given = {
    "nats-url": natsUrl,
    "agent-id": name,
    hostname: config.agents === 1 ? hostname() : name,
    "work-dir": workDir,
    attributes: number(config.attributes),
    resources: resources(config, n, number(config.resources)),
    "stop-tasks-on-exit": String(!config.keepTasks),
    ...(config.otlp === null ? {} : { otlp: config.otlp }),
  };
  return Object.entries(given).flatMap(([flag, value]) => (value === "" ? [] : [`--${flag}=${value}`]));
}

/** One agent offers what it detects; several share the machine out and have a port range each. */
function resources({ agents }: StandaloneConfig, n: number, given: string): string {
  if (agents === 1) return given;
  const width = PORT_RANGE.last - PORT_RANGE.first;
  const first = PORT_RANGE.first + (n - 1) * (width + 1);
  const usual = {
    cpus: `cpus:${(availableParallelism() / agents).toFixed(2)}`,
    mem: `mem:${Math.floor((totalmem() / 2 ** 20 - 1_024) / agents)}`,
    ports: `ports:[${first}-${first + width}]`,
  };
  const named = new Set(given.split(";").map((piece) => piece.split(":")[0]?.trim()));
  return [
    ...Object.entries(usual).flatMap(([name, text]) => (named.has(name) ? [] : [text])),
    ...(given === "" ? [] : [given]),
  ].join(";");
}
