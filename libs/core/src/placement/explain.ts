/** Why rows are not placed: the funnel of refusals in the order of the checks, the nearest fit, what would let it fit, what could cure it. */
import {
  CHECKS,
  type CheckName,
  type Cure,
  type OfferDocument,
  type Refusal,
  type WaitingDocument,
} from "@muster/contracts";
import type { Ask } from "../ask.ts";
import type { FeasibilityCheck } from "../feasible/check.ts";
import { CLASS_CHECKS, QUANTITY_CHECKS } from "../feasible/index.ts";
import { ABSENT, type Fleet } from "../fleet/fleet.ts";
import type { Rule } from "../rules/rule.ts";
import { roomWhenEmpty } from "./room.ts";

export type Explanation = Pick<WaitingDocument, "agentsSeen" | "refusals" | "nearest" | "cures" | "wouldFitIf">;

/** Everything that can be said about one thing that refuses agents. */
type Stage = {
  readonly check: CheckName;
  readonly cures: readonly Cure[];
  /** Set for what one more agent would cure. */
  readonly isRoom: boolean;
  /** For rules of the spec: its own words. */
  readonly rule: string | null;
  short(agent: number): number;
  reason(agent: number): string;
};

const WOULD_FIT_MAX = 4;

function stagesOf(ask: Ask, fleet: Fleet, rules: readonly Rule[]): Stage[] {
  const ofCheck = (check: FeasibilityCheck): Stage => ({
    check: check.name,
    cures: check.cures,
    isRoom: check.isQuantity === true,
    rule: null,
    short: (agent) => check.short(ask, fleet, agent),
    reason: (agent) => check.reason(ask, fleet, agent),
  });
  const ofRule = (rule: Rule): Stage => ({
    check: rule.check,
    cures: rule.cures,
    isRoom: rule.isPerHost,
    rule: rule.text,
    short: (agent) => (rule.refuses(agent) ? Number.POSITIVE_INFINITY : 0),
    reason: (agent) => rule.reason(agent),
  });
  const applied = (checks: readonly FeasibilityCheck[]) => checks.filter((check) => check.applies(ask)).map(ofCheck);
  return [...applied(CLASS_CHECKS), ...rules.map(ofRule), ...applied(QUANTITY_CHECKS)];
}

/** Asks every agent of `only` (all that were not removed when null) again. What the round gave away counts as taken. `missing`: how many found no place. */
export function explain(
  ask: Ask,
  fleet: Fleet,
  rules: readonly Rule[],
  only: readonly number[] | null,
  missing = 1,
): Explanation {
  const stages = stagesOf(ask, fleet, rules);
  const tellings = stages.map(() => new Map<string, number>());
  const alone = stages.map(() => 0);
  const refused = stages.map(() => false);
  let nearest: { stage: number; short: number; agent: number } | null = null;
  let roomy: Roomy | null = null;
  let agentsSeen = 0;
  for (const agent of only ?? fleet.ids.keys()) {
    if (fleet.classes[agent] === ABSENT || (only === null && isRemoved(fleet, agent))) continue;
    agentsSeen += 1;
    let first = -1;
    let refusing = 0;
    let lastRefusing = -1;
    let isRoomOnly = true;
    for (let s = 0; s < stages.length; s += 1) {
      const stage = stages[s] as Stage;
      const short = stage.short(agent);
      if (short === 0) continue;
      refusing += 1;
      refused[s] = true;
      lastRefusing = s;
      isRoomOnly &&= stage.isRoom;
      if (first >= 0) continue;
      first = s;
      const counts = tellings[s] as Map<string, number>;
      const reason = stage.reason(agent);
      counts.set(reason, (counts.get(reason) ?? 0) + 1);
      if (nearest === null || s > nearest.stage || (s === nearest.stage && short < nearest.short))
        nearest = { stage: s, short, agent };
    }
    if (refusing === 1) alone[lastRefusing] = (alone[lastRefusing] as number) + 1;
    // Rows that are pinned to agents gain nothing by another one.
    if (refusing === 0 || !isRoomOnly || roomy !== null || only !== null) continue;
    const room = roomWhenEmpty(ask, fleet.offers[agent] as OfferDocument);
    if (room > 0) roomy = { agent, count: Math.ceil(missing / (stages.some(isPerHost) ? 1 : room)) };
  }
  return {
    agentsSeen,
    refusals: funnel(stages, tellings),
    nearest: nearest === null ? null : nearestFit(stages[nearest.stage] as Stage, nearest.agent, fleet),
    wouldFitIf: wouldFitIf(stages, alone, roomy, fleet),
    cures: curesOf(stages, refused),
  };
}

/** An operator's word is for ever: nobody waits for such an agent. */
const isRemoved = (fleet: Fleet, agent: number): boolean => fleet.ledgers[agent]?.gate.reason === "removed";

const nearestFit = (stage: Stage, agent: number, fleet: Fleet): { agent: string; lacks: string } => ({
  agent: fleet.ids[agent] as string,
  lacks: stage.reason(agent),
});

/** An agent like which more would take all that is missing, and how many of them. */
type Roomy = { readonly agent: number; readonly count: number };

/** A rule of single hosts may let each take one only. */
const isPerHost = ({ rule, isRoom }: Stage): boolean => rule !== null && isRoom;

function wouldFitIf(stages: readonly Stage[], alone: readonly number[], roomy: Roomy | null, fleet: Fleet): string[] {
  const told: string[] = roomy === null ? [] : [moreAgents(fleet.ids[roomy.agent] as string, roomy.count)];
  const ruled = stages
    .map((stage, s) => ({ stage, agents: alone[s] as number }))
    .filter(({ stage, agents }) => agents > 0 && (stage.rule !== null || !stage.isRoom))
    .sort((a, b) => b.agents - a.agents);
  for (const { stage, agents } of ruled) {
    const where = agents === 1 ? "1 agent" : `${agents} agents`;
    if (stage.rule !== null) told.push(`${where} would take it without ${stage.rule}`);
    else if (stage.check === "gate") told.push(`the gate${agents === 1 ? "" : "s"} of ${where} were open`);
    else told.push(`${where} would take it with another ${stage.check}`);
  }
  return told.slice(0, WOULD_FIT_MAX);
}

const moreAgents = (like: string, count: number): string =>
  count === 1 ? `there were one more agent like ${like}` : `there were ${count} more agents like ${like}`;

function funnel(stages: readonly Stage[], tellings: readonly ReadonlyMap<string, number>[]): Refusal[] {
  const refusals = new Map<CheckName, { agents: number; reason: string; most: number }>();
  for (const [s, counts] of tellings.entries()) {
    const { check } = stages[s] as Stage;
    for (const [reason, count] of counts) {
      const before = refusals.get(check) ?? { agents: 0, reason, most: 0 };
      const isMost = count > before.most;
      refusals.set(check, {
        agents: before.agents + count,
        reason: isMost ? reason : before.reason,
        most: Math.max(count, before.most),
      });
    }
  }
  return CHECKS.flatMap((check) => {
    const refusal = refusals.get(check);
    return refusal === undefined ? [] : [{ check, agents: refusal.agents, reason: refusal.reason }];
  });
}

/** Whatever refuses some agent, first or not. Gates close and open again without a word to those that wait: each may be one's turn. */
function curesOf(stages: readonly Stage[], refused: readonly boolean[]): Cure[] {
  const cures = new Set<Cure>(["agent.offer", "agent.gate", "spec.changed"]);
  for (const [s, stage] of stages.entries()) if (refused[s]) for (const cure of stage.cures) cures.add(cure);
  return [...cures];
}
