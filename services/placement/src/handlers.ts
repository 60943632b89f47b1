/** Wake-ups in, one atomic batch out, until nothing is left to decide; the queue acknowledges when this resolves. */
import { agentIdOf, appIdOf, appToken, ROUND_INSTANCES_MAX, type Strategy, tokensOf } from "@muster/contracts";
import { decideRound, type RoundReport } from "@muster/core";
import { type Cluster, type Committer, circumstances, createLog, perform, type Span, type Work } from "@muster/runtime";
import type { FollowedFleet } from "./fleet.ts";

const log = createLog("placement");
const VIEW_WAIT_MS = 2_000;
const ROUNDS_MAX = 1_000;

/**
 * Groups of apps that are decided side by side: one decides while another's batch is under way. To the bucket each is a worker of
 * its own; they keep off the agents that are in each other's batch.
 */
const LANES = 2;
/** In a smaller cluster two batches would want the same agents. */
const LANE_AGENTS_MIN = 2 * ROUND_INSTANCES_MAX;

/** What a worker decides with. */
export type Worker = {
  readonly cluster: Cluster;
  readonly followed: FollowedFleet;
  /** For apps that name none. */
  readonly choices: Choices;
  readonly lanes: readonly Lane[];
  /** Whoever comes while wake-ups are in hand waits: an app is in one lane at a time. */
  turn: Promise<unknown>;
};

type Lane = {
  readonly committer: Committer;
  /** Agents whose ledgers are in the batch under way. */
  readonly busy: Set<string>;
};

/** What the operator has set. */
export type Choices = { readonly strategy: Strategy; readonly envVarsPrefix: string };

export const workerOf = (cluster: Cluster, followed: FollowedFleet, choices: Choices): Worker => ({
  cluster,
  followed,
  choices,
  lanes: Array.from({ length: LANES }, (_, i) => ({
    committer: i === 0 ? cluster.stateCommitter : cluster.stateCommitter.sibling(`lane${i}`),
    busy: new Set(),
  })),
  turn: Promise.resolve(),
});

export function onWakeUps(worker: Worker, work: readonly Work[]): Promise<void> {
  const done = worker.turn.then(() => answer(worker, work));
  worker.turn = done.catch(() => undefined);
  return done;
}

async function answer(worker: Worker, work: readonly Work[]): Promise<void> {
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
    const names = [...apps.keys()];
    const lanes = worker.lanes.slice(0, lanesFor(names.length, worker.followed.fleet.size));
    await allSettled(
      lanes.map((lane, at) =>
        placeAll(worker, lane, {
          apps: names.filter((_, i) => i % lanes.length === at),
          trace: (app) => spans.get(app)?.traceparent ?? null,
          reports,
        }),
      ),
    );
    for (const [app, span] of spans) endSpan(span, reports.get(app));
  } catch (cause) {
    for (const span of spans.values()) span.end(cause);
    throw cause;
  }
}

const lanesFor = (apps: number, agents: number): number =>
  Math.max(1, Math.min(apps, Math.floor(agents / LANE_AGENTS_MIN)));

/** Waits for all of them, then throws what the first that failed threw: no lane is left running behind its caller's back. */
async function allSettled(lanes: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(lanes)).find((lane) => lane.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

type Round = {
  readonly apps: readonly string[];
  readonly trace: (app: string) => string | null;
  readonly reports: Map<string, RoundReport>;
};

async function placeAll(worker: Worker, lane: Lane, { apps, trace, reports }: Round): Promise<void> {
  const { cluster, followed, choices } = worker;
  const { fleet } = followed;
  const purged = new Set<string>();
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    let last: readonly RoundReport[] = [];
    const done = await perform(cluster.nats, lane.committer, "/muster/placement", () => {
      lane.busy.clear();
      const distance = followed.distance(worker.lanes.flatMap(({ busy }) => [...busy]));
      const { decision, reports: decided } = decideRound(
        { state: cluster.state, health: cluster.health, fleet, distance, apps, trace, purged, ...choices },
        circumstances(),
      );
      last = decided;
      for (const { key } of decision.writes)
        if (key.startsWith("ledger.")) lane.busy.add(agentIdOf(key.slice("ledger.".length)));
      return decision;
    }).finally(() => lane.busy.clear());
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
