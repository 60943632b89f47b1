/** Looks at apps that changed and commits their next wishes, many in one batch: each is decided alone, all land or none. */
import { type AppDocument, appShard, appToken, type Decision, type Entry } from "@muster/contracts";
import { decideRollout } from "@muster/core";
import { type Cluster, circumstances, createLog, perform, type Rounds, type Shards, type Span } from "@muster/runtime";

/** Far below what a batch holds: a single removal may bring many messages of its own. */
const ROUND_MESSAGES_MAX = 400;
const RETRY_MS = 5_000;
const log = createLog("deployer");

type Looked = { readonly app: string; readonly decision: Decision };

export function looker(cluster: Cluster, shards: Shards, rounds: () => Rounds) {
  const entryOf = (app: string): Entry<AppDocument> | undefined => cluster.state.kind("app").get(appToken(app));

  /** One app's decision, or null when it stands as it should, is not ours, or cannot be decided. */
  function decideOne(app: string, trace: string | null): Decision | null {
    if (!shards.holds(appShard(app))) return null;
    try {
      const now = circumstances();
      const rollout = decideRollout(cluster.state, cluster.health, app, trace, now);
      if (rollout === null) return null;
      if (rollout.lookAgainAtMs !== null) rounds().markAt(app, rollout.lookAgainAtMs);
      return rollout.decision.writes.length === 0 ? null : rollout.decision;
    } catch (cause) {
      // One app that cannot be decided must not hold up the others of its round.
      log.error({ app, error: (cause as Error).message, stack: (cause as Error).stack }, "an app cannot be decided");
      rounds().markAt(app, Date.now() + RETRY_MS);
      return null;
    }
  }

  function decideAll(apps: readonly string[], traceOf: (app: string) => string | null): Looked[] {
    const looked: Looked[] = [];
    const written = new Set<string>();
    let messages = 0;
    for (const app of apps) {
      const decision = decideOne(app, traceOf(app));
      if (decision === null) continue;
      messages += decision.writes.length + decision.events.length + decision.asserts.length;
      // A batch names no key twice; what two apps both write (the attempts of apps that are gone) waits for the next one.
      const isShared = decision.writes.some((write) => written.has(write.key));
      if (isShared || (looked.length > 0 && messages > ROUND_MESSAGES_MAX)) {
        rounds().mark(app);
        continue;
      }
      for (const write of decision.writes) written.add(write.key);
      looked.push({ app, decision });
    }
    return looked;
  }

  return async function look(apps: readonly string[]): Promise<void> {
    if (!cluster.state.complete || !cluster.health.complete) return;
    const known = apps.filter((app) => entryOf(app) !== undefined);
    // Only a look that decides something is worth a span.
    const due = decideAll(known, (app) => entryOf(app)?.value.trace ?? null).map(({ app }) => app);
    if (due.length === 0) return;
    const spans = new Map(due.map((app) => [app, startSpan(cluster, app, entryOf(app))]));
    try {
      const decide = () =>
        together(
          decideAll(due, (app) => spans.get(app)?.traceparent ?? null),
          shards,
        );
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
  };
}

function startSpan(cluster: Cluster, app: string, entry: Entry<AppDocument> | undefined): Span {
  return cluster.telemetry.start("deployer", "deploy", {
    parent: entry?.value.trace ?? null,
    attributes: { "muster.app": app, "muster.deployment": entry?.value.deployment },
  });
}

/** One batch of them all; what several rest on, such as a shard's term, is asserted once. */
function together(looked: readonly Looked[], shards: Shards): Decision {
  const held = new Set(looked.map(({ app }) => appShard(app)));
  const asserts = [
    ...looked.flatMap(({ decision }) => decision.asserts),
    ...[...held].map((shard) => shards.assertion(shard)),
  ];
  return {
    writes: looked.flatMap(({ decision }) => decision.writes),
    asserts: [...new Map(asserts.map((assertion) => [assertion.key, assertion])).values()],
    events: looked.flatMap(({ decision }) => decision.events),
    wakes: looked.flatMap(({ decision }) => decision.wakes),
    trace: null,
  };
}
