/** Health: what is true of each instance and agent. Shards of agents; verdicts carry the number of the fact they rest on. */
import { agentShard, type Decision, type HealthKind, type StateKind } from "@muster/contracts";
import { decideOverdue, decidePurge } from "@muster/core";
import { type Cluster, perform, Rounds, type Service, Shards } from "@muster/runtime";
import { followAgents } from "./agents.ts";
import { followFacts } from "./facts.ts";
import { Records } from "./records.ts";

export const kinds = {
  state: ["instance", "offer", "agent", "term"] as StateKind[],
  health: ["verdict", "ended", "agent", "cursor"] as HealthKind[],
};

const SWEEP_MS = 5_000;

export async function startHealth(cluster: Cluster): Promise<Service> {
  const shards = new Shards("health", cluster.membership, cluster.state, cluster.stateCommitter);
  const isMine = (agent: string) => shards.holds(agentShard(agent));
  const commit = (decide: () => Decision | null) =>
    perform(cluster.nats, cluster.healthCommitter, "/muster/health", decide);
  const records = new Records(cluster);
  const agents = followAgents(cluster, { isMine, commit, records });
  const facts = followFacts(cluster, { shards, commit, onOrphanEnd: agents.forgetOrphan });

  // Whoever holds the first shard sweeps for all.
  const sweeps: Rounds = new Rounds({
    name: "health",
    roundMax: 10,
    handle: async (names) => {
      if (!cluster.state.complete || !cluster.health.complete) return;
      if (names.includes("purge") && shards.holds(0)) {
        const done = await commit(() => decidePurge(cluster.state, cluster.health, records.gone()));
        if (done !== null) sweeps.mark("purge");
      }
      if (names.includes("overdue")) {
        const mine = () => records.unheard().filter((record) => isMine(record.agent));
        const done = await commit(() => decideOverdue(cluster.health, mine(), Date.now()));
        if (done !== null) sweeps.mark("overdue");
      }
    },
  });
  const unsubscribe = cluster.state.onChange(({ kind, value }) => {
    if (kind === "instance" && value === null) sweeps.mark("purge");
  });
  const sweeping = setInterval(() => {
    sweeps.mark("purge");
    sweeps.mark("overdue");
  }, SWEEP_MS);
  shards.onGain(() => {
    facts.gain();
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
      records.close();
    },
  };
}
