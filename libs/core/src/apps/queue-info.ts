/** Marathon's launch queue and its list of deployments. */
import {
  appIdOf,
  type CheckName,
  type DeploymentDocument,
  type HealthView,
  type Refusal,
  type StateView,
  unreachable,
} from "@muster/contracts";
import { marathonAction } from "../deployment/marathon-action.ts";
import { affectedApps, stepsOf } from "../deployment/steps.ts";
import { instancesAsked } from "../rollout/eligible.ts";
import { appInfo, type MarathonJson } from "./app-info.ts";
import { readinessResults } from "./readiness.ts";
import { isoTime } from "./time.ts";

/** Apps whose instances wait for a place, or for the end of a backoff delay; by id. */
export function queueInfo(state: StateView, health: HealthView, now: number): MarathonJson[] {
  const tokens = new Set(state.kind("waiting").keys());
  for (const [token, { value }] of state.kind("wanted")) {
    if (value.backoffs.some((backoff) => backoff.failures > 0 && backoff.untilMs > now)) tokens.add(token);
  }
  const items = [...tokens].sort().map((token) => queueItem(state, health, token, now));
  return items.filter((item) => item !== null);
}

function queueItem(state: StateView, health: HealthView, token: string, now: number): MarathonJson | null {
  const document = state.kind("app").get(token)?.value;
  const app = appInfo(state, health, appIdOf(token), { tasks: false, lastTaskFailure: false });
  if (app === null || document === undefined || document.goal === "deleted") return null;
  const waiting = state.kind("waiting").get(token)?.value ?? null;
  const wanted = state.kind("wanted").get(token)?.value;
  const backoff = wanted?.backoffs.find((each) => each.version === document.version);
  const leftMs = Math.max(0, (backoff?.untilMs ?? 0) - now);
  const rows = wanted?.rows.filter((row) => row.goal === "run").length ?? 0;
  const count = (waiting?.count ?? 0) + (leftMs > 0 ? Math.max(0, instancesAsked(state, document) - rows) : 0);
  if (count === 0) return null;
  return {
    app,
    count,
    delay: { timeLeftSeconds: Math.ceil(leftMs / 1_000), overdue: leftMs === 0 },
    since: isoTime(waiting?.sinceMs ?? document.scaledAtMs),
    processedOffersSummary: summary(waiting?.agentsSeen ?? 0, waiting?.refusals ?? [], waiting?.decidedAtMs ?? null),
    lastUnusedOffers: [],
  };
}

/** Marathon's words for our checks; it has none for a missing runtime, for gangs, or for rules it did not know. */
function marathonReason(check: CheckName): string {
  switch (check) {
    case "role":
      return "UnfulfilledRole";
    case "runtime":
    case "machine":
    case "constraints":
    case "expressions":
    case "affinity":
    case "conflicts":
    case "custom":
    case "gang":
      return "UnfulfilledConstraint";
    case "gate":
      return "AgentMaintenance";
    case "cpus":
      return "InsufficientCpus";
    case "memory":
      return "InsufficientMemory";
    case "disk":
      return "InsufficientDisk";
    case "gpus":
      return "InsufficientGpus";
    case "ports":
      return "InsufficientPorts";
    default:
      return unreachable(check);
  }
}

/** A funnel: each agent counts at the first check that refused it, and the next check sees only the rest. */
function summary(agentsSeen: number, refusals: readonly Refusal[], decidedAtMs: number | null): MarathonJson {
  const byReason = new Map<string, number>();
  for (const { check, agents } of refusals) {
    const reason = marathonReason(check);
    byReason.set(reason, (byReason.get(reason) ?? 0) + agents);
  }
  let processed = agentsSeen;
  const rows = [...byReason].map(([reason, declined]) => {
    const row = { reason, declined, processed };
    processed = Math.max(0, processed - declined);
    return row;
  });
  return {
    processedOffersCount: agentsSeen,
    unusedOffersCount: agentsSeen,
    ...(decidedAtMs === null ? {} : { lastUnusedOfferAt: isoTime(decidedAtMs) }),
    rejectSummaryLastOffers: rows,
    rejectSummaryLaunchAttempt: rows,
  };
}

/** Running deployments, oldest first. */
export function deploymentsInfo(state: StateView, health: HealthView): MarathonJson[] {
  const deployments = state.kind("deployment");
  const running = new Map<string, DeploymentDocument>();
  for (const { value } of state.kind("app").values()) {
    const deployment = value.deployment === null ? undefined : deployments.get(value.deployment);
    if (deployment?.value.state === "running") running.set(deployment.value.id, deployment.value);
  }
  return [...running.values()]
    .sort((a, b) => a.startedAtMs - b.startedAtMs || a.id.localeCompare(b.id))
    .map((each) => deploymentInfo(state, health, each));
}

function deploymentInfo(state: StateView, health: HealthView, deployment: DeploymentDocument): MarathonJson {
  const { id, version, step } = deployment;
  const steps = stepsOf(deployment).map(({ actions }) => ({
    actions: actions.map(({ action, app }) => ({ action: marathonAction(action), app })),
  }));
  return {
    id,
    version: isoTime(version),
    affectedApps: affectedApps(deployment),
    affectedPods: [],
    steps,
    currentActions: (steps[step]?.actions ?? []).map((action) => ({
      ...action,
      readinessCheckResults: readinessResults(state, health, action.app),
    })),
    currentStep: Math.min(step + 1, steps.length),
    totalSteps: steps.length,
  };
}
