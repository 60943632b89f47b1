/** One step of an app that asks for a number of instances. Capacities follow Marathon's rounding; a gang is never split. */

import type { Goal, Standing, Step } from "./plan.ts";
import { isUp, type Row } from "./rows.ts";

export function countedStep({ live, fresh, old, proving, mayAdd }: Standing, goal: Goal, now: number): Step {
  const strays = fresh.filter((row) => isStray(row, goal));
  const lost = fresh.filter((row) => !strays.includes(row) && isReplaceable(row, goal, now));
  const gone = new Set([...strays, ...lost]);
  const effective = fresh.filter((row) => !gone.has(row));

  const missing = goal.instances - effective.length;
  // While any instance of an older version stands, one being stopped included, an upgrade keeps to its capacity.
  const isUpgrade = live.some((row) => row.wish.version !== goal.version);
  const room = isUpgrade ? roomBeside(live, missing, goal) : missing;
  return {
    add: mayAdd ? Math.max(0, room) : 0,
    addOn: [],
    stop: [
      ...strays,
      ...surplus(effective, goal),
      ...superseded(lost, effective, goal),
      ...(isGang(goal) ? outdatedGang(old, effective, proving, goal) : outdated(old, effective, proving, goal)),
    ],
    isShort: missing > 0,
    isReached:
      goal.instances === effective.length &&
      effective.every((row) => row.state === "up") &&
      live.length === effective.length,
  };
}

const isGang = ({ spec }: Goal): boolean => spec.placement.gang !== null;

/** Too small an over-capacity for all at once means: none beside the old ones. */
const startsBeside = ({ spec }: Goal): boolean => spec.upgradeStrategy.maximumOverCapacity >= 1;

/** How many may be added while old ones stand. */
function roomBeside(live: readonly Row[], missing: number, goal: Goal): number {
  if (isGang(goal)) return startsBeside(goal) ? missing : 0;
  return Math.min(missing, capacities(goal).most - live.length);
}

/** Marathon's rounding; where both limits are equal and full, one extra instance is allowed, or nothing could ever move. */
function capacities({ instances, spec }: Goal): { least: number; most: number } {
  const { minimumHealthCapacity, maximumOverCapacity } = spec.upgradeStrategy;
  const least = Math.ceil(instances * minimumHealthCapacity);
  const most = Math.floor(instances * (1 + maximumOverCapacity));
  return { least, most: most <= least ? least + 1 : most };
}

/** It stands where the app that it follows no longer does. */
const isStray = ({ agent }: Row, { homes }: Goal): boolean => homes !== null && agent !== null && !homes.has(agent);

export function replaceableAt(row: Row, { spec }: Goal): number | null {
  if (row.state !== "lost" || spec.unreachableStrategy === null || row.verdict === null) return null;
  return row.verdict.sinceMs + spec.unreachableStrategy.inactiveAfterSeconds * 1_000;
}

function isReplaceable(row: Row, goal: Goal, now: number): boolean {
  const at = replaceableAt(row, goal);
  return at !== null && now >= at && !goal.isBraked;
}

/** Too many of the current version: those that are not up go first, then by age as the app says. */
function surplus(rows: readonly Row[], { instances, spec }: Goal): Row[] {
  const rank = { lost: 0, unplaced: 1, starting: 2, down: 3, up: 4, stopping: 5, ended: 5 } as const;
  const youngestFirst = spec.killSelection === "YOUNGEST_FIRST" ? -1 : 1;
  return rows
    .toSorted((a, b) => rank[a.state] - rank[b.state] || youngestFirst * (a.wish.attempt - b.wish.attempt))
    .slice(0, Math.max(0, rows.length - instances));
}

/** A lost instance's row goes when enough others are up: its agent may still return before. */
const superseded = (lost: readonly Row[], effective: readonly Row[], { instances }: Goal): readonly Row[] =>
  effective.filter(isUp).length >= instances ? lost : [];

/** Old ones that are not up cost nothing; of the others only as many as leave the least capacity healthy. */
function outdated(old: readonly Row[], effective: readonly Row[], proving: ReadonlySet<Row>, goal: Goal): Row[] {
  if (goal.instances === 0) return [...old];
  const useless = old.filter((row) => !isUp(row));
  const useful = old.filter(isUp).toSorted((a, b) => a.wish.attempt - b.wish.attempt);
  const up = useful.length + effective.filter((row) => isUp(row) && !proving.has(row)).length;
  return [...useless, ...useful.slice(0, Math.max(0, up - capacities(goal).least))];
}

/** Members of a gang are of use together only: all old ones go before the first new one comes, or when the last one is up. */
function outdatedGang(
  old: readonly Row[],
  effective: readonly Row[],
  proving: ReadonlySet<Row>,
  goal: Goal,
): readonly Row[] {
  const isWhole = effective.length >= goal.instances && effective.every((row) => isUp(row) && !proving.has(row));
  const isOver = goal.instances === 0 || isWhole || !startsBeside(goal);
  return isOver ? old : old.filter((row) => !isUp(row));
}
