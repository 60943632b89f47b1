/** Whether an action has done what it is there for, and whether it has failed. It looks at what stands, not at what was done. */
import {
  type AppSpec,
  appToken,
  type DeploymentAction,
  type DeploymentDocument,
  FATAL_FAILURES_MAX,
  type HealthView,
  type StateView,
  type VerdictDocument,
} from "@muster/contracts";
import { spanText } from "../apps/time.ts";
import { obstacleText } from "../reports/obstacles.ts";
import { freshCount } from "../rollout/counted.ts";
import { isSettled, type Standpoint, standpointOf } from "../rollout/decide.ts";
import { provenAt } from "../rollout/plan.ts";
import { checkedOf, isUp } from "../rollout/rows.ts";
import { tallied } from "../rollout/tally.ts";
import { stagesOf } from "./stages.ts";

export type Judgement = {
  readonly isReached: boolean;
  /** Why it has failed, a sentence; null: it has not. */
  readonly failure: string | null;
  /** It goes back by itself when it has failed. */
  readonly rollsBack: boolean;
  /** When to judge again though nothing moves: then it has failed, or what is up has proven itself. Null: never, or it is reached. */
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
  if (action.to !== null && isSettled(standpoint)) {
    const provenMs = provenFrom(standpoint);
    return now >= provenMs ? REACHED : { ...REACHED, isReached: false, deadlineMs: provenMs };
  }
  const { rollout } = standpoint.goal.spec;
  const since = sinceOf(deployment);
  const movedAtMs = Math.max(since, ...movesOf(standpoint));
  const deadlineMs = rollout.timeoutSeconds === null ? null : movedAtMs + rollout.timeoutSeconds * 1_000;
  const isStaged = stagesOf(action, standpoint.goal.spec).length > 1;
  const failure =
    (action.to === null ? null : failuresText(standpoint, rollout, deployment, isStaged)) ??
    (deadlineMs !== null && now >= deadlineMs ? timeoutText(state, standpoint, rollout.timeoutSeconds ?? 0) : null);
  // A removal that takes too long has failed in time, and is still a removal.
  return { isReached: false, failure, rollsBack: rollout.rollbackOnFailure && action.to !== null, deadlineMs };
}

/** From when on the instances of the new version have shown that they stay up. */
const provenFrom = ({ rows, goal, plan }: Standpoint): number =>
  Math.max(0, ...rows.filter((row) => row.wish.version === goal.version).map((row) => provenAt(row, plan.backoffs)));

export const sinceOf = ({ stageSinceMs, startedAtMs }: DeploymentDocument): number => stageSinceMs ?? startedAtMs;

/** When instances came up or went away. */
const movesOf = ({ rows, placed }: Standpoint): number[] => [
  ...rows.filter(isUp).map(({ verdict }) => verdict?.sinceMs ?? 0),
  ...(placed?.value.history ?? []).filter(({ state }) => state === "killed").map(({ atMs }) => atMs),
];

/** Instances of the new version that ended unasked since the deployment began. */
function failuresText(
  { goal, rows, document, plan }: Standpoint,
  { maxFailures }: AppSpec["rollout"],
  deployment: DeploymentDocument,
  isStaged: boolean,
): string | null {
  // What is about to be counted counts: nobody waits for the batch that does it.
  const tally = tallied(document.tally, deployment, goal.version, plan.drop);
  if (tally === null) return null;
  const { failures, fatal, last } = tally;
  const isServing = rows.some((row) => row.wish.version === goal.version && isUp(row));
  const isOver = maxFailures !== null && failures > maxFailures * Math.max(1, freshCount(goal));
  if (fatal < FATAL_FAILURES_MAX && !(isOver && (isStaged || !isServing))) return null;
  const times =
    failures === 1 ? "an instance of the new version failed" : `instances of the new version failed ${failures} times`;
  return `${times}, the last one on ${last}`;
}

function timeoutText(state: StateView, { entry, goal, rows }: Standpoint, seconds: number): string {
  const up = rows.filter((row) => row.wish.version === goal.version && isUp(row)).length;
  const waiting = state.kind("waiting").get(appToken(entry.value.id))?.value;
  const obstacle =
    waiting === undefined || waiting.count === 0 ? "" : `; ${waiting.count} wait: ${obstacleText(waiting)}`;
  const running = rows.filter(
    (row) => row.wish.version === goal.version && row.wish.goal === "run" && row.verdict?.level === "running",
  );
  const verdicts = running.flatMap(({ verdict }) => (verdict === null ? [] : [verdict]));
  const checked = checkedOf(goal.spec);
  const answered = [
    checked.health ? unprovenText("healthy", verdicts) : "",
    checked.readiness ? unprovenText("ready", verdicts) : "",
  ].join("");
  return `no progress for ${spanText(seconds * 1_000)}: ${up} of ${freshCount(goal)} instances are up${obstacle}${answered}`;
}

/** Those that run and have not passed the checks, and what the first of them that failed one answered. */
function unprovenText(what: "healthy" | "ready", running: readonly VerdictDocument[]): string {
  const unproven = running.filter((verdict) => verdict[what] !== true);
  if (unproven.length === 0) return "";
  const answered = unproven.find((verdict) => verdict[what] === false && verdict.message !== "");
  const example = answered === undefined ? "" : ` (${answered.instance}: ${answered.message})`;
  return `; ${unproven.length} ${unproven.length === 1 ? "runs and is" : "run and are"} not ${what}${example}`;
}
