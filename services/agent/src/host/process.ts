/** Tasks as plain processes: a session of their own, output into files, found again by pid and start time. */
import { type ChildProcess, spawn } from "node:child_process";
import { basename, dirname } from "node:path";
import type { Handle } from "../journal/entries.ts";
import { adoptedWatch, isAlive } from "./adopted.ts";
import { runBeside } from "./beside.ts";
import { endRest, type Leader, signalGroup } from "./group.ts";
import { bootId, readStat } from "./proc.ts";
import { type ProcessTable, processTable, SANDBOX_VARIABLE } from "./processTable.ts";
import { type Ending, type Found, LaunchError, type Order, type Running, type TaskRuntime } from "./runtime.ts";
import { closeFiles, instancesFolder, type Owner, openSandbox, readExit, type SandboxFiles } from "./sandbox.ts";
import { argvOf, endingOf, shimArguments } from "./shim.ts";
import { ownerOf } from "./users.ts";

/**
 * The run document's variables, and beside them only PATH (the agent's own), HOME and the sandbox, each unless given.
 * The instance and the sandbox cannot be given: the agent finds its tasks by them.
 */
export const environmentFor = (order: Order, path: string | undefined): Record<string, string> => ({
  PATH: path ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: order.sandbox.directory,
  MESOS_SANDBOX: order.sandbox.directory,
  ...order.run.env,
  [SANDBOX_VARIABLE]: order.sandbox.directory,
  MUSTER_INSTANCE: order.instance,
});

/** What a parent hears; both null where we are not the parent, so that the shim's file must tell. */
type Exit = { readonly code: number | null; readonly signal: string | null };
const UNKNOWN_EXIT: Exit = { code: null, signal: null };

const GONE_WITHOUT_STATUS: Ending = {
  exitCode: null,
  signal: null,
  reason: "exit-unknown",
  message: "its processes are gone and left no exit status, as after SIGKILL to all of them",
};

