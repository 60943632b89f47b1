/** All rules of an ask, in the order in which they are told, and all its preferences. */
import { affinityRules, antiAffinityRules, softAffinities } from "./affinity.ts";
import { constraintRule } from "./constraints.ts";
import { expressionRules, softExpressions } from "./expressions.ts";
import { machineRules } from "./machine.ts";
import { neighbourRules } from "./neighbours.ts";
import type { Preference, Rule, RuleContext } from "./rule.ts";

export const rulesOf = (context: RuleContext): Rule[] => [
  ...machineRules(context),
  ...context.ask.constraints.map((constraint) => constraintRule(constraint, context)),
  ...expressionRules(context),
  ...affinityRules(context),
  ...antiAffinityRules(context),
  ...neighbourRules(context),
];

export const preferencesOf = (context: RuleContext): Preference[] => [
  ...softExpressions(context),
  ...softAffinities(context),
];
