/** What holds an app where it stands: a deployment that waits for a person or is watched, or one that left it half way. */
import { type AppDocument, affectedApps, type DeploymentDocument, type StateView } from "@muster/contracts";
import { spanText } from "../apps/time.ts";
import { holdAt } from "../deployment/stages.ts";
import { actionsAt } from "../deployment/steps.ts";

/** Null: nobody has to say anything, and no time has to pass. */
export function heldText(state: StateView, deployment: DeploymentDocument, now: number): string | null {
  const { id, isPaused, isPromoted, reachedAtMs, stage } = deployment;
  if (isPaused) return `paused until "muster resume ${id}"`;
  if (reachedAtMs === null) return null;
  const { waits, watchMs, isLast, count } = holdAt(state, actionsAt(deployment), stage);
  if (waits && !isPromoted) return `waits for "muster promote ${id}"`;
  if (watchMs === 0) return null;
  const what = count === 1 ? "what stands" : `stage ${stage + 1} of ${count}`;
  return `${what} is watched for another ${spanText(reachedAtMs + watchMs - now)}${isLast ? "" : " before the next one"}`;
}

/** The deployment that left the app where it stands, and why; null: the last one came to its end. */
export function leftText(state: StateView, { id }: AppDocument): string | null {
  let last: DeploymentDocument | null = null;
  for (const [, { value }] of state.kind("deployment"))
    if (value.endedAtMs !== null && value.endedAtMs >= (last?.endedAtMs ?? 0) && affectedApps(value).includes(id))
      last = value;
  if (last === null) return null;
  // What goes back on a deployment succeeds, and says nothing of why.
  const cause = last.state === "succeeded" ? undoneBy(state, last) : last;
  if (cause === null) return null;
  const { state: how, message } = cause;
  return `deployment ${cause.id} ${how === "failed" ? "failed" : `was ${how}`}${message === null ? "" : `: ${message}`}`;
}

function undoneBy(state: StateView, { id }: DeploymentDocument): DeploymentDocument | null {
  for (const [, { value }] of state.kind("deployment")) if (value.rolledBackBy === id) return value;
  return null;
}
