/** Chooses agents for all members of a gang at once. */
import type { Constraint } from "@muster/contracts";
import type { Ask } from "../ask.ts";
import { subtractCustom } from "../custom.ts";
import { isMeant } from "../rules/affinity.ts";
import type { Rule } from "../rules/rule.ts";
import { type Choice, choose, type Group } from "./choose.ts";
import { type Explanation, explain } from "./explain.ts";

/** Each is as dear as a placement of the gang. */
const TRIES_MAX = 32;

export type Gathered = {
  /** All members where `missed` is null, and then they are taken; else the most that fit at once, and nothing is taken. */
  readonly choices: readonly Choice[];
  /** What stood in the way, with those that fit counted as placed. */
  readonly missed: Explanation | null;
};

/**
 * Where the first member binds the others to its rack, one rack after the other is tried: the best agent may stand in one that is
 * too small for all of them. `make` compiles the group anew, since rules and ranking count what they are asked to take.
 */
export function gather(first: Group, make: () => Group, members: number): Gathered {
  let [group, choices] = [first, choose(first, members)];
  if (choices.length === members) return { choices, missed: null };
  const missed = explain(group.ask, group.fleet, group.rules, null, members - choices.length);
  undo(group, choices);
  let best = choices;
  const [field] = bindingFields(group.ask);
  const tried = new Set<number>();
  while (field !== undefined && choices.length > 0 && tried.size < TRIES_MAX) {
    const column = group.fleet.column(field);
    tried.add(column.ids[(choices[0] as Choice).agent] as number);
    group = without(make(), (agent) => tried.has(column.ids[agent] as number));
    choices = choose(group, members);
    if (choices.length === members) return { choices, missed: null };
    undo(group, choices);
    if (choices.length > best.length) best = choices;
  }
  return { choices: best, missed };
}

/** Fields whose value the first member chooses for all. */
const bindingFields = ({ constraints, placement, ...ask }: Ask): string[] => [
  ...constraints.filter(isBinding).map(({ field }) => field),
  ...placement.affinity.filter((term) => term.weight === null && isMeant(term, ask)).map(({ over }) => over),
];

const isBinding = ({ operator, value }: Constraint): boolean =>
  (operator === "CLUSTER" && value === null) || (operator === "GROUP_BY" && value === "1");

const without = (group: Group, refuses: (agent: number) => boolean): Group => {
  const tried: Rule = {
    check: "gang",
    text: "tried before",
    cures: [],
    refuses,
    reason: () => "tried before",
    take: null,
    isPerHost: false,
  };
  return { ...group, rules: [...group.rules, tried] };
};

function undo({ ask, fleet }: Group, choices: readonly Choice[]): void {
  for (const { agent, ports, items } of choices) {
    const taken = fleet.takenCustom(agent);
    const custom = ask.custom === null ? taken : subtractCustom(taken, { scalars: ask.custom.scalars, items });
    fleet.giveBack(agent, ask.resources, ports, custom);
  }
}
