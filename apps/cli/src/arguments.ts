/** What people type, read into what commands need. No imports, so that `--help` stays fast. */
import { UsageError } from "./exit.ts";

/** A reader for options that are whole numbers from 0 on. */
export const number =
  (name: string) =>
  (text: string): number => {
    if (!/^\d+$/.test(text)) throw new UsageError(`${name} is a whole number from 0 on, not "${text}"`);
    return Number(text);
  };

/** `hello 5` or `hello=5`. */
export function readScale(args: readonly string[]): { app: string; instances: number } {
  const [first = "", second] = args;
  const match = second === undefined ? /^(.*)=(.*)$/.exec(first) : null;
  const [app, count] = match === null ? [first, second] : [match[1] as string, match[2] as string];
  if (app === "" || count === undefined || !/^\d+$/.test(count))
    throw new UsageError(`say how many: "muster scale ${app} 3" or "muster scale ${app}=3"`);
  return { app, instances: Number(count) };
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export type From =
  | { readonly type: "sequence"; readonly sequence: number }
  | { readonly type: "time"; readonly atMs: number };

/** `4711`, `10m` ago, or an ISO time. */
export function readFrom(text: string, nowMs: number): From {
  if (/^\d+$/.test(text)) return { type: "sequence", sequence: Number(text) };
  const age = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text);
  if (age !== null) return { type: "time", atMs: nowMs - Number(age[1]) * (UNIT_MS[age[2] as string] as number) };
  const atMs = Date.parse(text);
  if (!Number.isNaN(atMs)) return { type: "time", atMs };
  throw new UsageError(
    `--from is a sequence (4711), an age (30s, 10m, 2h, 1d) or a time (2026-11-20T12:00:00Z), not "${text}"`,
  );
}
