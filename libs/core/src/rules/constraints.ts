/**
 * Marathon's seven operators. Instances of the version being placed count, those being stopped included: they stand there until
 * they are released. Older versions do not count, so that an upgrade is not blocked by what it replaces (Marathon, constraints).
 */
import { type Constraint, unreachable } from "@muster/contracts";
import { type FieldColumn, MISSING } from "../fleet/column.ts";
import { regex } from "./pattern.ts";
import type { Rule, RuleContext } from "./rule.ts";

const CURES = ["agent.offer", "instance.released", "app.placed"] as const;
const HOSTS = new Set(["hostname", "@hostname"]);

export const constraintText = ({ field, operator, value }: Constraint): string =>
  value === null ? `${field} ${operator}` : `${field} ${operator} ${value}`;

export function constraintRule(constraint: Constraint, context: RuleContext): Rule {
  const { field, operator } = constraint;
  const column = context.fleet.column(field);
  const about = { check: "constraints", text: constraintText(constraint), cures: CURES } as const;
  const missing = `${about.text}: the agent has no ${field}`;
  const judge = judgeOf(constraint, column, context);
  return {
    ...about,
    isPerHost: HOSTS.has(field) && (operator === "UNIQUE" || operator === "MAX_PER" || operator === "GROUP_BY"),
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

function judgeOf(constraint: Constraint, column: FieldColumn, context: RuleContext): Judge {
  const { operator, value, field } = constraint;
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
        ? cluster(column, context)
        : fixed(column, `CLUSTER ${value}`, (text) => text === value, field);
    case "UNIQUE":
      return atMost(column, context, 1, (text) => `an instance already stands on ${field} ${text}`);
    case "MAX_PER":
      return atMost(column, context, Number(value), (text, count) => `${count} stand on ${field} ${text}`);
    case "GROUP_BY":
      return groupBy(column, context, value === null ? Math.max(1, column.known) : Number(value), field);
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
function cluster(column: FieldColumn, { own }: RuleContext): Judge {
  let chosen = own.map((agent) => column.ids[agent] as number).find((id) => id !== MISSING) ?? MISSING;
  return {
    refuses: (id) => chosen !== MISSING && id !== chosen,
    reason: (value) => `the others stand on ${column.values[chosen]}, the agent's is ${value}`,
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
      return here === 0 ? `there are ${used} groups already` : `${field} ${value} has its share of ${here}`;
    },
    take: (id) => {
      if (counts[id] === 0) used += 1;
      if (counts[id] === base) larger += 1;
      counts[id] = (counts[id] as number) + 1;
    },
  };
}

/** Equal as text, or as numbers to three decimals (Marathon's rule for scalars). */
function sameValue(a: string, b: string): boolean {
  if (a === b) return true;
  const [x, y] = [Number(a), Number(b)];
  return (
    a.trim() !== "" && b.trim() !== "" && Number.isFinite(x) && Number.isFinite(y) && x.toFixed(3) === y.toFixed(3)
  );
}
