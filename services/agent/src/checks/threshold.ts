/** When a check's results become news. Counting is all there is to it, so it needs neither a network nor a clock. */

import type { HealthRecord } from "@muster/contracts";

export type CheckRules = {
  /** Failures before the first success do not count within this time since the task runs. */
  readonly graceMs: number;
  /** So many failures in a row end the task; 0 never ends it, and the first failure is told. */
  readonly maxFailures: number;
};

export type CheckState = {
  readonly everPassed: boolean;
  readonly failures: number;
  /** What was last told of it; null before anything was. */
  readonly healthy: boolean | null;
} & Pick<HealthRecord, "firstSuccessMs" | "lastSuccessMs" | "lastFailureMs" | "lastFailureCause">;

/** `before`: what was told of it by an agent that was restarted since. */
export const newCheck = (healthy: boolean | null, before: HealthRecord | null = null): CheckState => ({
  everPassed: healthy !== null,
  failures: 0,
  healthy,
  firstSuccessMs: before?.firstSuccessMs ?? null,
  lastSuccessMs: before?.lastSuccessMs ?? null,
  lastFailureMs: before?.lastFailureMs ?? null,
  lastFailureCause: before?.lastFailureCause ?? null,
});

export const recordOf = ({ everPassed: _, failures, healthy, ...times }: CheckState): HealthRecord => ({
  alive: healthy === true,
  consecutiveFailures: failures,
  ...times,
});

/**
 * `early`: the probe came before it was due, to see a quick start; it may pass and cannot fail. `runningMs`: how long the task
 * runs. `detail`: what happened, as a phrase.
 */
export type ProbeResult = {
  readonly passed: boolean;
  readonly early: boolean;
  readonly runningMs: number;
  readonly atMs: number;
  readonly detail: string;
};

export type Judged = { readonly state: CheckState; readonly giveUp: boolean };

export function judge(
  state: CheckState,
  { passed, early, runningMs, atMs, detail }: ProbeResult,
  { graceMs, maxFailures }: CheckRules,
): Judged {
  if (passed) {
    const times = { firstSuccessMs: state.firstSuccessMs ?? atMs, lastSuccessMs: atMs };
    return { state: { ...state, ...times, everPassed: true, failures: 0, healthy: true }, giveUp: false };
  }
  if (early || (!state.everPassed && runningMs < graceMs)) return { state, giveUp: false };
  const failures = state.failures + 1;
  const failed = { ...state, failures, lastFailureMs: atMs, lastFailureCause: detail };
  if (failures < Math.max(1, maxFailures)) return { state: failed, giveUp: false };
  return { state: { ...failed, healthy: false }, giveUp: maxFailures > 0 };
}

/** A task is healthy when all its checks passed, unhealthy when one gave up on it, and unknown in between. */
export function together(states: readonly CheckState[]): boolean | null {
  if (states.some((state) => state.healthy === false)) return false;
  return states.every((state) => state.healthy === true) ? true : null;
}
