/** What one round of looks decided, in one batch: each is decided alone, all land or none. */
import { type AppId, appShard, type Decision } from "@muster/contracts";
import { SharedBatch } from "@muster/core";
import { type Cluster, createLog, perform, type Rounds, type Shards, type Span } from "@muster/runtime";

/** Far below what a batch holds: a single removal may bring many messages of its own. */
const ROUND_MESSAGES_MAX = 400;
const RETRY_MS = 5_000;
const log = createLog("deployer");

/** The things a round is about: apps, or deployments. */
export type Looked = {
  /** Whose shard decides about it; null when there is no such thing any more. */
  readonly appOf: (id: string) => AppId | null;
  /** What is next, told with `trace`; null: it stands as it should. */
  readonly decide: (id: string, trace: string | null) => Decision | null;
  readonly span: (id: string) => Span;
  /** Where one waits to be looked at again. */
  readonly rounds: () => Pick<Rounds, "mark" | "markAt">;
};

export async function commitRound(cluster: Cluster, shards: Shards, ids: readonly string[], looked: Looked) {
  if (!cluster.state.complete || !cluster.health.complete) return;
  // Only a look that decides something is worth a span.
  const due = decideAll(shards, ids, looked, () => null).ids;
  if (due.length === 0) return;
  const spans = new Map(due.map((id) => [id, looked.span(id)]));
  try {
    const decide = () => decideAll(shards, due, looked, (id) => spans.get(id)?.traceparent ?? null).decision;
    // Nothing is acknowledged here, and whoever is not woken is woken again: the next round need not wait for that.
    const done = await perform(cluster.nats, cluster.stateCommitter, "/muster/deployer", decide, {
      waitForWakes: false,
    });
    for (const span of spans.values()) {
      span.set({ "muster.tries": done?.tries ?? 0 });
      span.end();
    }
  } catch (cause) {
    for (const span of spans.values()) span.end(cause);
    throw cause;
  }
}

/** As many as share a batch; the others are marked again. */
export function decideAll(
  shards: Pick<Shards, "holds" | "assertion">,
  ids: readonly string[],
  looked: Looked,
  traceOf: (id: string) => string | null,
): { readonly ids: readonly string[]; readonly decision: Decision } {
  const batch = new SharedBatch();
  const taken: string[] = [];
  const held = new Set<number>();
  for (const id of ids) {
    const app = looked.appOf(id);
    if (app === null || !shards.holds(appShard(app))) continue;
    const decision = decideOne(id, traceOf(id), looked);
    if (decision === null) continue;
    const messages = batch.messages + decision.writes.length + decision.events.length;
    if ((!batch.isEmpty && messages > ROUND_MESSAGES_MAX) || !batch.take(decision)) {
      looked.rounds().mark(id);
      continue;
    }
    taken.push(id);
    held.add(appShard(app));
  }
  return { ids: taken, decision: batch.merged([...held].map((shard) => shards.assertion(shard))) };
}

function decideOne(id: string, trace: string | null, { decide, rounds }: Looked): Decision | null {
  try {
    const decision = decide(id, trace);
    return decision === null || decision.writes.length === 0 ? null : decision;
  } catch (cause) {
    // One that cannot be decided must not hold up the others of its round.
    log.error({ about: id, error: (cause as Error).message, stack: (cause as Error).stack }, "cannot be decided");
    rounds().markAt(id, Date.now() + RETRY_MS);
    return null;
  }
}
