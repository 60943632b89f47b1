/** One JSON line per event on stderr; stdout belongs to data. */
import { type Logger, pino } from "pino";

export type Log = Logger;

/** Level by `MUSTER_LOG_LEVEL` (trace, debug, info, warn, error, silent; default info). */
const root = pino(
  {
    level: process.env.MUSTER_LOG_LEVEL ?? "info",
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
  },
  pino.destination({ fd: 2, sync: true }),
);

export const createLog = (component: string): Log => root.child({ component });
