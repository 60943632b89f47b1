/** What people have to do with where an app stands: a deployment that waits for their word, or one that left it half way. */
import { type AppDocument, affectedApps, type DeploymentDocument, type StateView, stagesOf } from "@muster/contracts";
import { specOfAction } from "../deployment/stages.ts";
import { actionsAt } from "../deployment/steps.ts";

/** Null: nobody has to say anything. */
export function heldText(state: StateView, deployment: DeploymentDocument): string | null {
  const { id, isPaused, isPromoted, reachedAtMs, stage } = deployment;
  if (isPaused) return `paused until "muster resume ${id}"`;
  const waits = actionsAt(deployment).some((action) => {
    const stages = stagesOf(action, specOfAction(state, action));
    return stages[Math.min(stage, stages.length - 1)]?.waits === true;
  });
  return waits && !isPromoted && reachedAtMs !== null ? `waits for "muster promote ${id}"` : null;
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
