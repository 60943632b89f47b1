/** One look at all processes, shared by everybody who asks while it is being prepared. */
import { setTimeout as pause, setImmediate as yieldLoop } from "node:timers/promises";
import { SCAN_PAUSE_MS } from "../limits.ts";
import { environmentOf, hasEnded, listPids, readStat, type Stat } from "./proc.ts";

/** Carried by every process of a task, whatever became of its group: names the work directory and the instance. */
export const SANDBOX_VARIABLE = "MUSTER_SANDBOX";

export type Snapshot = {
  /** Living members of a process group. */
  inGroup(group: number): readonly Stat[];
  /** Living processes that were started with this sandbox in their environment. */
  ofSandbox(directory: string): readonly Stat[];
  readonly sandboxes: Iterable<string>;
};

export type ProcessTable = {
  /** A look that began after this call. */
  look(): Promise<Snapshot>;
};

export function processTable(): ProcessTable {
  /** A task that clears its environment stays ours: what was read once is remembered as long as the process lives. */
  let remembered = new Map<string, string>();
  let next: Promise<Snapshot> | null = null;
  let current: Promise<unknown> = Promise.resolve();

  const scan = async (): Promise<Snapshot> => {
    const groups = new Map<number, Stat[]>();
    const sandboxes = new Map<string, Stat[]>();
    const seen = new Map<string, string>();
    let count = 0;
    for (const pid of listPids()) {
      count += 1;
      if (count % 200 === 0) await yieldLoop();
      const stat = readStat(pid);
      if (stat === null || hasEnded(stat)) continue;
      push(groups, stat.group, stat);
      const key = `${pid}:${stat.startTime}`;
      const sandbox = remembered.get(key) ?? environmentOf(pid, SANDBOX_VARIABLE);
      if (sandbox === null) continue;
      seen.set(key, sandbox);
      push(sandboxes, sandbox, stat);
    }
    remembered = seen;
    return {
      inGroup: (group) => groups.get(group) ?? [],
      ofSandbox: (directory) => sandboxes.get(directory) ?? [],
      sandboxes: sandboxes.keys(),
    };
  };

  return {
    look() {
      next ??= (async () => {
        await current;
        next = null;
        const look = scan();
        current = look.then(() => pause(SCAN_PAUSE_MS));
        return look;
      })();
      return next;
    },
  };
}

function push<K>(map: Map<K, Stat[]>, key: K, stat: Stat): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [stat]);
  else list.push(stat);
}
