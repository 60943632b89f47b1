/** Why rows are not placed: the funnel of refusals in check order, the nearest fit, and what could cure it. */
import type { Cure, Refusal, WaitingDocument } from "@muster/contracts";
import type { AgentView } from "../agent-view.ts";
import type { Ask } from "../ask.ts";
import type { ConstraintState } from "../constraints/state.ts";
import { FEASIBILITY_CHECKS } from "../feasible/index.ts";

export type Explanation = Pick<WaitingDocument, "agentsSeen" | "refusals" | "nearest" | "cures">;

type Nearest = { readonly stage: number; readonly short: number; readonly agent: string; readonly lacks: string };

/** Asks every agent again and notes the first check that refuses each. */
export function explain(ask: Ask, agents: Iterable<AgentView>, constraints: ConstraintState): Explanation {
  const reasons = FEASIBILITY_CHECKS.map(() => new Map<string, number>());
  const cures = new Set<Cure>(["agent.offer", "spec.changed"]);
  let nearest: Nearest | null = null;
  let agentsSeen = 0;
  for (const agent of agents) {
    agentsSeen += 1;
    for (const [stage, check] of FEASIBILITY_CHECKS.entries()) {
      const fit = check.check(ask, agent, constraints);
      if (fit.fits) continue;
      const counts = reasons[stage] as Map<string, number>;
      counts.set(fit.reason, (counts.get(fit.reason) ?? 0) + 1);
      for (const cure of check.cures) cures.add(cure);
      const short = fit.short ?? Number.MAX_VALUE;
      if (nearest === null || stage > nearest.stage || (stage === nearest.stage && short < nearest.short))
        nearest = { stage, short, agent: agent.offer.agent, lacks: fit.reason };
      break;
    }
  }
  const refusals: Refusal[] = [];
  for (const [stage, counts] of reasons.entries()) {
    if (counts.size === 0) continue;
    const ordered = [...counts.entries()].sort(([, a], [, b]) => b - a);
    const agentCount = ordered.reduce((sum, [, count]) => sum + count, 0);
    const name = (FEASIBILITY_CHECKS[stage] as (typeof FEASIBILITY_CHECKS)[number]).name;
    refusals.push({ check: name, agents: agentCount, reason: (ordered[0] as [string, number])[0] });
  }
  return {
    agentsSeen,
    refusals,
    nearest: nearest === null ? null : { agent: nearest.agent, lacks: nearest.lacks },
    cures: [...cures],
  };
}
