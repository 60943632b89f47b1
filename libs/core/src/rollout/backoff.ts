/** Marathon's backoff: the delay before the next attempt of a version grows with each failure and ends with its quiet time. */
import type { AppSpec, Backoff } from "@muster/contracts";

type Pace = Pick<AppSpec, "backoffSeconds" | "backoffFactor" | "maxLaunchDelaySeconds">;

/** The delay after `count` more failures of `version`. What failed at the same time grows it once, or a crowd would stop for hours. */
export function afterFailures(
  backoffs: readonly Backoff[],
  { version, count }: { readonly version: number; readonly count: number },
  pace: Pace,
  now: number,
): Backoff[] {
  const before = backoffs.find((backoff) => backoff.version === version);
  const grown = before === undefined ? pace.backoffSeconds * 1_000 : before.delayMs * pace.backoffFactor;
  const delayMs = Math.min(grown, pace.maxLaunchDelaySeconds * 1_000);
  const next: Backoff = {
    version,
    failures: (before?.failures ?? 0) + count,
    delayMs,
    untilMs: Math.ceil(now + delayMs),
  };
  return [...backoffs.filter((backoff) => backoff.version !== version), next];
}

/** Forgets versions that are gone, and delays that nobody renewed for as long as the longest delay. */
export const stillBackingOff = (
  backoffs: readonly Backoff[],
  versions: ReadonlySet<number>,
  pace: Pace,
  now: number,
): Backoff[] =>
  backoffs.filter(
    (backoff) => versions.has(backoff.version) && now < backoff.untilMs + pace.maxLaunchDelaySeconds * 1_000,
  );

/** When the next attempt may start, or null when at once. */
export function heldUntil(backoffs: readonly Backoff[], version: number, now: number): number | null {
  const backoff = backoffs.find((candidate) => candidate.version === version);
  return backoff !== undefined && backoff.untilMs > now ? backoff.untilMs : null;
}
