/** Starts a simulated fleet in a process of its own and follows what it says. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { FleetCounts, FleetOptions } from "./simulated-fleet.ts";

export type FleetProcess = {
  readonly pid: number;
  /** What it said last. */
  counts(): FleetCounts & { readonly ready: boolean };
  stop(): Promise<void>;
};

const NOTHING_YET = {
  ready: false,
  registered: 0,
  synced: 0,
  beats: 0,
  answers: 0,
  launched: 0,
  gaps: 0,
  factsStored: 0,
  replaced: 0,
};

export function startFleetProcess(url: string, options: Partial<FleetOptions> & { agents: number }): FleetProcess {
  const flags = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const script = fileURLToPath(new URL("./fleet-main.ts", import.meta.url));
  const child = spawn(process.execPath, [script, `--nats-url=${url}`, ...flags], {
    env: { ...process.env, MUSTER_LOG_LEVEL: "warn" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let last: FleetCounts & { ready: boolean } = NOTHING_YET;
  createInterface({ input: child.stdout }).on("line", (line) => {
    last = JSON.parse(line) as typeof last;
  });
  return {
    pid: child.pid ?? 0,
    counts() {
      if (child.exitCode !== null) throw new Error(`the fleet ended with code ${child.exitCode}`);
      return last;
    },
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
