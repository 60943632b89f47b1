/** Health: what is true of each instance and agent. Shards of agents; verdicts carry the number of the fact they rest on. */
import { agentShard, type Decision, type HealthKind, type StateKind } from "@muster/contracts";
import { decideOverdue, decidePurge } from "@muster/core";
import { type Cluster, perform, Rounds, type Service, Shards } from "@muster/runtime";
import { followAgents } from "./agents.ts";
import { followFacts } from "./facts.ts";

export const kinds = {
  state: ["instance", "ledger", "agent", "term"] as StateKind[],
  health: ["verdict", "ended", "agent", "cursor"] as HealthKind[],
};

const SWEEP_MS = 5_000;

export async function startHealth(cluster: Cluster): Promise<Service> {
  const shards = new Shards("health", cluster.membership, cluster.state, cluster.stateCommitter);
  const isMine = (agent: string) => shards.holds(agentShard(agent));
  const commit = (decide: () => Decision | null) =>
    perform(cluster.nats, cluster.healthCommitter, "/muster/health", decide);
  const agents = followAgents(cluster, { isMine, commit });
  const facts = followFacts(cluster, { isMine, commit, onOrphanEnd: agents.forgetOrphan });

  // Whoever holds the first shard sweeps for all.
  const sweeps = new Rounds({
    name: "health",
    roundMax: 10,
    handle: async (names) => {
      if (!cluster.state.complete || !cluster.health.complete) return;
      if (names.includes("purge") && shards.holds(0)) await commit(() => decidePurge(cluster.state, cluster.health));
      if (names.includes("overdue"))
        await commit(() => decideOverdue(cluster.state, cluster.health, Date.now(), isMine));
    },
  });
  const unsubscribe = cluster.state.onChange(({ kind, value }) => {
    if (kind === "instance" && value === null) sweeps.mark("purge");
  });
  const sweeping = setInterval(() => {
    sweeps.mark("purge");
    sweeps.mark("overdue");
  }, SWEEP_MS);
  shards.onGain((gained) => {
    facts.gain(gained);
    agents.gain();
  });
  await agents.open();
  shards.open();
  return {
    async stop() {
      clearInterval(sweeping);
      unsubscribe();
      shards.close();
      await Promise.all([facts.stop(), agents.stop(), sweeps.stop()]);
    },
  };
}
