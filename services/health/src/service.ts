/** Health: what is true of each instance and agent. Shards of agents; verdicts carry the number of the fact they rest on. */
import {
  agentShard,
  agentToken,
  type Decision,
  type HealthKind,
  type OfferDocument,
  type StateKind,
} from "@muster/contracts";
import { decideOverdue, decidePurge } from "@muster/core";
import { type Cluster, perform, Rounds, type Service, type SettingValues, Shards } from "@muster/runtime";
import { followAgents } from "./agents.ts";
import { followFacts } from "./facts.ts";
import { Records } from "./records.ts";
import type { settings } from "./settings.ts";

export const kinds = {
  state: ["instance", "offer", "agent", "term"] as StateKind[],
  health: ["verdict", "ended", "agent", "cursor"] as HealthKind[],
};

const SWEEP_MS = 5_000;
const DEFAULTS: SettingValues<typeof settings> = { launchConfirmMs: 300_000, launchMs: 300_000 };

/** Agents that can be expected to do as they are told. */
const THERE: ReadonlySet<string> = new Set<OfferDocument["gate"]["reason"]>(["open", "cordon", "drain"]);

export async function startHealth(
  cluster: Cluster,
  { launchConfirmMs: confirmMs, launchMs }: SettingValues<typeof settings> = DEFAULTS,
): Promise<Service> {
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
        const mine = () => records.starting().filter(({ record }) => isMine(record.agent));
        const isThere = (agent: string) =>
          THERE.has(cluster.state.kind("offer").get(agentToken(agent))?.value.gate.reason ?? "");
        const timeouts = { confirmMs, launchMs };
        const done = await commit(() => decideOverdue(cluster.health, mine(), isThere, timeouts, Date.now()));
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
    records.startClocksAnew();
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
