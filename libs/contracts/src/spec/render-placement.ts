/** How limits, custom resources and `placement` are written; null where all of it is at its default. */
import type { AffinityTerm, CustomAsk, Limits, PlacementSpec } from "./placement.ts";
import { GANG_DEFAULTS, PLACEMENT_DEFAULTS } from "./read/defaults.ts";
import { renderExpression } from "./read/expression.ts";
import { renderSelector } from "./read/selector.ts";

type Json = Record<string, unknown>;

export const renderLimits = ({ cpus, mem }: Limits): Json | null => orNull(withoutNulls({ cpus, mem }));

export function renderCustom({ scalars, sets }: CustomAsk): Json | null {
  const asked = Object.entries(sets).map(([name, set]) => [name, typeof set === "number" ? { any: set } : set]);
  return orNull({ ...scalars, ...Object.fromEntries(asked) });
}

export function renderPlacement(placement: PlacementSpec): Json | null {
  const { strategy, spreadOver, expressions, affinity, antiAffinity, machineId, machineOf, gang, priority } = placement;
  const { machineMetadata, conflicts, isGlobal } = placement;
  return orNull(
    withoutNulls({
      strategy,
      spreadOver: unlessEmpty(spreadOver),
      expressions: unlessEmpty(expressions.map(renderExpression)),
      affinity: unlessEmpty(affinity.map(renderTerm)),
      antiAffinity: unlessEmpty(antiAffinity.map(renderTerm)),
      machineId,
      machineOf,
      machineMetadata: unlessEmpty(machineMetadata.map(({ key, value }) => `${key}=${value}`)),
      conflicts: unlessEmpty(conflicts),
      global: isGlobal ? true : null,
      gang: gang === null ? null : renderGang(gang),
      priority: priority === PLACEMENT_DEFAULTS.priority ? null : priority,
    }),
  );
}

const renderTerm = ({ app, selector, over, weight }: AffinityTerm): Json =>
  withoutNulls({
    app,
    selector: selector === null ? null : renderSelector(selector),
    over: over === PLACEMENT_DEFAULTS.over ? null : over,
    weight,
  });

function renderGang(gang: NonNullable<PlacementSpec["gang"]>): unknown {
  const { patienceSeconds, holdSeconds } = GANG_DEFAULTS;
  return gang.patienceSeconds === patienceSeconds && gang.holdSeconds === holdSeconds ? true : gang;
}

const unlessEmpty = <T>(items: readonly T[]): readonly T[] | null => (items.length === 0 ? null : items);
const orNull = (fields: Json): Json | null => (Object.keys(fields).length === 0 ? null : fields);

export const withoutNulls = (fields: Json): Json =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
