/**
 * Marathon's seven operators. Instances of the version being placed count, those being stopped included: they stand there until
 * they are released. Older versions do not count, so that an upgrade is not blocked by what it replaces (Marathon, constraints).
 */
import { type Constraint, unreachable } from "@muster/contracts";
import { type FieldColumn, MISSING } from "../fleet/column.ts";
import { fieldName } from "../fleet/fields.ts";
import { regex } from "./pattern.ts";
import type { Rule, RuleContext } from "./rule.ts";

const CURES = ["agent.offer", "instance.released"] as const;
const CURES_OF_AGENTS = ["agent.offer"] as const;
const HOSTS = new Set(["hostname", "@hostname"]);

export const constraintText = ({ field, operator, value }: Constraint): string =>
  value === null ? `${field} ${operator}` : `${field} ${operator} ${value}`;

/** About one agent alone; the others compare instances. */
export const isAboutAgents = ({ operator, value }: Constraint): boolean =>
  operator === "LIKE" || operator === "UNLIKE" || operator === "IS" || (operator === "CLUSTER" && value !== null);

/** `isCandidate`: agents that the app is for, whatever they have free. A GROUP_BY without a number has as many groups as they have values. */
export function constraintRule(
  constraint: Constraint,
  context: RuleContext,
  isCandidate: (agent: number) => boolean = () => true,
): Rule {
  const { field, operator, value } = constraint;
  const column = context.fleet.column(field);
  const about = { check: "constraints", text: constraintText(constraint) } as const;
  const missing = `${about.text}: the agent has no ${fieldName(field)}`;
  const judge = judgeOf(constraint, column, context, isCandidate);
  return {
    ...about,
    cures: isAboutAgents(constraint) ? CURES_OF_AGENTS : CURES,
    isPerHost:
      HOSTS.has(field) &&
      (operator === "UNIQUE" || operator === "MAX_PER" || (operator === "GROUP_BY" && value === null)),
    refuses: (agent) => {
      const id = column.ids[agent] as number;
      return id === MISSING ? operator !== "UNLIKE" : judge.refuses(id);
    },
    reason: (agent) => {
      const id = column.ids[agent] as number;
      return id === MISSING ? missing : `${about.text}: ${judge.reason(column.values[id] as string, id)}`;
    },
    take:
      judge.take === null
        ? null
        : (agent) => {
            const id = column.ids[agent] as number;
            if (id !== MISSING) judge.take?.(id);
          },
  };
}

/** The same rule over values of the field. */
type Judge = {
  refuses(id: number): boolean;
  reason(value: string, id: number): string;
  readonly take: ((id: number) => void) | null;
};

function judgeOf(
  constraint: Constraint,
  column: FieldColumn,
  context: RuleContext,
  isCandidate: (agent: number) => boolean,
): Judge {
  const { operator, value } = constraint;
  const field = fieldName(constraint.field);
  switch (operator) {
    case "LIKE":
      return fixed(column, `LIKE ${value}`, regex(value ?? ""), field);
    case "UNLIKE": {
      const matches = regex(value ?? "");
      return fixed(column, `UNLIKE ${value}`, (text) => !matches(text), field);
    }
    case "IS":
      return fixed(column, `IS ${value}`, (text) => sameValue(text, value ?? ""), field);
    case "CLUSTER":
      return value === null
        ? cluster(column, context, field)
        : fixed(column, `CLUSTER ${value}`, (text) => text === value, field);
    case "UNIQUE":
      return atMost(column, context, 1, (text) => `an instance already stands on ${field} ${text}`);
    case "MAX_PER":
      return atMost(
        column,
        context,
        Number(value),
        (text, count) => `${count} ${count === 1 ? "stands" : "stand"} on ${field} ${text}`,
      );
    case "GROUP_BY":
      return groupBy(column, context, value === null ? groupsOf(column, context, isCandidate) : Number(value), field);
    default:
      return unreachable(operator);
  }
}

function fixed(column: FieldColumn, name: string, test: (value: string) => boolean, field: string): Judge {
  const passes = column.matches(name, test);
  return {
    refuses: (id) => passes[id] !== true,
    reason: (value) => `the agent's ${field} is ${value}`,
    take: null,
  };
}

function countsOf(column: FieldColumn, own: readonly number[]): Int32Array {
  const counts = new Int32Array(column.values.length);
  for (const agent of own) {
    const id = column.ids[agent] as number;
    if (id !== MISSING) counts[id] = (counts[id] as number) + 1;
  }
  return counts;
}

const add = (counts: Int32Array) => (id: number) => {
  counts[id] = (counts[id] as number) + 1;
};

/** Without a value the first instance chooses for all; which one was first is told by the order of the rows. */
function cluster(column: FieldColumn, { own }: RuleContext, field: string): Judge {
  let chosen = own.map((agent) => column.ids[agent] as number).find((id) => id !== MISSING) ?? MISSING;
  return {
    refuses: (id) => chosen !== MISSING && id !== chosen,
    reason: (value) => `the others stand on ${column.values[chosen]}, the agent's ${field} is ${value}`,
    take: (id) => {
      if (chosen === MISSING) chosen = id;
    },
  };
}

function atMost(
  column: FieldColumn,
  { own }: RuleContext,
  most: number,
  reason: (value: string, count: number) => string,
): Judge {
  const counts = countsOf(column, own);
  return {
    refuses: (id) => (counts[id] as number) >= most,
    reason: (value, id) => reason(value, counts[id] as number),
    take: add(counts),
  };
}

/** How many values the app's agents have; one at least. */
function groupsOf(column: FieldColumn, { fleet }: RuleContext, isCandidate: (agent: number) => boolean): number {
  const values = new Set<number>();
  for (let agent = 0; agent < fleet.size; agent += 1) {
    const id = column.ids[agent] as number;
    if (id !== MISSING && !values.has(id) && isCandidate(agent)) values.add(id);
  }
  return Math.max(1, values.size);
}

/** Each of at most `groups` values gets its share of the instances, the remainder one each (Marathon 1.10 and later). */
function groupBy(column: FieldColumn, { own, instances }: RuleContext, groups: number, field: string): Judge {
  const counts = countsOf(column, own);
  const base = Math.floor(instances / groups);
  const remainder = instances % groups;
  let used = 0;
  let larger = 0;
  for (const count of counts) {
    if (count > 0) used += 1;
    if (count > base) larger += 1;
  }
  return {
    refuses: (id) => {
      const here = counts[id] as number;
      if (here === 0) return used >= groups;
      return here > base || (here === base && larger >= remainder);
    },
    reason: (value, id) => {
      const here = counts[id] as number;
      if (here > 0) return `${field} ${value} has its share of ${here}`;
      const names = column.values.filter((_, each) => (counts[each] as number) > 0).toSorted();
      return `there ${used === 1 ? "is 1 group" : `are ${used} groups`} already: ${names.join(", ")}`;
    },
    take: (id) => {
      if (counts[id] === 0) used += 1;
      if (counts[id] === base) larger += 1;
      counts[id] = (counts[id] as number) + 1;
    },
  };
}

const NUMBER = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)$/;

/** Equal as text, or as numbers to three decimals (Marathon's rule for scalars). */
const sameValue = (a: string, b: string): boolean =>
  a === b || (NUMBER.test(a) && NUMBER.test(b) && toThree(a) === toThree(b));

/** No minus before nothing. */
const toThree = (text: string): string => (Number(Number(text).toFixed(3)) + 0).toFixed(3);
