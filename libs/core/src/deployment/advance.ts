/**
 * The step machine: what becomes next of a deployment that runs. Its document says how far it is, `judgeAction` whether what it is at
 * stands; each answer is one batch, so that a deployer that is killed in between has taken a step or has not.
 *
 *     step 0, stage 0 -> stage 1 -> ... -> step 1, stage 0 -> ... -> succeeded
 *          \-> failed (and a rollback begins)
 */
import {
  affectedApps,
  appToken,
  type Circumstances,
  type Decision,
  type DeploymentDocument,
  type EventDraft,
  type HealthView,
  keys,
  type StateView,
  type Write,
} from "@muster/contracts";
import { enterStep, stepEvent, stepOutcome } from "./begin.ts";
import { endDeployment } from "./end.ts";
import { judgeAction } from "./judge.ts";
import { rollbackOf } from "./rollback.ts";
import { holdAt, mixAt, specOfAction, stagesOf } from "./stages.ts";
import { actionsAt, stepsOf } from "./steps.ts";

export type Advance = {
  readonly decision: Decision;
  /** When to look again though nothing happens, or null. */
  readonly lookAgainAtMs: number | null;
};

/** Null: there is no such deployment, or it has ended. */
export function advanceDeployment(
  state: StateView,
  health: HealthView,
  id: string,
  { now }: Pick<Circumstances, "now">,
): Advance | null {
  const deployment = state.kind("deployment").get(id)?.value;
  if (deployment === undefined || deployment.state !== "running") return null;
  if (deployment.isPaused) return nothing(deployment, null);
  const judged = actionsAt(deployment).map((action) => ({
    app: action.app,
    ...judgeAction(state, health, deployment, action, now),
  }));
  const failed = judged.find(({ failure }) => failure !== null);
  if (failed !== undefined) {
    const which = affectedApps(deployment).length > 1 ? `${failed.app}: ` : "";
    return fail(state, deployment, `${which}${failed.failure}`, failed.rollsBack, now);
  }
  if (judged.some(({ isReached }) => !isReached)) {
    const deadlines = judged.flatMap(({ deadlineMs }) => (deadlineMs === null ? [] : [deadlineMs]));
    if (deployment.reachedAtMs !== null) return write(state, { ...deployment, reachedAtMs: null });
    return nothing(deployment, deadlines.length === 0 ? null : Math.min(...deadlines));
  }
  return standing(state, deployment, now);
}

/** All of the stage stands. */
function standing(state: StateView, deployment: DeploymentDocument, now: number): Advance {
  const { watchMs, isLast, ...hold } = holdAt(state, actionsAt(deployment), deployment.stage);
  const waits = hold.waits && !deployment.isPromoted;
  const { reachedAtMs } = deployment;
  if (watchMs > 0 || waits) {
    if (reachedAtMs === null) return write(state, { ...deployment, reachedAtMs: now });
    if (waits) return nothing(deployment, null);
    if (now < reachedAtMs + watchMs) return nothing(deployment, reachedAtMs + watchMs);
  }
  return isLast ? leaveStep(state, deployment, now) : enterStage(state, deployment, now);
}

function enterStage(state: StateView, before: DeploymentDocument, now: number): Advance {
  const deployment = { ...before, stage: before.stage + 1, stageSinceMs: now, reachedAtMs: null, isPromoted: false };
  const apps = actionsAt(deployment).flatMap((action): Write[] => {
    const entry = state.kind("app").get(appToken(action.app));
    if (entry === undefined || entry.value.deployment !== deployment.id) return [];
    const mix = mixAt(action, stagesOf(action, specOfAction(state, action)), deployment.stage);
    return [{ key: keys.app(action.app), value: { ...entry.value, mix }, expect: entry.revision }];
  });
  return write(state, deployment, apps, [stepEvent(state, deployment, "started", null)]);
}

function leaveStep(state: StateView, before: DeploymentDocument, now: number): Advance {
  const done = stepOutcome(state, before, "succeeded", null);
  const step = before.step + 1;
  if (step >= stepsOf(before).length) {
    const { writes, events } = endDeployment(state, before, { state: "succeeded", message: null, now });
    return decided(before, writes, [...done, ...events]);
  }
  const next: DeploymentDocument = {
    ...before,
    step,
    stage: 0,
    stageSinceMs: now,
    reachedAtMs: null,
    isPromoted: false,
  };
  return write(state, next, enterStep(state, next, now), [...done, stepEvent(state, next, "started", null)]);
}

function fail(state: StateView, deployment: DeploymentDocument, why: string, rollsBack: boolean, now: number): Advance {
  const told = stepOutcome(state, deployment, "failed", why);
  const back = rollsBack
    ? rollbackOf(state, deployment, {
        id: `${deployment.id}-rollback`,
        by: deployment.by,
        trace: deployment.trace,
        now,
        // Whoever wrote the spec finds it there, and why it failed.
        removesCreated: false,
      })
    : null;
  const rolledBackBy = back?.deployment.id ?? null;
  const apps = new Set(back?.apps ?? []);
  const ended = endDeployment(state, deployment, { state: "failed", message: why, rolledBackBy, now }, apps);
  return decided(
    deployment,
    [...ended.writes, ...(back?.writes ?? [])],
    [...told, ...ended.events, ...(back?.events ?? [])],
    back?.asserts,
  );
}

const nothing = ({ trace }: DeploymentDocument, lookAgainAtMs: number | null): Advance => ({
  decision: { writes: [], asserts: [], events: [], wakes: [], trace },
  lookAgainAtMs,
});

function write(
  state: StateView,
  deployment: DeploymentDocument,
  others: readonly Write[] = [],
  events: readonly EventDraft[] = [],
): Advance {
  const key = keys.deployment(deployment.id);
  // The apps come first: whoever reads the batch half way must not take the last step's apps for the next one's.
  return decided(deployment, [...others, { key, value: deployment, expect: state.revision(key) }], events);
}

const decided = (
  { trace }: DeploymentDocument,
  writes: readonly Write[],
  events: readonly EventDraft[],
  asserts: Decision["asserts"] = [],
): Advance => ({
  decision: { writes: [...writes], asserts, events: [...events], wakes: [], trace },
  lookAgainAtMs: null,
});
