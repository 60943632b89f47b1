/** Agents: a new incarnation is reconciled before its gate may open; silence and return change its instances' levels. */
import {
  type AgentReport,
  type AgentVerdict,
  agentIdOf,
  agentToken,
  type Decision,
  keys,
  type OfferDocument,
  tokensOf,
  type Write,
} from "@muster/contracts";
import { decideSilence, reconcileAgent } from "@muster/core";
import { type Cluster, followReports, type Performed, Rounds } from "@muster/runtime";
import type { Records } from "./records.ts";

export type AgentsOptions = {
  readonly isMine: (agent: string) => boolean;
  readonly commit: (decide: () => Decision | null) => Promise<Performed | null>;
  readonly records: Records;
};

const ROUND_AGENTS_MAX = 400;
/** Far below what a batch holds: one agent more may bring many. */
const ROUND_WRITES_MAX = 800;

export function followAgents(cluster: Cluster, { isMine, commit, records }: AgentsOptions) {
  const reports = new Map<string, AgentReport>();
  const rounds = new Rounds({ name: "health-agents", roundMax: ROUND_AGENTS_MAX, handle: look });
  /** Agents whose silence we have written down, so that only changes are looked through. */
  const silent = new Set<string>();

  /** Many agents in one batch; those it had no room for are looked at again. */
  async function look(agents: readonly string[]): Promise<void> {
    if (!cluster.health.complete) return;
    let done: string[] = [];
    let left: string[] = [];
    await commit(() => {
      [done, left] = [[], []];
      const writes: Write[] = [];
      for (const agent of agents.filter(isMine)) {
        const due = writes.length < ROUND_WRITES_MAX ? decide(agent) : null;
        const room = ROUND_WRITES_MAX - writes.length;
        (due !== null && due.length <= room ? done : left).push(agent);
        writes.push(...(due ?? []).slice(0, room));
      }
      return writes.length === 0 ? null : { writes, asserts: [], events: [], wakes: [], trace: null };
    });
    for (const agent of done) {
      if (gateOf(agent)?.reason === "unreachable") silent.add(agent);
      else silent.delete(agent);
    }
    for (const agent of left) rounds.mark(agent);
  }

  const gateOf = (agent: string) => cluster.state.kind("offer").get(agentToken(agent))?.value.gate;

  function decide(agent: string): readonly Write[] {
    const gate = gateOf(agent);
    const now = Date.now();
    const silence =
      gate === undefined
        ? []
        : decideSilence(cluster.health, records.of(agent), gate.reason === "unreachable", now).writes;
    return [...reconcile(agent, now), ...silence];
  }

  function reconcile(agent: string, now: number): Write[] {
    const report = reports.get(agent);
    if (report === undefined) return [];
    const key = keys.agentVerdict(agent);
    const present = cluster.health.kind("agent").get(agentToken(agent))?.value ?? null;
    const value = reconcileAgent(cluster.state, present, report, now);
    return value === null ? [] : [{ key, value, expect: cluster.health.revision(key) }];
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
  const withOrphans = new Set<string>();
  const noteOrphans = (token: string, verdict: AgentVerdict | null) => {
    if ((verdict?.orphans.length ?? 0) > 0) withOrphans.add(token);
    else withOrphans.delete(token);
  };
  for (const [token, { value }] of cluster.health.kind("agent")) noteOrphans(token, value);
  const unsubscribe = [
    cluster.state.onChange(({ kind, rest, value }) => {
      if (kind === "offer" && value !== null) {
        const agent = agentIdOf(rest);
        if (((value as OfferDocument).gate.reason === "unreachable") !== silent.has(agent)) rounds.mark(agent);
      }
      // A record that was under way when the report was read makes its task no orphan.
      if (kind === "instance" && withOrphans.size > 0) {
        const token = tokensOf(rest)[1] ?? "";
        if (withOrphans.has(token)) rounds.mark(agentIdOf(token));
      }
    }),
    cluster.health.onChange(({ kind, rest, value }) => {
      if (kind === "agent") noteOrphans(rest, value as AgentVerdict | null);
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
      if (withOrphans.has(agentToken(agent))) rounds.mark(agent);
    },
    async stop() {
      for (const each of unsubscribe) each();
      await tail.stop();
      await rounds.stop();
    },
  };
}
