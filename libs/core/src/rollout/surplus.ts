/**
 * Which instances go when there are too many. The next one always comes from the group that has most of them, where the app is shared
 * out over groups; then those that are not up go first, then by age as the app says (Marathon's order on scaling down).
 */
import { type AppSpec, agentToken, type StateView } from "@muster/contracts";
import { fieldValue } from "../fleet/fields.ts";
import type { Goal } from "./plan.ts";
import type { Row } from "./rows.ts";

/** The group that an agent is in; null where it has no such field, or is not known. */
export type GroupOf = (agent: string) => string | null;

/** What the app is to be shared out over: its `GROUP_BY` constraints in their order, then `spreadOver` by weight. */
export function groupingsOf(state: StateView, { constraints, placement }: AppSpec): readonly GroupOf[] {
  const fields = [
    ...constraints.flatMap(({ field, operator }) => (operator === "GROUP_BY" ? [field] : [])),
    ...placement.spreadOver.toSorted((a, b) => b.weight - a.weight).map(({ field }) => field),
  ];
  return [...new Set(fields)].map((field) => (agent) => {
    const offer = state.kind("offer").get(agentToken(agent))?.value;
    return offer === undefined ? null : fieldValue(field, offer);
  });
}

/** The rows that are more than `count`, in the order in which they go. */
export function surplus(rows: readonly Row[], count: number, { spec, groupings }: Goal): readonly Row[] {
  const excess = rows.length - count;
  if (excess <= 0) return [];
  const youngestFirst = spec.killSelection === "YOUNGEST_FIRST" ? -1 : 1;
  const byState = rows.toSorted(
    (a, b) => RANK[a.state] - RANK[b.state] || youngestFirst * (a.wish.attempt - b.wish.attempt),
  );
  if (groupings.length === 0) return byState.slice(0, excess);
  // What stands nowhere is in no group, and nobody misses it.
  const [nowhere, somewhere] = [
    byState.filter(({ isPlaced }) => !isPlaced),
    byState.filter(({ isPlaced }) => isPlaced),
  ];
  // The first grouping has the last word.
  const inTurn = groupings.reduceRight(fromLargest, somewhere);
  return [...nowhere, ...inTurn].slice(0, excess);
}

const RANK = { lost: 0, unplaced: 1, overdue: 2, starting: 2, down: 3, up: 4, stopping: 5, ended: 5 } as const;

/** Each row by how many its group has left when its turn comes; those of equal groups keep their order. */
function fromLargest(rows: readonly Row[], groupOf: GroupOf): Row[] {
  const known = new Map<string | null, string | null>();
  const left = new Map<string | null, number>();
  const grouped = rows.map((row) => {
    if (!known.has(row.agent)) known.set(row.agent, row.agent === null ? null : groupOf(row.agent));
    const group = known.get(row.agent) ?? null;
    left.set(group, (left.get(group) ?? 0) + 1);
    return { row, group };
  });
  const inTurn = grouped.map(({ row, group }) => {
    const size = left.get(group) as number;
    left.set(group, size - 1);
    return { row, size };
  });
  return inTurn.toSorted((a, b) => b.size - a.size).map(({ row }) => row);
}
