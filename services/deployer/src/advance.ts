/** Looks at running deployments whose apps have moved, and takes each a step further when it is due. */
import { appShard, appToken, type Decision, type DeploymentDocument } from "@muster/contracts";
import { actionsAt, advanceDeployment, affectedApps } from "@muster/core";
import { type Cluster, circumstances, createLog, perform, type Rounds, type Shards } from "@muster/runtime";

const RETRY_MS = 5_000;
const log = createLog("deployer");

export function advancer(cluster: Cluster, shards: Shards, rounds: () => Rounds) {
  const { state, health } = cluster;

  /** Its next step, or null when it is not ours, stands as it should, or cannot be decided. */
  function decide(id: string): Decision | null {
    const deployment = state.kind("deployment").get(id)?.value;
    if (deployment === undefined || !shards.holds(appShard(deployment.app))) return null;
    try {
      const advance = advanceDeployment(state, health, id, circumstances());
      if (advance === null) return null;
      if (advance.lookAgainAtMs !== null) rounds().markAt(id, advance.lookAgainAtMs);
      return advance.decision.writes.length === 0 ? null : advance.decision;
    } catch (cause) {
      log.error({ deployment: id, error: (cause as Error).message }, "a deployment cannot be decided");
      rounds().markAt(id, Date.now() + RETRY_MS);
      return null;
    }
  }

  /** Each in a batch of its own: one may write many apps. */
  return async function advance(ids: readonly string[]): Promise<void> {
    if (!state.complete || !health.complete) return;
    for (const id of ids) {
      const due = decide(id);
      const deployment = state.kind("deployment").get(id)?.value;
      if (due === null || deployment === undefined) continue;
      const shard = shards.assertion(appShard(deployment.app));
      const span = cluster.telemetry.start("deployer", "advance deployment", {
        parent: deployment.trace,
        attributes: { "muster.app": deployment.app, "muster.deployment": id, "muster.step": deployment.step + 1 },
      });
      try {
        await perform(cluster.nats, cluster.stateCommitter, "/muster/deployer", () => {
          const decision = decide(id);
          return decision === null ? null : { ...decision, asserts: [...decision.asserts, shard] };
        });
        span.end();
      } catch (cause) {
        span.end(cause);
        throw cause;
      }
    }
  };
}

/** Rows of the apps a deployment is at: what a look at it costs. */
export function rowsOf({ state }: Pick<Cluster, "state">, id: string): number {
  const deployment = state.kind("deployment").get(id)?.value;
  const apps = deployment === undefined ? [] : actionsAt(deployment).map(({ app }) => app);
  return apps.reduce((sum, app) => sum + (state.kind("wanted").get(appToken(app))?.value.rows.length ?? 0), 0);
}

/** Which running deployment an app belongs to, also of apps that are gone by now. */
export class Running {
  readonly #deploymentOf = new Map<string, string>();
  readonly #tokensOf = new Map<string, readonly string[]>();

  /** Follows a deployment's document. */
  note(id: string, deployment: DeploymentDocument | null): void {
    for (const token of this.#tokensOf.get(id) ?? [])
      if (this.#deploymentOf.get(token) === id) this.#deploymentOf.delete(token);
    this.#tokensOf.delete(id);
    if (deployment === null || deployment.state !== "running") return;
    const tokens = affectedApps(deployment).map(appToken);
    this.#tokensOf.set(id, tokens);
    for (const token of tokens) this.#deploymentOf.set(token, id);
  }

  of(token: string): string | null {
    return this.#deploymentOf.get(token) ?? null;
  }

  ids(): readonly string[] {
    return [...this.#tokensOf.keys()];
  }
}
