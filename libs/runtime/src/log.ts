/** One JSON line per event, on stderr or in a file; stdout belongs to data. */
import { openSync, writeSync } from "node:fs";
import { type Logger, pino } from "pino";

export type Log = Logger;

let descriptor = 2;

/** Level by `MUSTER_LOG_LEVEL` (trace, debug, info, warn, error, silent; default info). */
const root = pino(
  {
    level: process.env.MUSTER_LOG_LEVEL ?? "info",
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
  },
  { write: (line: string) => void writeSync(descriptor, line) },
);

/** From now on every line of this process goes to `file`, appended. */
export const logTo = (file: string): void => {
  descriptor = openSync(file, "a");
};

/** Loggers that were made for a component; several processes' worth of services share one. */
const components = new Map<string, Log[]>();

export function createLog(component: string): Log {
  const log = root.child({ component });
  components.set(component, [...(components.get(component) ?? []), log]);
  return log;
}

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The level of each component's log in this process. */
export const logLevels = (): ReadonlyMap<string, string> =>
  new Map([...components].map(([component, logs]) => [component, logs.at(-1)?.level ?? root.level]));

/** Sets the level of a component's logs, or of all (null). Answers what undoes it, or null where there is no such component. */
export function setLogLevel(component: string | null, level: LogLevel): (() => void) | null {
  const logs = component === null ? [...components.values()].flat() : components.get(component);
  if (logs === undefined) return null;
  const before = logs.map((log) => [log, log.level] as const);
  for (const log of logs) log.level = level;
  return () => {
    for (const [log, old] of before) log.level = old;
  };
}
