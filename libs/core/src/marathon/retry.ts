/** How often an event is posted to a callback that does not take it, and when that is told. */
import { CALLBACK_PROBE_MS, CALLBACK_RETRY_MS, CALLBACK_TRIES_MAX } from "@muster/contracts";

const FIRST_MS = 1_000;

/** Pause after the given number of tries of one event: doubled each time up to a bound, then much longer. */
export const retryAfterMs = (tries: number): number =>
  tries >= CALLBACK_TRIES_MAX
    ? CALLBACK_PROBE_MS
    : Math.min(CALLBACK_RETRY_MS, FIRST_MS * 2 ** Math.min(30, Math.max(0, tries - 1)));

/** With this try the callback counts as suspended: told once. */
export const isSuspending = (tries: number): boolean => tries === CALLBACK_TRIES_MAX;

/** What was taken only with this try has been told as suspended before. */
export const wasSuspended = (tries: number): boolean => tries > CALLBACK_TRIES_MAX;
