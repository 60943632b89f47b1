/**
 * With or without instances of other apps, on the same value of a field (Kubernetes' affinities), and fleet's MachineOf. Terms
 * with a weight are preferences. An app's own older versions do not count, so that it may be upgraded where it stands.
 */
import { type AffinityTerm, matchesSelector, renderSelector } from "@muster/contracts";
import type { Ask } from "../ask.ts";
import { MISSING } from "../fleet/column.ts";
import { fieldName } from "../fleet/fields.ts";
import type { Preference, Rule, RuleContext } from "./rule.ts";

const CURES = ["agent.offer", "instance.released", "app.placed"] as const;
const HOSTS = new Set(["hostname", "@hostname", "@agent"]);

export const termTarget = ({ app, selector }: AffinityTerm): string => app ?? renderSelector(selector ?? []);

/** True when the term speaks of the app itself. */
export const isMeant = ({ app, selector }: AffinityTerm, ask: Pick<Ask, "app" | "labels">): boolean =>
  app !== null ? app === ask.app : matchesSelector(selector ?? [], ask.labels);

/** The values of the term's field on which instances it speaks of stand, and how choices add to them. */
function valuesOf(term: AffinityTerm, { ask, fleet, own, others }: RuleContext, isLiving: boolean) {
  const column = fleet.column(term.over);
  const isSelf = isMeant(term, ask);
  const agents = [
    ...(isSelf ? own : []),
    ...(term.app === null
      ? others.agentsMatching(term.selector ?? [], ask.app, isLiving)
      : term.app === ask.app
        ? []
        : others.agentsOf(term.app, isLiving)),
  ];
  const values = new Set<number>();
  for (const agent of agents) values.add(column.ids[agent] as number);
  values.delete(MISSING);
  const take = isSelf
    ? (agent: number): boolean => {
        const before = values.size;
        if (column.ids[agent] !== MISSING) values.add(column.ids[agent] as number);
        return values.size > before;
      }
    : null;
  return { column, values, isSelf, take };
}

/** Where two instances meet, as people say it: `rack`. */
export const placeName = (over: string): string => (HOSTS.has(over) ? "agent" : fieldName(over));

function affinityRule(term: AffinityTerm, context: RuleContext, text: string): Rule {
  const { column, values, isSelf, take } = valuesOf(term, context, true);
  // The first instance of an app that wants to be with its own kind has nobody to be with.
  const isFree = () => isSelf && values.size === 0;
  return {
    check: "affinity",
    text,
    cures: CURES,
    refuses: (agent) => !values.has(column.ids[agent] as number) && !(isFree() && column.ids[agent] !== MISSING),
    reason: (agent) =>
      column.ids[agent] === MISSING
        ? `${text}: the agent has no ${fieldName(term.over)}`
        : `${text}: no instance of it stands on this ${placeName(term.over)}`,
    take,
    isPerHost: false,
  };
}

function antiAffinityRule(term: AffinityTerm, context: RuleContext): Rule {
  const { column, values, take } = valuesOf(term, context, false);
  const text = `anti-affinity to ${termTarget(term)} over ${term.over}`;
  return {
    check: "conflicts",
    text,
    cures: CURES,
    refuses: (agent) => values.has(column.ids[agent] as number),
    reason: () => `${text}: one stands on this ${placeName(term.over)}`,
    take,
    isPerHost: HOSTS.has(term.over),
  };
}

export function affinityRules(context: RuleContext): Rule[] {
  const { affinity, machineOf } = context.ask.placement;
  const terms = affinity.filter(({ weight }) => weight === null);
  const follow = machineOf === null ? [] : [{ app: machineOf, selector: null, over: "@agent", weight: null }];
  return [
    ...follow.map((term) => affinityRule(term, context, `MachineOf ${term.app}`)),
    ...terms.map((term) => affinityRule(term, context, `affinity to ${termTarget(term)} over ${term.over}`)),
  ];
}

export const antiAffinityRules = (context: RuleContext): Rule[] =>
  context.ask.placement.antiAffinity
    .filter(({ weight }) => weight === null)
    .map((term) => antiAffinityRule(term, context));

export function softAffinities(context: RuleContext): Preference[] {
  const { affinity, antiAffinity } = context.ask.placement;
  const preference = (term: AffinityTerm, isWanted: boolean): Preference => {
    const { column, values, take } = valuesOf(term, context, isWanted);
    return {
      text: `${isWanted ? "affinity" : "anti-affinity"} to ${termTarget(term)} over ${term.over}`,
      weight: term.weight ?? 0,
      isLost: (agent) => values.has(column.ids[agent] as number) !== isWanted,
      take: take === null ? null : (agent) => take(agent) && isWanted,
    };
  };
  return [
    ...affinity.filter(({ weight }) => weight !== null).map((term) => preference(term, true)),
    ...antiAffinity.filter(({ weight }) => weight !== null).map((term) => preference(term, false)),
  ];
}
