/** Looks at apps that changed and commits their next wishes. */
import { type AppDocument, appToken, type Entry } from "@muster/contracts";
import { decideRollout } from "@muster/core";
import { type Cluster, circumstances, type Rounds, type Shards } from "@muster/runtime";
import { commitRound, type Looked } from "./round.ts";

export function looker(cluster: Cluster, shards: Shards, rounds: () => Rounds) {
  const entryOf = (app: string): Entry<AppDocument> | undefined => cluster.state.kind("app").get(appToken(app));
  const apps: Looked = {
    appOf: (app) => (entryOf(app) === undefined ? null : app),
    decide(app, trace) {
      const rollout = decideRollout(
        cluster.state,
        cluster.health,
        app,
        trace ?? entryOf(app)?.value.trace ?? null,
        circumstances(),
      );
      if (rollout === null) return null;
      if (rollout.lookAgainAtMs !== null) rounds().markAt(app, rollout.lookAgainAtMs);
      return rollout.decision;
    },
    span: (app) =>
      cluster.telemetry.start("deployer", "deploy", {
        parent: entryOf(app)?.value.trace ?? null,
        attributes: { "muster.app": app, "muster.deployment": entryOf(app)?.value.deployment },
      }),
    rounds,
  };
  return (round: readonly string[]) => commitRound(cluster, shards, round, apps);
}
