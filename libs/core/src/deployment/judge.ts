/** Whether an action has done what it is there for, and whether it has failed. It looks at what stands, not at what was done. */
import {
  type AppSpec,
  appToken,
  type DeploymentAction,
  type DeploymentDocument,
  ENDED_KEPT_MAX,
  type EndedRow,
  FATAL_FAILURES_MAX,
  FATAL_REASONS,
  type HealthView,
  type StateView,
} from "@muster/contracts";
import { obstacleText } from "../apps/obstacles.ts";
import { spanText } from "../apps/time.ts";
import { freshCount } from "../rollout/counted.ts";
import { isSettled, type Standpoint, standpointOf } from "../rollout/decide.ts";
import { isUp } from "../rollout/rows.ts";
import { stagesOf } from "./stages.ts";

export type Judgement = {
  readonly isReached: boolean;
  /** Why it has failed, a sentence; null: it has not. */
  readonly failure: string | null;
  /** It goes back by itself when it has failed. */
  readonly rollsBack: boolean;
  /** When it will have failed unless something moves; null: never, or it is reached. */
  readonly deadlineMs: number | null;
};

const REACHED: Judgement = { isReached: true, failure: null, rollsBack: false, deadlineMs: null };

export function judgeAction(
  state: StateView,
  health: HealthView,
  deployment: DeploymentDocument,
  action: DeploymentAction,
  now: number,
): Judgement {
  const entry = state.kind("app").get(appToken(action.app));
  // An app that is gone, or that another deployment has taken over, is nothing to wait for.
  if (entry === undefined || entry.value.deployment !== deployment.id) return REACHED;
  const standpoint = standpointOf(state, health, action.app, now);
  // What cannot be read cannot be brought about: only a person can help, with a new version.
  if (standpoint === null) return { ...REACHED, isReached: false, failure: `the spec of ${action.app} cannot be read` };
  if (action.to !== null && isSettled(standpoint)) return REACHED;
  const { rollout } = standpoint.goal.spec;
  const since = sinceOf(deployment);
  const movedAtMs = Math.max(since, ...movesOf(standpoint));
  const deadlineMs = rollout.timeoutSeconds === null ? null : movedAtMs + rollout.timeoutSeconds * 1_000;
  const isStaged = stagesOf(action, standpoint.goal.spec).length > 1;
  const failure =
    (action.to === null ? null : failuresText(standpoint, rollout, deployment.startedAtMs, isStaged)) ??
    (deadlineMs !== null && now >= deadlineMs ? timeoutText(state, standpoint, rollout.timeoutSeconds ?? 0) : null);
  // A removal that takes too long has failed in time, and is still a removal.
  return { isReached: false, failure, rollsBack: rollout.rollbackOnFailure && action.to !== null, deadlineMs };
}

export const sinceOf = ({ stageSinceMs, startedAtMs }: DeploymentDocument): number => stageSinceMs ?? startedAtMs;

/** When instances came up or went away. */
const movesOf = ({ rows, placed }: Standpoint): number[] => [
  ...rows.filter(isUp).map(({ verdict }) => verdict?.sinceMs ?? 0),
  ...(placed?.value.history ?? []).filter(({ state }) => state === "killed").map(({ atMs }) => atMs),
];

/** Instances of the new version that ended unasked since the deployment began. */
function failuresText(
  { goal, rows, placed, document }: Standpoint,
  { maxFailures }: AppSpec["rollout"],
  since: number,
  isStaged: boolean,
): string | null {
  const failures = (placed?.value.history ?? []).filter(
    (ended) => ended.version === goal.version && ended.atMs >= since && ended.state !== "killed",
  );
  const last = failures.at(-1);
  if (last === undefined) return null;
  const fatal = failures.filter(({ reason }) => FATAL_REASONS.has(reason)).length;
  const isServing = rows.some((row) => row.wish.version === goal.version && isUp(row));
  // Only the last endings are kept; the delay counts them all, also those from before the deployment.
  const counted = document.backoffs.find(({ version }) => version === goal.version)?.failures ?? 0;
  const count = failures.length < ENDED_KEPT_MAX ? failures.length : Math.max(counted, failures.length);
  const isOver = maxFailures !== null && count > maxFailures * Math.max(1, freshCount(goal));
  if (fatal < FATAL_FAILURES_MAX && !(isOver && (isStaged || !isServing))) return null;
  const times =
    count === 1 ? "an instance of the new version failed" : `instances of the new version failed ${count} times`;
  return `${times}, the last one on ${last.agent}: ${endingText(last)}`;
}

function endingText({ reason, exitCode, signal, message }: EndedRow): string {
  const how = signal !== null ? `ended by ${signal}` : exitCode === null ? reason : `exited with status ${exitCode}`;
  return message === "" ? how : message.startsWith(how) ? message : `${how}: ${message}`;
}

function timeoutText(state: StateView, { entry, goal, rows }: Standpoint, seconds: number): string {
  const up = rows.filter((row) => row.wish.version === goal.version && isUp(row)).length;
  const waiting = state.kind("waiting").get(appToken(entry.value.id))?.value;
  const obstacle =
    waiting === undefined || waiting.count === 0 ? "" : `; ${waiting.count} wait: ${obstacleText(waiting)}`;
  const unready =
    rows.find(({ wish, verdict }) => wish.version === goal.version && verdict?.ready === false)?.verdict ?? null;
  const answered = unready === null ? "" : `; ${unready.instance} is not ready: ${unready.message}`;
  return `no progress for ${spanText(seconds * 1_000)}: ${up} of ${freshCount(goal)} instances are up${obstacle}${answered}`;
}
