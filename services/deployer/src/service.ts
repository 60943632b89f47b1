/** The deployer: which instances should exist now. Shards of apps; every wish asserts the term of its shard. */
import {
  appIdOf,
  appShard,
  appToken,
  type DeploymentDocument,
  HEADER,
  type HealthKind,
  type StateKind,
  tokensOf,
} from "@muster/contracts";
import { type Cluster, Rounds, type Service, Shards, wakeUp } from "@muster/runtime";
import { advancer, Running, rowsOf } from "./advance.ts";
import { Concerns } from "./concerns.ts";
import { looker } from "./look.ts";

export const kinds = {
  state: [
    "app",
    "version",
    "path",
    "port",
    "group",
    "groupversion",
    "graph",
    "attempts",
    "agent",
    "deployment",
    "order",
    "wanted",
    "placed",
    "waiting",
    "rules",
    "neighbour",
    "hold",
    "offer",
    "term",
  ] as StateKind[],
  health: ["verdict"] as HealthKind[],
};

/** How long an app may differ from its wish, unplaced and not explained, before it is woken again. */
const REWAKE_MS = 3_000;
const ROUND_APPS_MAX = 100;
const ROUND_DEPLOYMENTS_MAX = 100;
/** Documents of an app that a look at it rests on. */
const MARKING: ReadonlySet<string> = new Set<StateKind>(["app", "version", "order", "wanted", "placed"]);
/** A look costs as much as the app has rows, and each of its verdicts causes one: a large app is looked at less often. */
const restMs = (rows: number): number => (rows < 500 ? 0 : rows / 20);

export async function startDeployer(cluster: Cluster): Promise<Service> {
  const shards = new Shards("deployer", cluster.membership, cluster.state, cluster.stateCommitter);
  const rounds: Rounds = new Rounds({
    name: "deployer",
    roundMax: ROUND_APPS_MAX,
    restMs: (app) => restMs(cluster.state.kind("wanted").get(appToken(app))?.value.rows.length ?? 0),
    handle: (apps) => look(apps),
  });
  const look = looker(cluster, shards, () => rounds);
  const deployments: Rounds = new Rounds({
    name: "deployments",
    roundMax: ROUND_DEPLOYMENTS_MAX,
    restMs: (id) => restMs(rowsOf(cluster, id)),
    handle: (ids) => advance(ids),
  });
  const advance = advancer(cluster, shards, () => deployments);

  const running = new Running();
  for (const [id, { value }] of cluster.state.kind("deployment")) running.note(id, value);
  const markAll = () => {
    for (const token of cluster.state.kind("app").keys()) rounds.mark(appIdOf(token));
    for (const id of running.ids()) deployments.mark(id);
  };
  /** Whatever an app's rollout rests on, its deployment rests on too. */
  const mark = (token: string) => {
    rounds.mark(appIdOf(token));
    const deployment = running.of(token);
    if (deployment !== null) deployments.mark(deployment);
  };
  const concerns = new Concerns(cluster.state, (app) => rounds.mark(app));
  const unsubscribe = [
    // A batch arrives message by message: whatever a look rests on must cause another one when it comes.
    cluster.state.onChange((change) => {
      const { kind, rest, value } = change;
      concerns.note(change);
      if (kind === "deployment") {
        running.note(rest, value as DeploymentDocument | null);
        deployments.mark(rest);
      } else if (MARKING.has(kind)) mark(tokensOf(rest)[0] as string);
    }),
    cluster.health.onChange(({ kind, rest }) => {
      if (kind === "verdict") mark(tokensOf(rest)[0] as string);
    }),
    cluster.state.onComplete(markAll),
    cluster.health.onComplete(markAll),
  ];
  shards.onGain((gained) => {
    const mine = new Set(gained);
    for (const token of cluster.state.kind("app").keys())
      if (mine.has(appShard(appIdOf(token)))) rounds.mark(appIdOf(token));
    for (const id of running.ids()) deployments.mark(id);
  });
  const rewaking = rewake(cluster, shards);
  shards.open();
  return {
    async stop() {
      clearInterval(rewaking);
      concerns.stop();
      for (const each of unsubscribe) each();
      shards.close();
      await Promise.all([rounds.stop(), deployments.stop()]);
    },
  };
}

/** A lost wake-up costs time, never correctness: whoever is not placed and not explained at the present wish is woken again. */
function rewake(cluster: Cluster, shards: Shards): NodeJS.Timeout {
  const seen = new Map<string, number>();
  return setInterval(() => {
    if (!cluster.state.complete) return;
    for (const [token, wanted] of cluster.state.kind("wanted")) {
      const app = appIdOf(token);
      if (!shards.holds(appShard(app)) || isAnswered(cluster, token)) {
        seen.delete(token);
        continue;
      }
      if (seen.get(token) === wanted.revision)
        void wakeUp(
          cluster.nats,
          { wakeClass: "retry", app },
          { [HEADER.revision]: String(wanted.revision) },
          wanted.value.trace,
        );
      seen.set(token, wanted.revision);
    }
  }, REWAKE_MS);
}

/** Every row is placed, ended or ordered to stop, or the app waits for a reason given at this very wish. */
function isAnswered(cluster: Cluster, token: string): boolean {
  const wanted = cluster.state.kind("wanted").get(token);
  const placed = cluster.state.kind("placed").get(token)?.value;
  if (wanted === undefined) return true;
  const goals = new Map((placed?.rows ?? []).map((row) => [`${row.slot}.${row.attempt}`, row.goal]));
  const ended = new Set((placed?.ended ?? []).map((row) => `${row.slot}.${row.attempt}`));
  const isOpen = wanted.value.rows.some((row) => {
    const id = `${row.slot}.${row.attempt}`;
    const goal = goals.get(id);
    return row.goal === "run" ? goal === undefined && !ended.has(id) : goal === "run";
  });
  return !isOpen || cluster.state.kind("waiting").get(token)?.value.wantedRevision === wanted.revision;
}
