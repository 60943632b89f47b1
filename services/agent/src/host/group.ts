/** Ends all processes of a task: its group, and what left the group but still carries the task's sandbox. */
import { setTimeout as pause } from "node:timers/promises";
import { KILLED_WAIT_MS } from "../limits.ts";
import { readStat, type Stat, signal } from "./proc.ts";
import type { ProcessTable } from "./processTable.ts";

export type Leader = { readonly pid: number; readonly startTime: string };

/**
 * True while the group's number is still the task's. The kernel gives a number to a new process only when no group
 * bears it any more; so a leader that is gone leaves the number ours, and one with another start time took it over.
 */
export function ownsGroup(leader: Leader): boolean {
  const stat = readStat(leader.pid);
  return stat === null || stat.startTime === leader.startTime;
}

export const signalGroup = (leader: Leader, name: NodeJS.Signals): void => {
  if (ownsGroup(leader)) signal(-leader.pid, name);
};

async function survivors(table: ProcessTable, leader: Leader, directory: string): Promise<readonly Stat[]> {
  const look = await table.look();
  const group = ownsGroup(leader) ? look.inGroup(leader.pid) : [];
  const groupPids = new Set(group.map((stat) => stat.pid));
  return [...group, ...look.ofSandbox(directory).filter((stat) => !groupPids.has(stat.pid))];
}

/** A pid may be somebody else's by now: it is signalled only while the process is the one that was seen. */
function signalStat(stat: Stat, name: NodeJS.Signals): void {
  if (readStat(stat.pid)?.startTime === stat.startTime) signal(stat.pid, name);
}

/**
 * Called when the leader has ended: SIGTERM to what is left, SIGKILL at the deadline, until nothing is left.
 * @param killAtMs on the monotonic clock; asked again each time, since a kill may shorten it meanwhile
 * @returns how many could not be ended
 */
export async function endRest(
  table: ProcessTable,
  leader: Leader,
  directory: string,
  killAtMs: () => number,
): Promise<number> {
  const warned = new Set<string>();
  for (let waitMs = 10; ; waitMs = Math.min(waitMs * 2, 200)) {
    const left = await survivors(table, leader, directory);
    if (left.length === 0) return 0;
    const late = performance.now() - killAtMs();
    if (late > KILLED_WAIT_MS) return left.length;
    for (const stat of left) {
      const key = `${stat.pid}:${stat.startTime}`;
      if (late >= 0) signalStat(stat, "SIGKILL");
      else if (!warned.has(key)) signalStat(stat, "SIGTERM");
      warned.add(key);
    }
    await pause(Math.max(1, late < 0 ? Math.min(waitMs, -late) : waitMs));
  }
}
