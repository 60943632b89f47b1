/** Wake-ups in, one atomic batch out, until nothing is left to decide; the queue acknowledges when this resolves. */
import { appIdOf, appToken, type Strategy, tokensOf } from "@muster/contracts";
import { decideRound, type RoundReport } from "@muster/core";
import { type Cluster, circumstances, createLog, perform, type Span, type Work } from "@muster/runtime";
import type { FollowedFleet } from "./fleet.ts";

const log = createLog("placement");
const VIEW_WAIT_MS = 2_000;
const ROUNDS_MAX = 1_000;

/** What a worker decides with. */
export type Worker = {
  readonly cluster: Cluster;
  readonly followed: FollowedFleet;
  /** For apps that name none. */
  readonly strategy: Strategy;
};

export async function onWakeUps(worker: Worker, work: readonly Work[]): Promise<void> {
  const { cluster } = worker;
  const apps = new Map<string, Work>();
  for (const item of work) {
    const token = tokensOf(item.subject)[3];
    if (token !== undefined && tokensOf(item.subject).length === 4) apps.set(appIdOf(token), item);
  }
  // A wake-up names the revision of the wish behind it: deciding on an older view would find nothing to do.
  await Promise.all([
    cluster.state.reached(Math.max(...work.map((item) => item.revision)), VIEW_WAIT_MS),
    cluster.health.reached(Math.max(...work.map((item) => item.healthRevision)), VIEW_WAIT_MS),
  ]);
  const spans = new Map<string, Span>();
  for (const [app, item] of apps) spans.set(app, startSpan(cluster, app, item));
  const reports = new Map<string, RoundReport>();
  try {
    await placeAll(worker, [...apps.keys()], (app) => spans.get(app)?.traceparent ?? null, reports);
    for (const [app, span] of spans) endSpan(span, reports.get(app));
  } catch (cause) {
    for (const span of spans.values()) span.end(cause);
    throw cause;
  }
}

async function placeAll(
  { cluster, followed: { fleet, distance }, strategy }: Worker,
  apps: readonly string[],
  trace: (app: string) => string | null,
  reports: Map<string, RoundReport>,
): Promise<void> {
  const purged = new Set<string>();
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    let last: readonly RoundReport[] = [];
    const done = await perform(cluster.nats, cluster.stateCommitter, "/muster/placement", () => {
      const { decision, reports: decided } = decideRound(
        { state: cluster.state, health: cluster.health, fleet, distance: distance(), strategy, apps, trace, purged },
        circumstances(),
      );
      last = decided;
      return decision;
    });
    if (done === null) return;
    for (const report of last) {
      for (const key of report.purged) purged.add(key);
      const before = reports.get(report.app) ?? { placed: 0, stopped: 0, released: 0 };
      const sum = {
        ...report,
        placed: before.placed + report.placed,
        stopped: before.stopped + report.stopped,
        released: before.released + report.released,
      };
      reports.set(report.app, sum);
      log.debug({ ...report, waiting: report.waiting?.count ?? 0, tries: done.tries }, "round");
    }
  }
}

function startSpan(cluster: Cluster, app: string, { trace, redeliveries }: Work): Span {
  const wished = cluster.state.kind("wanted").get(appToken(app))?.value.trace ?? null;
  return cluster.telemetry.start("placement", "place", {
    parent: trace ?? wished,
    kind: "consumer",
    attributes: {
      "muster.app": app,
      "messaging.system": "nats",
      "messaging.operation.name": "process",
      "muster.redeliveries": redeliveries,
    },
  });
}

function endSpan(span: Span, report: RoundReport | undefined): void {
  span.set({
    "muster.placed": report?.placed ?? 0,
    "muster.stopped": report?.stopped ?? 0,
    "muster.released": report?.released ?? 0,
    "muster.waiting": report?.waiting?.count ?? 0,
    "muster.refusals": report?.waiting ? JSON.stringify(report.waiting.refusals) : undefined,
    "muster.would_fit_if": report?.waiting?.wouldFitIf.join("; ") || undefined,
  });
  span.end();
}
