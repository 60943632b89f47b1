/** Swarm's expressions, hard ones as rules and soft ones as preferences. An agent without the field fails `==` and passes `!=`. */
import { type Expression, renderExpression } from "@muster/contracts";
import { MISSING } from "../fleet/column.ts";
import { fieldName } from "../fleet/fields.ts";
import { patternTest } from "./pattern.ts";
import type { Preference, Rule, RuleContext } from "./rule.ts";

/** What each soft expression is worth. */
const SOFT_WEIGHT = 50;

/** Swarm calls the host `node`. */
const fieldOf = ({ field }: Expression): string => (field === "node" ? "@hostname" : field);

function breaks(expression: Expression, { fleet }: RuleContext): (agent: number) => boolean {
  const column = fleet.column(fieldOf(expression));
  const { operator, pattern } = expression;
  const matches = column.matches(`${pattern.type} ${pattern.text}`, patternTest(pattern));
  return operator === "=="
    ? (agent) => matches[column.ids[agent] as number] !== true
    : (agent) => matches[column.ids[agent] as number] === true;
}

export const expressionRules = (context: RuleContext): Rule[] =>
  context.ask.placement.expressions.filter(({ isSoft }) => !isSoft).map((each) => expressionRule(each, context));

function expressionRule(expression: Expression, context: RuleContext): Rule {
  const text = renderExpression(expression);
  const field = fieldOf(expression);
  const column = context.fleet.column(field);
  return {
    check: "expressions",
    text,
    cures: ["agent.offer"],
    refuses: breaks(expression, context),
    reason: (agent) =>
      column.ids[agent] === MISSING
        ? `${text}: the agent has no ${fieldName(field)}`
        : `${text}: the agent's ${fieldName(field)} is ${column.valueOf(agent)}`,
    take: null,
    isPerHost: false,
  };
}

export const softExpressions = (context: RuleContext): Preference[] =>
  context.ask.placement.expressions
    .filter(({ isSoft }) => isSoft)
    .map((expression) => ({
      text: renderExpression(expression),
      weight: SOFT_WEIGHT,
      isLost: breaks(expression, context),
      take: null,
    }));
