/** Marathon's launch queue and its list of deployments. */
import {
  agentToken,
  appIdOf,
  attributeText,
  type CheckName,
  type DeploymentDocument,
  type HealthView,
  type StateView,
  unreachable,
  type WaitingDocument,
} from "@muster/contracts";
import { isoTime } from "../apps/time.ts";
import { marathonAction } from "../deployment/marathon-action.ts";
import { affectedApps, stepsOf } from "../deployment/steps.ts";
import { instancesAsked } from "../rollout/eligible.ts";
import { appInfo } from "./app-info.ts";
import { readinessResults } from "./readiness.ts";
import type { MarathonJson } from "./tasks.ts";

export type QueueEmbed = { /** The agent that came closest, and what it lacked. */ readonly lastUnusedOffers: boolean };

/** Apps whose instances wait for a place, or for the end of a backoff delay; by id. */
export function queueInfo(
  state: StateView,
  health: HealthView,
  now: number,
  embed: QueueEmbed = { lastUnusedOffers: false },
): MarathonJson[] {
  const tokens = new Set(state.kind("waiting").keys());
  for (const [token, { value }] of state.kind("wanted")) {
    if (value.backoffs.some((backoff) => backoff.failures > 0 && backoff.untilMs > now)) tokens.add(token);
  }
  const items = [...tokens].sort().map((token) => queueItem(state, health, token, { now, ...embed }));
  return items.filter((item) => item !== null);
}

type Asking = QueueEmbed & { readonly now: number };

function queueItem(
  state: StateView,
  health: HealthView,
  token: string,
  { now, lastUnusedOffers }: Asking,
): MarathonJson | null {
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
    processedOffersSummary: summary(waiting, lastPlacedAtMs(state, token)),
    ...(lastUnusedOffers ? { lastUnusedOffers: nearestOffer(state, waiting) } : {}),
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

/** Marathon's reasons, in the order of its funnel. */
const REASONS = [
  "UnfulfilledRole",
  "UnfulfilledConstraint",
  "NoCorrespondingReservationFound",
  "AgentMaintenance",
  "InsufficientCpus",
  "InsufficientMemory",
  "InsufficientDisk",
  "InsufficientGpus",
  "InsufficientPorts",
  "DeclinedScarceResources",
] as const;

/** A funnel: each agent counts at the first check that refused it, and the next check sees only the rest. */
function summary(waiting: WaitingDocument | null, lastUsedAtMs: number | null): MarathonJson {
  const declinedBy = new Map<string, number>();
  for (const { check, agents } of waiting?.refusals ?? []) {
    const reason = marathonReason(check);
    declinedBy.set(reason, (declinedBy.get(reason) ?? 0) + agents);
  }
  let processed = waiting?.agentsSeen ?? 0;
  const rows = REASONS.map((reason) => {
    const declined = declinedBy.get(reason) ?? 0;
    const row = { reason, declined, processed };
    processed = Math.max(0, processed - declined);
    return row;
  });
  return {
    processedOffersCount: waiting?.agentsSeen ?? 0,
    unusedOffersCount: waiting?.agentsSeen ?? 0,
    ...(waiting === null ? {} : { lastUnusedOfferAt: isoTime(waiting.decidedAtMs) }),
    ...(lastUsedAtMs === null ? {} : { lastUsedOfferAt: isoTime(lastUsedAtMs) }),
    rejectSummaryLastOffers: rows,
    rejectSummaryLaunchAttempt: rows,
  };
}

function lastPlacedAtMs(state: StateView, token: string): number | null {
  let last: number | null = null;
  for (const { atMs } of state.kind("placed").get(token)?.value.rows ?? []) last = Math.max(last ?? 0, atMs);
  return last;
}

/** Of the agents that were refused the one that came closest is kept, as Marathon's unused offer. */
function nearestOffer(state: StateView, waiting: WaitingDocument | null): MarathonJson[] {
  const nearest = waiting?.nearest ?? null;
  const offer = nearest === null ? undefined : state.kind("offer").get(agentToken(nearest.agent))?.value;
  if (waiting === null || nearest === null || offer === undefined) return [];
  // The nearest got furthest through the checks. A gang refuses those that passed all of them, and comes after the last.
  const refusal =
    waiting.refusals.find(({ reason }) => reason === nearest.lacks) ??
    waiting.refusals.findLast(({ check }) => check !== "gang");
  const { cpuMillis, memoryMib, diskMib, gpus } = offer.capacity;
  const scalar = (name: string, value: number) => ({ name, role: offer.role, scalar: value, ranges: [], set: [] });
  return [
    {
      offer: {
        id: `${offer.agent}-${offer.incarnation}`,
        hostname: offer.hostname,
        agentId: offer.agent,
        resources: [
          scalar("cpus", cpuMillis / 1_000),
          scalar("mem", memoryMib),
          scalar("disk", diskMib),
          scalar("gpus", gpus),
          {
            name: "ports",
            role: offer.role,
            ranges: offer.ports.map((range) => ({ begin: range.first, end: range.last })),
            set: [],
          },
        ],
        attributes: Object.entries(offer.attributes).map(([name, attribute]) => ({
          name,
          text: attributeText(attribute),
        })),
      },
      reason: refusal === undefined ? [] : [marathonReason(refusal.check)],
      timestamp: isoTime(waiting.decidedAtMs),
    },
  ];
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
