/** How a deployment ends: its document, the locks of its apps, what is told. */
import {
  appToken,
  DEPLOYMENT_HISTORY_MS,
  type DeploymentDocument,
  type DeploymentState,
  type EventDraft,
  keys,
  type StateView,
  type Write,
} from "@muster/contracts";
import { isKeptByGroups } from "../groups/versions.ts";
import { endedEvent } from "./begin.ts";
import { standstill } from "./stages.ts";
import { affectedApps, stepsOf } from "./steps.ts";

export type Ending = {
  readonly state: Exclude<DeploymentState, "running">;
  readonly message: string | null;
  /** The deployment that goes back on it, where there is one. */
  readonly rolledBackBy?: string | null;
  readonly now: number;
};

export type Ended = { readonly writes: readonly Write[]; readonly events: readonly EventDraft[] };

/**
 * Ends a running deployment and lets its apps go. Where it did not succeed, apps that stand half way stay there. `besides`: apps
 * that are written by whoever ends it.
 */
export function endDeployment(
  state: StateView,
  deployment: DeploymentDocument,
  { state: how, message, rolledBackBy = null, now }: Ending,
  besides: ReadonlySet<string> = new Set(),
): Ended {
  const value: DeploymentDocument = {
    ...deployment,
    state: how,
    message,
    rolledBackBy,
    endedAtMs: now,
    isPaused: false,
  };
  const key = keys.deployment(deployment.id);
  const apps = affectedApps(deployment).flatMap((app): Write[] => {
    const entry = state.kind("app").get(appToken(app));
    if (entry === undefined || entry.value.deployment !== deployment.id || besides.has(app)) return [];
    const mix = how === "succeeded" ? entry.value.mix : standstill(state, entry.value, { isWhole: how === "failed" });
    return [{ key: keys.app(app), value: { ...entry.value, deployment: null, mix }, expect: entry.revision }];
  });
  return {
    writes: [
      ...apps,
      ...forgotten(state, deployment, besides),
      { key, value, expect: state.revision(key), ttlMs: DEPLOYMENT_HISTORY_MS },
    ],
    events: [endedEvent(value)],
  };
}

/** Versions of apps that are gone, kept until now for a rollback, unless a version of their group needs them on. */
function forgotten(state: StateView, deployment: DeploymentDocument, besides: ReadonlySet<string>): Write[] {
  const removed = stepsOf(deployment).flatMap(({ actions }) => actions.filter(({ to }) => to === null));
  return removed.flatMap(({ app, from }): Write[] => {
    if (from === null || besides.has(app) || state.kind("app").has(appToken(app))) return [];
    const key = keys.version(app, from.version);
    return state.revision(key) === 0 || isKeptByGroups(state, app, from.version)
      ? []
      : [{ key, value: null, expect: null }];
  });
}
