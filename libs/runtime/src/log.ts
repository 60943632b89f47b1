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

export const createLog = (component: string): Log => root.child({ component });
