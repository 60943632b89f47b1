/** Agents: a new incarnation is reconciled before its gate may open; silence and return change its instances' levels. */
import { type AgentReport, agentIdOf, agentToken, type Decision, keys, type LedgerDocument } from "@muster/contracts";
import { decideSilence, reconcileAgent, recordsOf } from "@muster/core";
import { type Cluster, followReports, type Performed, Rounds } from "@muster/runtime";

export type AgentsOptions = {
  readonly isMine: (agent: string) => boolean;
  readonly commit: (decide: () => Decision | null) => Promise<Performed | null>;
};

export function followAgents(cluster: Cluster, { isMine, commit }: AgentsOptions) {
  const reports = new Map<string, AgentReport>();
  const rounds = new Rounds({
    name: "health-agents",
    roundMax: 1,
    handle: async (agents) => void (await Promise.all(agents.map(look))),
  });
  /** Agents whose silence we have written down, so that only changes are looked through. */
  const silent = new Set<string>();

  async function look(agent: string): Promise<void> {
    if (!isMine(agent) || !cluster.health.complete) return;
    await reconcile(agent);
    const gate = cluster.state.kind("ledger").get(agentToken(agent))?.value.gate;
    if (gate === undefined) return;
    const isSilent = gate.reason === "unreachable";
    if (!isSilent && !silent.has(agent) && !hasUnreachable(agent)) return;
    await commit(() => decideSilence(cluster.health, recordsOf(cluster.state, agent), isSilent, Date.now()));
    if (isSilent) silent.add(agent);
    else silent.delete(agent);
  }

  const hasUnreachable = (agent: string) =>
    recordsOf(cluster.state, agent).some(
      (record) => cluster.health.kind("verdict").get(record.instance)?.value.level === "unreachable",
    );

  async function reconcile(agent: string): Promise<void> {
    const report = reports.get(agent);
    if (report === undefined) return;
    await commit(() => {
      const key = keys.agentVerdict(agent);
      const present = cluster.health.kind("agent").get(agentToken(agent))?.value ?? null;
      const next = reconcileAgent(cluster.state, present, report, Date.now());
      return next === null
        ? null
        : {
            writes: [{ key, value: next, expect: cluster.health.revision(key) }],
            asserts: [],
            events: [],
            wakes: [],
            trace: null,
          };
    });
  }

  const tail = followReports(cluster.nats, cluster.graveyard, {
    service: "health",
    onReport: (report) => {
      reports.set(report.agent, report);
      rounds.mark(report.agent);
    },
  });
  const markAll = () => {
    for (const agent of reports.keys()) rounds.mark(agent);
  };
  const unsubscribe = [
    cluster.state.onChange(({ kind, rest, value }) => {
      if (kind === "ledger" && value !== null) {
        const agent = agentIdOf(rest);
        if (((value as LedgerDocument).gate.reason === "unreachable") !== silent.has(agent)) rounds.mark(agent);
      }
      // A record that was under way when the report was read makes its task no orphan.
      if (kind === "instance") {
        const token = rest.split(".")[1] ?? "";
        if ((cluster.health.kind("agent").get(token)?.value.orphans.length ?? 0) > 0) rounds.mark(agentIdOf(token));
      }
    }),
    cluster.state.onComplete(markAll),
    cluster.health.onComplete(markAll),
  ];
  return {
    open: () => tail.start(),
    gain: markAll,
    forgetOrphan(agent: string, instance: string) {
      const report = reports.get(agent);
      if (report === undefined || !report.inventory.some((item) => item.instance === instance)) return;
      reports.set(agent, { ...report, inventory: report.inventory.filter((item) => item.instance !== instance) });
      if ((cluster.health.kind("agent").get(agentToken(agent))?.value.orphans.length ?? 0) > 0) rounds.mark(agent);
    },
    async stop() {
      for (const each of unsubscribe) each();
      await tail.stop();
      await rounds.stop();
    },
  };
}