export function processRuntime(workDir: string): TaskRuntime {
  const table = processTable();
  const adopted = adoptedWatch();
  const boot = bootId();
  const children = new Set<ChildProcess>();

  const adoptProcess = async (order: Order, handle: Handle | null): Promise<Found> => {
    if (handle !== null && handle.type !== "process")
      return { type: "nothing", why: "it was not started as a process" };
    if (handle !== null && handle.boot === boot && isAlive(handle)) return live(order, handle);
    const found = (await table.look()).ofSandbox(order.sandbox.directory);
    if (handle === null && readExit(order.sandbox) === null) {
      // Started and not yet checkpointed: the shim is the oldest process of the sandbox and leads its session.
      const [oldest] = found.toSorted((a, b) => Number(a.startTime) - Number(b.startTime));
      if (oldest !== undefined && oldest.pid === oldest.session)
        return live(order, { type: "process", pid: oldest.pid, startTime: oldest.startTime, boot });
    }
    // The main process is gone. What is left of it goes too, before its end is told.
    const group = handle !== null && handle.boot === boot ? handle : found[0] && { pid: found[0].group, startTime: "" };
    const killAtMs = performance.now() + order.run.killGraceMs;
    if (group !== undefined) await endRest(table, group, order.sandbox.directory, () => killAtMs);
    const status = readExit(order.sandbox);
    if (status !== null) return { type: "ended", ending: endingOf(status) };
    if (handle === null) return { type: "nothing", why: "no process of it is there" };
    if (handle.boot !== boot) return { type: "nothing", why: "the machine was restarted" };
    return { type: "ended", ending: GONE_WITHOUT_STATUS };
  };

  const live = async (order: Order, handle: Handle & { type: "process" }): Promise<Found> => {
    const owner = await ownerOf(order.run.user);
    return {
      type: "live",
      running: watch(table, order, owner, handle, () => adopted.gone(handle).then(() => UNKNOWN_EXIT)),
    };
  };

  return {
    name: "process",
    usable: async () => ({ usable: true, reason: "processes can always be started" }),
    async launch(order, signal, mayStart) {
      const { command } = order.run;
      if (command === null || (command.type === "argv" && command.argv.length === 0))
        throw new LaunchError("no-command", "it has neither a command nor an image");
      const { owner, files } = await order.step("prepare", () => prepare(order));
      let child: ChildProcess;
      try {
        await mayStart;
        signal.throwIfAborted();
        child = await order.step("spawn", () => start(order, owner, files, argvOf(command)));
      } finally {
        void closeFiles(files);
      }
      const pid = child.pid as number;
      const handle = { type: "process", pid, startTime: readStat(pid)?.startTime ?? "", boot } as const;
      children.add(child);
      const exited = new Promise<Exit>((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
      void exited.then(() => children.delete(child));
      return watch(table, order, owner, handle, () => exited);
    },
    adopt: adoptProcess,
    async list() {
      const look = await table.look();
      const folder = instancesFolder(workDir);
      const mine = [...look.sandboxes].filter((directory) => dirname(directory) === folder);
      return mine.map((directory) => ({ instance: basename(directory), live: true }));
    },
    discard: async () => {},
    async close() {
      adopted.close();
      // Tasks go on without us; they must not keep this process from ending.
      for (const child of children) child.unref();
    },
  };
}

async function prepare(order: Order): Promise<{ owner: Owner | null; files: SandboxFiles }> {
  const owner = await ownerOf(order.run.user);
  try {
    return { owner, files: await openSandbox(order.sandbox, owner) };
  } catch (cause) {
    throw new LaunchError("spawn-failed", `its sandbox cannot be made: ${(cause as Error).message}`);
  }
}

/** Starts the shim; its output files are inherited, so that no pipe ends with the agent. */
async function start(
  order: Order,
  owner: Owner | null,
  files: SandboxFiles,
  argv: readonly string[],
): Promise<ChildProcess> {
  try {
    const child = spawn("/bin/sh", shimArguments(argv), {
      cwd: order.sandbox.directory,
      detached: true,
      env: environmentFor(order, process.env.PATH),
      stdio: ["ignore", files.stdout.fd, "ignore", files.stderr.fd, files.exit.fd],
      ...(owner ?? {}),
    });
    if (child.pid === undefined) {
      const error = await new Promise<Error>((resolve) => child.once("error", resolve));
      throw new LaunchError("spawn-failed", `no process can be started: ${error.message}`);
    }
    return child;
  } catch (cause) {
    if (cause instanceof LaunchError) throw cause;
    throw new LaunchError("spawn-failed", `no process can be started: ${(cause as Error).message}`);
  }
}

function watch(
  table: ProcessTable,
  order: Order,
  owner: Owner | null,
  handle: Handle & { type: "process" },
  leaderGone: () => Promise<Exit>,
): Running {
  const leader: Leader = handle;
  let killAtMs = Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | null = null;

  const finish = async (): Promise<Ending> => {
    const exit = await leaderGone();
    if (timer !== null) clearTimeout(timer);
    killAtMs = Math.min(killAtMs, performance.now() + order.run.killGraceMs);
    const left = await endRest(table, leader, order.sandbox.directory, () => killAtMs);
    const ending = endingFrom(exit, readExit(order.sandbox));
    return left === 0 ? ending : { ...ending, message: `${ending.message}; ${left} of its processes cannot be ended` };
  };

  return {
    handle,
    ended: finish(),
    output: null,
    addressOf: () => "127.0.0.1",
    exec: (line, timeoutMs) =>
      runBeside(line, timeoutMs, {
        cwd: order.sandbox.directory,
        env: environmentFor(order, process.env.PATH),
        owner,
      }),
    kill(graceMs) {
      const atMs = performance.now() + graceMs;
      if (atMs >= killAtMs) return;
      const first = killAtMs === Number.POSITIVE_INFINITY;
      killAtMs = atMs;
      if (timer !== null) clearTimeout(timer);
      if (first) signalGroup(leader, "SIGTERM");
      timer = setTimeout(() => signalGroup(leader, "SIGKILL"), graceMs).unref();
    },
  };
}

function endingFrom(exit: Exit, written: number | null): Ending {
  const status = exit.code ?? written;
  if (status !== null) return endingOf(status);
  if (exit.signal === null) return GONE_WITHOUT_STATUS;
  return { exitCode: null, signal: exit.signal, reason: "signalled", message: `ended by signal ${exit.signal}` };
}
