/** `npm start` as a person runs it, in a folder of its own, with everything it started known by process id. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, natsServerBinary, until } from "@muster/testkit";

export const root = fileURLToPath(new URL("../..", import.meta.url));

type Started = {
  readonly child: ChildProcess;
  readonly http: string;
  readonly nats: string;
  output(): string;
  /** Living processes it started, itself included, by name. */
  processes(): ReadonlyMap<string, number>;
  untilReady(withinMs?: number): Promise<void>;
  /** Ctrl-C. Resolves with the exit code. */
  interrupt(): Promise<number | null>;
  /** kill -9 of the cluster, its nats-server and its agents; the tasks live on. */
  killTree(): Promise<void>;
};

export type StandaloneFolder = {
  readonly stateDir: string;
  start(flags?: readonly string[]): Promise<Started>;
  clean(): Promise<void>;
};

export async function standaloneFolder(): Promise<StandaloneFolder> {
  const stateDir = await mkdtemp(join(tmpdir(), "muster-e2e-"));
  const started: Started[] = [];
  return {
    stateDir,
    async start(flags = []) {
      const one = await startOne(stateDir, flags);
      started.push(one);
      return one;
    },
    async clean() {
      for (const one of started) await one.interrupt();
      await rm(stateDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function startOne(stateDir: string, flags: readonly string[]): Promise<Started> {
  const [httpPort, natsPort] = [await freePort(), await freePort()];
  let text = "";
  const child = spawn(
    process.execPath,
    [
      join(root, "services/standalone/src/main.ts"),
      `--state-dir=${stateDir}`,
      `--http-port=${httpPort}`,
      `--nats-port=${natsPort}`,
      ...flags,
    ],
    {
      cwd: root,
      env: { ...process.env, MUSTER_NATS_SERVER: natsServerBinary(), NO_COLOR: "1", CI: "true" },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  child.stdout?.on("data", (data: Buffer) => (text += data.toString()));
  child.stderr?.on("data", (data: Buffer) => (text += data.toString()));
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  const processes = () => {
    const file = join(stateDir, "children.json");
    const children = existsSync(file)
      ? (JSON.parse(readFileSync(file, "utf8")) as { name: string; pid: number }[])
      : [];
    return new Map([["cluster", child.pid as number], ...children.map(({ name, pid }) => [name, pid] as const)]);
  };
  return {
    child,
    http: `http://127.0.0.1:${httpPort}`,
    nats: `nats://127.0.0.1:${natsPort}`,
    output: () => text,
    processes,
    async untilReady(withinMs = 40_000) {
      await until(
        () => {
          if (isOver()) throw new Error(`it ended: ${text}`);
          return text.includes("Ctrl-C stops");
        },
        { withinMs, what: () => `a ready cluster (${text})` },
      );
    },
    async interrupt() {
      if (!isOver()) child.kill("SIGINT");
      return await ended;
    },
    async killTree() {
      for (const pid of processes().values()) {
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // It ended by itself meanwhile.
        }
      }
      await ended;
    },
  };
}

/** Resident memory of a process in MiB. */
export function residentMib(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1] ?? 0) / 1_024;
}

/** Cpu time a process has used, in seconds. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

export const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};
