/** Tasks as plain processes: a session of their own, output into files, found again by pid and start time. */
import { basename, dirname } from "node:path";
import type { Handle } from "../journal/entries.ts";
import { adoptedWatch, isAlive } from "./adopted.ts";
import { runBeside } from "./beside.ts";
import { endRest, type Leader, signalGroup } from "./group.ts";
import { bootId } from "./proc.ts";
import { type ProcessTable, processTable, SANDBOX_VARIABLE } from "./processTable.ts";
import { type Ending, type Found, LaunchError, type Order, type Running, type TaskRuntime } from "./runtime.ts";
import { instancesFolder, type Owner, readExit } from "./sandbox.ts";
import { argvOf, endingOf } from "./shim.ts";
import { type Exit, type Spawned, UNKNOWN_EXIT } from "./spawn.ts";
import { LostStart, starter } from "./starter.ts";
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
  const starts = starter();

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
      const owner = await order.step("prepare", () => ownerOf(order.run.user));
      const env = environmentFor(order, process.env.PATH);
      const request = { sandbox: order.sandbox, owner, argv: argvOf(command), env };
      let spawned: Spawned;
      try {
        spawned = await order.step("spawn", () => starts.start(request, mayStart, signal));
      } catch (cause) {
        // Where nobody knows, what can be found decides; it is not started again, for it might be twice.
        const found = cause instanceof LostStart ? await adoptProcess(order, null) : null;
        if (found?.type === "live") return found.running;
        if (signal.aborted) throw cause;
        throw new LaunchError("spawn-failed", (cause as Error).message);
      }
      const { pid, startTime, exited } = spawned;
      const handle = { type: "process", pid, startTime, boot } as const;
      // Its parent may have gone before it, and heard nothing.
      const gone = () =>
        exited.then(async (exit) => {
          if (isAlive(handle)) await adopted.gone(handle);
          return exit;
        });
      return watch(table, order, owner, handle, gone);
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
      starts.close();
    },
  };
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
    exec: (command, timeoutMs) =>
      runBeside(command, timeoutMs, {
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
