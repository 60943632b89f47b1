/** When a check's results become news. Counting is all there is to it, so it needs neither a network nor a clock. */

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
};

export const newCheck = (healthy: boolean | null): CheckState => ({
  everPassed: healthy !== null,
  failures: 0,
  healthy,
});

export type Judged = { readonly state: CheckState; readonly giveUp: boolean };

/**
 * @param early the probe came before it was due, to see a quick start: it may pass and cannot fail
 * @param runningMs how long the task runs
 */
export function judge(
  state: CheckState,
  result: { passed: boolean; early: boolean; runningMs: number },
  { graceMs, maxFailures }: CheckRules,
): Judged {
  if (result.passed) return { state: { everPassed: true, failures: 0, healthy: true }, giveUp: false };
  if (result.early || (!state.everPassed && result.runningMs < graceMs)) return { state, giveUp: false };
  const failures = state.failures + 1;
  if (failures < Math.max(1, maxFailures)) return { state: { ...state, failures }, giveUp: false };
  return { state: { ...state, failures, healthy: false }, giveUp: maxFailures > 0 };
}

/** A task is healthy when all its checks passed, unhealthy when one gave up on it, and unknown in between. */
export function together(states: readonly CheckState[]): boolean | null {
  if (states.some((state) => state.healthy === false)) return false;
  return states.every((state) => state.healthy === true) ? true : null;
}
