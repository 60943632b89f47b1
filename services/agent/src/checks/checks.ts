/**
 * The checks of one task. Each has one probe in flight. Due probes come at the check's interval, the first after the
 * shorter of the interval and five seconds (Marathon's rule) or after `delaySeconds` when that is given. Until a check
 * has passed once, early probes come in between, 100 ms after the start and then ever more slowly: a task that starts
 * quickly is seen to be healthy quickly. An early probe can pass and cannot fail.
 */
import type { RunCheck } from "@muster/contracts";
import { FIRST_PROBE_MAX_MS, FIRST_PROBE_MS } from "../limits.ts";
import type { CheckedTask } from "../tasks/task.ts";
import { type Probed, probe } from "./probe.ts";
import { type CheckState, judge, newCheck, recordOf, together } from "./threshold.ts";

export type Checks = { stop(): void };

export type CheckTools = {
  readonly clock: () => number;
  readonly dice: () => number;
  readonly probe: (check: RunCheck, task: CheckedTask) => Promise<Probed>;
};

const realTools: CheckTools = {
  clock: Date.now,
  dice: Math.random,
  probe: (check, task) => probe(check, task.running),
};

export function startChecks(task: CheckedTask, tools: CheckTools = realTools): Checks {
  const checks = task.record.run.healthChecks;
  const states: CheckState[] = checks.map((_, i) => newCheck(task.healthy, task.health?.[i] ?? null));
  let told = task.healthy;
  let stopped = false;
  const timers = new Set<NodeJS.Timeout>();

  const sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        resolve();
      }, ms);
      timers.add(timer);
    });

  const tell = (detail: string): void => {
    const now = together(states);
    if (now === null || now === told) return;
    told = now;
    task.changed(now, detail, states.map(recordOf));
  };

  const run = async (index: number, runCheck: RunCheck): Promise<void> => {
    const { check } = runCheck;
    const intervalMs = check.intervalSeconds * 1_000;
    const rules = { graceMs: check.gracePeriodSeconds * 1_000, maxFailures: check.maxConsecutiveFailures };
    const delayMs = check.delaySeconds * 1_000;
    // Many tasks start at once; their checks drift apart from the first one on.
    const spread = (ms: number): number => ms * (0.9 + tools.dice() / 5);
    let dueMs = performance.now() + delayMs + spread(Math.min(intervalMs, FIRST_PROBE_MAX_MS));
    let earlyMs = performance.now() + delayMs + spread(FIRST_PROBE_MS);
    let pauseMs = FIRST_PROBE_MS;
    while (!stopped) {
      const atMs = states[index]?.everPassed ? dueMs : Math.min(earlyMs, dueMs);
      await sleep(Math.max(0, atMs - performance.now()));
      if (stopped) return;
      const early = atMs < dueMs;
      const result = await tools.probe(runCheck, task);
      if (stopped) return;
      pauseMs *= 2;
      earlyMs = performance.now() + spread(pauseMs);
      if (!early) dueMs = Math.max(performance.now(), dueMs + spread(intervalMs));
      if (result.passed === null) continue;
      const before = states[index] as CheckState;
      if (early && result.passed) dueMs = performance.now() + spread(intervalMs);
      const nowMs = tools.clock();
      const { passed, detail } = result;
      const { state, giveUp } = judge(
        before,
        { passed, early, runningMs: nowMs - task.runningAtMs, atMs: nowMs, detail },
        rules,
      );
      states[index] = state;
      tell(`health check ${index + 1} of ${checks.length}: ${result.detail}`);
      if (giveUp) {
        stop();
        task.giveUp(`its health check failed ${state.failures} times in a row, the last time: ${result.detail}`);
      }
    }
  };

  const stop = (): void => {
    stopped = true;
    for (const timer of timers) clearTimeout(timer);
    timers.clear();
  };

  checks.forEach((runCheck, index) => void run(index, runCheck));
  return { stop };
}
