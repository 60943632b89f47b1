/** What the kernel says about processes. A process is named by pid, start time and boot: pids are used again. */
import { readdirSync, readFileSync } from "node:fs";

export type Stat = {
  readonly pid: number;
  /** One letter; `Z` is a process that has ended and waits to be reaped. */
  readonly state: string;
  readonly group: number;
  readonly session: number;
  /** Clock ticks since boot, as text: it is compared, never computed with. */
  readonly startTime: string;
};

const ENDED = new Set(["Z", "X", "x"]);
export const hasEnded = (stat: Stat | null): boolean => stat === null || ENDED.has(stat.state);

/** proc(5): the name in parentheses may hold anything, so fields are counted from the last `)`. */
export function parseStat(text: string): Stat {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    pid: Number.parseInt(text, 10),
    state: fields[0] ?? "X",
    group: Number(fields[2]),
    session: Number(fields[3]),
    startTime: fields[19] ?? "",
  };
}

export function readStat(pid: number): Stat | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return null;
  }
}

export const bootId = (): string => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

/** A variable in the environment a process was started with; null when it has none or may not be read. */
export function environmentOf(pid: number, name: string): string | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return null;
  }
  const start = `\0${text}`.indexOf(`\0${name}=`);
  if (start === -1) return null;
  const from = start + name.length + 1;
  const end = text.indexOf("\0", from);
  return text.slice(from, end === -1 ? undefined : end);
}

export function listPids(): number[] {
  const pids: number[] = [];
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (Number.isInteger(pid)) pids.push(pid);
  }
  return pids;
}

/**
 * Sends a signal to a process or, with a negative pid, to a group; false when there is none.
 * @throws when the pid would name init or everything at once
 */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  if (!Number.isInteger(pid) || Math.abs(pid) <= 1)
    throw new Error(`a signal to pid ${pid} would reach more than a task`);
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
