/**
 * The readiness check of one task. It is asked from the task's start on: 100 ms after it, then after pauses that double until
 * they are the check's interval, so that a quick start is seen quickly. It ends with the first answer that has one of the
 * check's status codes. Nothing it finds ends the task.
 */
import type { RunReadinessCheck } from "@muster/contracts";
import type { Running } from "../host/runtime.ts";
import { FIRST_PROBE_MS, UNREADY_TOLD_FROM_MS } from "../limits.ts";
import type { CheckedTask } from "../tasks/task.ts";
import type { Checks } from "./checks.ts";
import { type Asked, ask } from "./http.ts";

export type ReadinessTools = {
  /** Monotonic ms. */
  readonly clock: () => number;
  readonly dice: () => number;
  readonly ask: (check: RunReadinessCheck, running: Running) => Promise<Asked>;
};

const realTools: ReadinessTools = { clock: () => performance.now(), dice: Math.random, ask: askReadiness };

export function startReadiness(task: CheckedTask, tools: ReadinessTools = realTools): Checks {
  const [check] = task.record.run.readinessChecks;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  if (check === undefined || task.ready) return { stop: () => {} };

  const startedMs = tools.clock();
  const intervalMs = check.check.intervalSeconds * 1_000;
  let told: string | null = null;

  const look = async (): Promise<boolean> => {
    const asked = await tools.ask(check, task.running);
    if (stopped) return true;
    const ready = asked.status !== null && check.check.httpStatusCodesForReady.includes(asked.status);
    const now = JSON.stringify([asked.detail, asked.response]);
    const isTold = ready || (now !== told && tools.clock() - startedMs >= UNREADY_TOLD_FROM_MS);
    if (isTold) {
      told = now;
      task.answered(ready, asked.detail, asked.response);
    }
    return ready;
  };

  // Many tasks start at once; their checks drift apart from the first one on.
  const later = (pauseMs: number): void => {
    timer = setTimeout(
      async () => {
        const isOver = await look();
        if (!isOver) later(Math.min(intervalMs, pauseMs * 2));
      },
      pauseMs * (0.9 + tools.dice() / 5),
    );
  };
  later(Math.min(intervalMs, FIRST_PROBE_MS));
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

async function askReadiness({ check, port }: RunReadinessCheck, running: Running): Promise<Asked> {
  if (port === null) return { status: null, detail: "it has no port to be checked at", response: null };
  const host = running.addressOf(port);
  if (host === null) return { status: null, detail: `no network leads to its port ${port}`, response: null };
  const { protocol, path, timeoutSeconds, preserveLastResponse } = check;
  const question = { host, port, path, timeoutMs: timeoutSeconds * 1_000, keeps: preserveLastResponse };
  return ask(protocol === "HTTP" ? "http" : "https", question);
}
