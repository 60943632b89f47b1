/**
 * An app's constraints with the counts they rest on: which values the placed instances of this configuration hold.
 * Semantics follow Marathon's seven operators; old versions do not count, so that an upgrade is not blocked by what it replaces.
 */
import type { Constraint, OfferDocument } from "@muster/contracts";
import { unreachable } from "@muster/contracts";
import { RE2JS } from "re2js";
import type { AgentView } from "../agent-view.ts";
import { fieldValue } from "./fields.ts";

/** One constraint and how many counted instances stand on each value of its field. */
type Tally = { readonly constraint: Constraint; readonly counts: Map<string, number>; readonly pattern: RE2JS | null };

export class ConstraintState {
  readonly #tallies: Tally[];
  readonly #instances: number;

  /**
   * @param instances how many instances the app should have: GROUP_BY shares them out.
   * @param placed offers on which counted instances stand, one entry per instance.
   */
  constructor(
    constraints: readonly Constraint[],
    instances: number,
    placed: readonly OfferDocument[],
    knownValues: (field: string) => number,
  ) {
    this.#instances = instances;
    this.#tallies = constraints.map((constraint) => {
      const counts = new Map<string, number>();
      for (const offer of placed) add(counts, fieldValue(constraint.field, offer));
      const given =
        constraint.operator === "GROUP_BY" && constraint.value === null
          ? { ...constraint, value: String(Math.max(1, knownValues(constraint.field))) }
          : constraint;
      return { constraint: given, counts, pattern: patternOf(constraint) };
    });
  }

  /** Why the agent may not take one more instance, or null when it may. */
  refusal(agent: AgentView): string | null {
    for (const tally of this.#tallies) {
      const reason = refusalOf(tally, fieldValue(tally.constraint.field, agent.offer), this.#instances);
      if (reason !== null) return reason;
    }
    return null;
  }

  /** Counts an instance that was just given to the agent. */
  take(agent: AgentView): void {
    for (const { constraint, counts } of this.#tallies) add(counts, fieldValue(constraint.field, agent.offer));
  }

  /** True when one choice changes what the next may be: then instances are chosen one by one. */
  get isWide(): boolean {
    return this.#tallies.some(({ constraint }) =>
      ["UNIQUE", "CLUSTER", "GROUP_BY", "MAX_PER"].includes(constraint.operator),
    );
  }
}

function add(counts: Map<string, number>, value: string | null): void {
  if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
}

/** RE2 runs in linear time: no pattern may stall a worker. */
function patternOf({ operator, value }: Constraint): RE2JS | null {
  return operator === "LIKE" || operator === "UNLIKE" ? RE2JS.compile(value ?? "") : null;
}

function refusalOf({ constraint, counts, pattern }: Tally, value: string | null, instances: number): string | null {
  const { field, operator, value: asked } = constraint;
  if (value === null) return operator === "UNLIKE" ? null : `${field} ${operator}: the agent has no ${field}`;
  const here = counts.get(value) ?? 0;
  switch (operator) {
    case "UNIQUE":
      return here === 0 ? null : `${field} UNIQUE: an instance already stands on ${field} ${value}`;
    case "CLUSTER": {
      const wanted = asked ?? counts.keys().next().value ?? value;
      return value === wanted ? null : `${field} CLUSTER ${wanted}: the agent's ${field} is ${value}`;
    }
    case "GROUP_BY": {
      const groups = Number(asked);
      if (here === 0)
        return counts.size < groups ? null : `${field} GROUP_BY ${groups}: there are ${counts.size} groups already`;
      const base = Math.floor(instances / groups);
      const larger = [...counts.values()].filter((count) => count > base).length;
      const room = here < base || (here === base && larger < instances % groups);
      return room ? null : `${field} GROUP_BY ${groups}: ${field} ${value} has its share of ${here}`;
    }
    case "MAX_PER":
      return here < Number(asked) ? null : `${field} MAX_PER ${asked}: ${here} stand on ${field} ${value}`;
    case "LIKE":
      return pattern?.matches(value) ? null : `${field} LIKE ${asked}: the agent's ${field} is ${value}`;
    case "UNLIKE":
      return pattern?.matches(value) ? `${field} UNLIKE ${asked}: the agent's ${field} is ${value}` : null;
    case "IS":
      return sameValue(value, asked ?? "") ? null : `${field} IS ${asked}: the agent's ${field} is ${value}`;
    default:
      return unreachable(operator);
  }
}

/** Equal as text, or as numbers to three decimals (Marathon's rule for scalars). */
function sameValue(a: string, b: string): boolean {
  if (a === b) return true;
  const [x, y] = [Number(a), Number(b)];
  return (
    a.trim() !== "" && b.trim() !== "" && Number.isFinite(x) && Number.isFinite(y) && x.toFixed(3) === y.toFixed(3)
  );
}
