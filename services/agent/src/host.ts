/** The host side of an agent: its work directory, runtimes and tasks. It works without any control plane. */
import { realpathSync } from "node:fs";
import { RUNTIMES, type RuntimeName } from "@muster/contracts";
import type { Log, Telemetry } from "@muster/runtime";
import { type Checks, startChecks } from "./checks/checks.ts";
import { startReadiness } from "./checks/readiness.ts";
import { startResultCheck } from "./checks/result.ts";
import { dockerRuntime } from "./host/docker/runtime.ts";
import { bootId } from "./host/proc.ts";
import { processRuntime } from "./host/process.ts";
import { controlFolder, instancesFolder } from "./host/sandbox.ts";
import { makeDirectory } from "./journal/disk.ts";
import { type Identity, openIdentity } from "./journal/identity.ts";
import { type Journal, openJournal } from "./journal/journal.ts";
import { lockDirectory } from "./journal/lock.ts";
import type { AgentConfig } from "./settings.ts";
import { AgentStop } from "./stop.ts";
import type { Self } from "./tasks/facts.ts";
import { sweepSandboxes } from "./tasks/sandboxes.ts";
import { supervisor as openSupervisor, type Runtimes, type Supervisor } from "./tasks/supervisor.ts";
import type { CheckedTask } from "./tasks/task.ts";

export type Host = {
  readonly workDir: string;
  readonly identity: Identity;
  readonly self: Self;
  readonly journal: Journal;
  readonly supervisor: Supervisor;
  /** Runtimes that could be used when the agent started. */
  readonly usable: readonly RuntimeName[];
  lookForRuntimes(): Promise<RuntimeName[]>;
  /** Container images that need no pull; null when no engine says. */
  lookForImages(): Promise<readonly string[] | null>;
  /** Called when an image was pulled. */
  onPulled: () => void;
  close(): Promise<void>;
};

const SWEEP_MS = 60_000;

function startAllChecks(task: CheckedTask): Checks {
  const all = [startChecks(task), startReadiness(task), startResultCheck(task)];
  return {
    stop() {
      for (const checks of all) checks.stop();
    },
  };
}

/** @throws AgentStop when the directory or every runtime is unusable */
export async function openHost(
  config: AgentConfig,
  { telemetry, log }: { telemetry: Telemetry; log: Log },
): Promise<Host> {
  const workDir = openWorkDirectory(config.workDir);
  const unlock = lockDirectory(workDir, bootId());
  try {
    const identity = openIdentity(workDir);
    const self: Self = {
      agent: config.agentId,
      hostname: config.hostname,
      life: identity.life,
      get incarnation() {
        return identity.incarnation;
      },
    };
    const docker = dockerRuntime({
      socketPath: config.dockerSocket,
      pullTimeoutMs: config.dockerPullMs,
      allowPrivileged: config.dockerAllowPrivileged,
      agent: config.agentId,
      owner: identity.life,
      log,
      onPulled: () => host.onPulled(),
    });
    const runtimes: Runtimes = { process: processRuntime(workDir), docker };
    const { usable, why } = await look(runtimes, config.runtimes);
    if (usable.length === 0) throw new AgentStop("unusable", `this agent can run nothing: ${why}`);
    const journal = openJournal(workDir, Date.now, log);
    const supervisor = openSupervisor(
      { workDir, journal, self, telemetry, clock: Date.now, log, startChecks: startAllChecks },
      runtimes,
      config.runtimes,
    );
    await supervisor.recover();

    const sweep = async (): Promise<void> => {
      await supervisor.sweep();
      const keep = { keptMs: config.sandboxKeptMs, keptMax: config.sandboxesMax };
      await sweepSandboxes(workDir, (instance) => supervisor.isLive(instance), keep, Date.now());
    };
    let sweeping = Promise.resolve();
    const sweepNext = (): void => {
      sweeping = sweeping
        .then(sweep)
        .catch((cause: unknown) => log.warn({ error: (cause as Error).message }, "a sweep went wrong"));
    };
    sweepNext();
    const timer = setInterval(sweepNext, SWEEP_MS).unref();

    const host: Host = {
      workDir,
      identity,
      self,
      journal,
      supervisor,
      usable,
      lookForRuntimes: async () => (await look(runtimes, config.runtimes)).usable,
      lookForImages: async () => (config.runtimes.includes("docker") ? docker.images() : null),
      onPulled: () => {},
      async close() {
        clearInterval(timer);
        supervisor.close();
        await sweeping;
        await journal.close();
        await Promise.all(RUNTIMES.map((name) => runtimes[name].close()));
        unlock();
      },
    };
    return host;
  } catch (cause) {
    unlock();
    throw cause;
  }
}

/** Resolved, since tasks are found by the path their environment carries. */
function openWorkDirectory(path: string): string {
  try {
    makeDirectory(path);
    const workDir = realpathSync(path);
    makeDirectory(instancesFolder(workDir));
    makeDirectory(controlFolder(workDir));
    return workDir;
  } catch (cause) {
    throw new AgentStop(
      "unusable",
      `the work directory ${path} cannot be used: ${(cause as Error).message}; name another with --work-dir`,
    );
  }
}

async function look(
  runtimes: Runtimes,
  allowed: readonly RuntimeName[],
): Promise<{ usable: RuntimeName[]; why: string }> {
  const answers = await Promise.all(allowed.map(async (name) => ({ name, ...(await runtimes[name].usable()) })));
  return {
    usable: answers.filter((answer) => answer.usable).map((answer) => answer.name),
    why: answers.map((answer) => `${answer.name}: ${answer.reason}`).join("; "),
  };
}
