/** The outside world's time and chance, handed to decisions as arguments. */
import { randomUUID } from "node:crypto";
import type { Circumstances } from "@muster/contracts";

export const circumstances = (): Circumstances => ({ now: Date.now(), dice: Math.random });

/** Milliseconds that only go forward: deadlines are counted on this clock. */
export const monotonicMs = (): number => performance.now();

/** An id drawn before the work starts, so that a second run finds the first one's work. */
export const drawId = (): string => randomUUID();

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Backoff between tries of our own: doubles up to the cap, with jitter so that many do not try at once. Whole milliseconds. */
export const backoffMs = (attempt: number, { firstMs = 50, capMs = 5_000 } = {}): number =>
  Math.round(Math.min(capMs, firstMs * 2 ** Math.min(attempt, 20)) * (0.5 + Math.random() / 2));
