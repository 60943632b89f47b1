/** Looks at running deployments whose apps have moved, and takes each a step further when it is due. */
import { appToken, type DeploymentDocument } from "@muster/contracts";
import { actionsAt, advanceDeployment, affectedApps } from "@muster/core";
import { type Cluster, circumstances, type Rounds, type Shards } from "@muster/runtime";
import { commitRound, type Looked } from "./round.ts";

export function advancer(cluster: Cluster, shards: Shards, rounds: () => Rounds) {
  const { state, health } = cluster;
  const deploymentOf = (id: string) => state.kind("deployment").get(id)?.value;
  const deployments: Looked = {
    appOf: (id) => deploymentOf(id)?.app ?? null,
    decide(id) {
      const advance = advanceDeployment(state, health, id, circumstances());
      if (advance === null) return null;
      if (advance.lookAgainAtMs !== null) rounds().markAt(id, advance.lookAgainAtMs);
      return advance.decision;
    },
    span(id) {
      const deployment = deploymentOf(id);
      return cluster.telemetry.start("deployer", "advance deployment", {
        parent: deployment?.trace ?? null,
        attributes: {
          "muster.app": deployment?.app,
          "muster.deployment": id,
          "muster.step": (deployment?.step ?? 0) + 1,
        },
      });
    },
    rounds,
  };
  return (round: readonly string[]) => commitRound(cluster, shards, round, deployments);
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
