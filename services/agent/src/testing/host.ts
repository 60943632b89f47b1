/** The host side of an agent without any control plane, in this process or in one that can be killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { InstanceDocument, TaskEvent } from "@muster/contracts";
import { createLog, openTelemetry, readSettings } from "@muster/runtime";
import { type Host, openHost } from "../host.ts";
import { type AgentConfig, agentSettings } from "../settings.ts";

export type Records = readonly { sequence: number; record: InstanceDocument }[];

export const hostConfig = (workDir: string, more: Partial<AgentConfig> = {}): AgentConfig => ({
  ...readSettings("agent", agentSettings, { argv: [], env: {} }),
  agentId: "n1",
  workDir,
  runtimes: ["process"],
  ...more,
});

export async function startHost(workDir: string, more: Partial<AgentConfig> = {}): Promise<Host> {
  const telemetry = await openTelemetry({ otlp: null });
  return openHost(hostConfig(workDir, more), { telemetry, log: createLog("host") });
}

/** What the host would tell, as `state` of one instance, in order. */
export const told = (host: Host, instance: string): TaskEvent["data"][] =>
  host.journal.outbox(10_000).flatMap((event) => (event.data.instance === instance ? [event.data] : []));

export type HostProcess = {
  readonly child: ChildProcess;
  /** Resolves when it has said that it did what it was asked to. */
  readonly ready: Promise<void>;
  kill(): Promise<void>;
};

/** Starts a host elsewhere that takes these records, stops after all starts; `ready` when it has acted on each. */
export function spawnHost(workDir: string, records: Records, more: Partial<AgentConfig> = {}): HostProcess {
  const child = spawn(process.execPath, [new URL("./hostProcess.ts", import.meta.url).pathname], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const ready = new Promise<void>((resolve) => createInterface(child.stdout).once("line", () => resolve()));
  child.stdin.end(JSON.stringify({ workDir, records, more }));
  return {
    child,
    ready,
    kill: () => {
      child.kill("SIGKILL");
      return gone;
    },
  };
}
