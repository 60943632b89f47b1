/** All rules of an ask, in the order in which they are told, and all its preferences. */

import type { Ask } from "../ask.ts";
import { CLASS_CHECKS } from "../feasible/index.ts";
import { MISSING } from "../fleet/column.ts";
import { ABSENT, type Fleet } from "../fleet/fleet.ts";
import { affinityRules, antiAffinityRules, softAffinities } from "./affinity.ts";
import { constraintRule, isAboutAgents } from "./constraints.ts";
import { expressionRules, softExpressions } from "./expressions.ts";
import { machineRules } from "./machine.ts";
import { neighbourRules } from "./neighbours.ts";
import type { Preference, Rule, RuleContext } from "./rule.ts";

export function rulesOf(context: RuleContext): Rule[] {
  const { ask, fleet } = context;
  const [machine, expressions] = [machineRules(context), expressionRules(context)];
  const fixed = ask.constraints.filter(isAboutAgents).map((constraint) => constraintRule(constraint, context));
  const counted = ask.constraints.filter((each) => !isAboutAgents(each)).map(({ field }) => fleet.column(field));
  const ofKind = isOfKind(ask, fleet);
  const isCandidate = (agent: number): boolean =>
    ofKind(agent) &&
    counted.every((column) => column.ids[agent] !== MISSING) &&
    [...machine, ...fixed, ...expressions].every((rule) => !rule.refuses(agent));
  return [
    ...machine,
    ...ask.constraints.map((constraint) => constraintRule(constraint, context, isCandidate)),
    ...expressions,
    ...affinityRules(context),
    ...antiAffinityRules(context),
    ...neighbourRules(context),
  ];
}

/** Of a role and with a runtime that the app asks for, and not removed. A closed gate may open again. */
function isOfKind(ask: Ask, fleet: Fleet): (agent: number) => boolean {
  const known = new Map<number, boolean>([[ABSENT, false]]);
  return (agent) => {
    const itsClass = fleet.classes[agent] as number;
    let answer = known.get(itsClass);
    if (answer === undefined) {
      answer =
        fleet.ledgers[agent]?.gate.reason !== "removed" &&
        CLASS_CHECKS.every((check) => check.name === "gate" || check.short(ask, fleet, agent) === 0);
      known.set(itsClass, answer);
    }
    return answer;
  };
}

export const preferencesOf = (context: RuleContext): Preference[] => [
  ...softExpressions(context),
  ...softAffinities(context),
];
