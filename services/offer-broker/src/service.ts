/** The offer-broker: what each agent offers and whether its gate is open. Shards of agents. */
import { type AgentReport, agentIdOf, agentShard, type HealthKind, type StateKind } from "@muster/contracts";
import { decideOffer } from "@muster/core";
import { type Cluster, circumstances, followReports, perform, Rounds, type Service, Shards } from "@muster/runtime";
import { Heartbeats } from "./heartbeats.ts";

export const kinds = {
  state: ["agent", "offer", "ledger", "term"] as StateKind[],
  health: ["agent"] as HealthKind[],
  // Ledgers change with every placement; a heartbeat asks for its own one, and a gate is seldom moved.
  unread: ["ledger"] as StateKind[],
};

const TICK_MS = 250;
/** Each brings an offer, a ledger and an event at most; terms are asserted beside them. */
const ROUND_AGENTS_MAX = 300;

export async function startOfferBroker(cluster: Cluster): Promise<Service> {
  const shards = new Shards("offer-broker", cluster.membership, cluster.state, cluster.stateCommitter);
  const reports = new Map<string, AgentReport>();
  const rounds = new Rounds({ name: "offer-broker", roundMax: ROUND_AGENTS_MAX, handle: look });
  const heartbeats = new Heartbeats(cluster, shards, (agent) => reports.get(agent) ?? null);

  async function look(agents: readonly string[]): Promise<void> {
    if (!cluster.state.complete || !cluster.health.complete) return;
    const mine = agents.filter((agent) => reports.has(agent) && shards.holds(agentShard(agent)));
    if (mine.length === 0) return;
    await perform(cluster.nats, cluster.stateCommitter, "/muster/offer-broker", () => {
      const now = circumstances();
      const held = mine.filter((agent) => shards.holds(agentShard(agent)));
      const decisions = held.map((agent) => ({
        agent,
        decision: decideOffer(
          cluster.state,
          cluster.health,
          reports.get(agent) as AgentReport,
          heartbeats.liveness(agent),
          now,
        ),
      }));
      const changed = decisions.filter(({ decision }) => decision.writes.length > 0);
      const terms = new Set(changed.map(({ agent }) => agentShard(agent)));
      return {
        writes: changed.flatMap(({ decision }) => decision.writes),
        asserts: [...terms].map((shard) => shards.assertion(shard)),
        events: changed.flatMap(({ decision }) => decision.events),
        wakes: [],
        trace: null,
      };
    });
  }

  const tail = followReports(cluster.nats, cluster.graveyard, {
    service: "offer-broker",
    onReport: (report) => {
      reports.set(report.agent, report);
      heartbeats.hear(report.agent);
      rounds.mark(report.agent);
    },
    onCaughtUp: () => heartbeats.forgive(),
  });
  const markAll = () => {
    for (const agent of reports.keys()) rounds.mark(agent);
  };
  const unsubscribe = [
    cluster.state.onChange(({ kind, rest }) => {
      if (kind === "agent") rounds.mark(agentIdOf(rest));
    }),
    cluster.health.onChange(({ kind, rest }) => {
      if (kind === "agent") rounds.mark(agentIdOf(rest));
    }),
    cluster.state.onComplete(markAll),
    cluster.health.onComplete(markAll),
  ];
  shards.onGain(() => {
    heartbeats.forgive();
    markAll();
  });
  heartbeats.onChange((agent) => rounds.mark(agent));
  await tail.start();
  heartbeats.open();
  shards.open();
  const ticking = setInterval(() => heartbeats.tick(), TICK_MS);
  return {
    async stop() {
      clearInterval(ticking);
      for (const each of unsubscribe) each();
      heartbeats.close();
      shards.close();
      await tail.stop();
      await rounds.stop();
    },
  };
}
