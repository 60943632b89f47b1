/** One step of an app that asks for a number of instances. Capacities follow Marathon's rounding; a gang is never split. */

import type { Goal, Standing, Step } from "./plan.ts";
import { isUp, type Row } from "./rows.ts";
import { surplus } from "./surplus.ts";

export function countedStep(standing: Standing, goal: Goal, now: number): Step {
  const { live, fresh, keepable, mayAdd, mayAddKept } = standing;
  const strays = fresh.filter((row) => isStray(row, goal));
  const lost = fresh.filter((row) => !strays.includes(row) && isReplaceable(row, goal, now));
  const gone = new Set([...strays, ...lost]);
  const forgotten = lost.filter((row) => (expungeableAt(row, goal) ?? 0) <= now);
  const effective = fresh.filter((row) => !gone.has(row));

  const missing = freshCount(goal) - effective.length;
  const missingKept = keptCount(goal) - keepable.filter((row) => !isReplaceable(row, goal, now)).length;
  // What is being stopped stands until it is over: there are never more than the capacity, whatever the others are replaced for.
  const present = live.filter((row) => !isReplaceable(row, goal, now));
  const add = mayAdd ? Math.max(0, roomBeside(present, missing, goal)) : 0;
  return {
    add,
    addKept: mayAddKept ? Math.max(0, Math.min(missingKept, roomBeside(present, add + missingKept, goal) - add)) : 0,
    addOn: [],
    stop: [
      ...strays,
      ...surplus(effective, freshCount(goal), goal),
      ...superseded(forgotten, effective, goal),
      ...outdatedOf(standing, effective, goal),
    ],
    isShort: missing > 0 || missingKept > 0,
    isReached:
      freshCount(goal) === effective.length &&
      effective.every((row) => row.state === "up") &&
      keptCount(goal) === keepable.length &&
      // An agent that is only silent may still bring its instance back; nobody waits for that.
      live.length === effective.length + keepable.length + lost.length - forgotten.length,
  };
}

/** How many instances of the app's own version there are to be, and of the older one beside them. */
export const freshCount = ({ instances, mix }: Goal): number => mix?.fresh ?? instances;
const keptCount = ({ mix }: Goal): number => mix?.kept ?? 0;

const isGang = ({ spec }: Goal): boolean => spec.placement.gang !== null;

/** Too small an over-capacity for all at once means: none beside the old ones. */
const startsBeside = ({ spec }: Goal): boolean => spec.upgradeStrategy.maximumOverCapacity >= 1;

/** How many may be added beside those that are present. */
function roomBeside(present: readonly Row[], missing: number, goal: Goal): number {
  if (!isGang(goal)) return Math.min(missing, capacities(goal).most - present.length);
  return startsBeside(goal) || present.every((row) => row.wish.version === goal.version) ? missing : 0;
}

/** Marathon's rounding; where both limits are equal and full, one extra instance is allowed, or nothing could ever move. */
function capacities(goal: Goal): { least: number; most: number } {
  const { instances, spec } = goal;
  const { minimumHealthCapacity, maximumOverCapacity } = spec.upgradeStrategy;
  const stage = freshCount(goal) + keptCount(goal);
  const least = Math.min(Math.ceil(instances * minimumHealthCapacity), stage);
  const most = Math.floor(instances * (1 + maximumOverCapacity));
  // Stages that stand side by side have been asked for, whatever that comes to.
  return { least, most: Math.max(most <= least ? least + 1 : most, stage) };
}

/** It stands where the app that it follows no longer does. */
const isStray = ({ agent }: Row, { homes }: Goal): boolean => homes !== null && agent !== null && !homes.has(agent);

/** Its agent is unreachable, whether it was to run on or to stop. */
const isAway = ({ state, verdict }: Row): boolean =>
  state === "lost" || (state === "stopping" && verdict?.level === "unreachable");

export function replaceableAt(row: Row, { spec }: Goal): number | null {
  if (!isAway(row) || spec.unreachableStrategy === null || row.verdict === null) return null;
  return row.verdict.sinceMs + spec.unreachableStrategy.inactiveAfterSeconds * 1_000;
}

/** When a lost instance is not waited for any more, though another one has taken its place. */
export function expungeableAt(row: Row, { spec }: Goal): number | null {
  if (row.state !== "lost" || spec.unreachableStrategy === null || row.verdict === null) return null;
  return row.verdict.sinceMs + spec.unreachableStrategy.expungeAfterSeconds * 1_000;
}

function isReplaceable(row: Row, goal: Goal, now: number): boolean {
  const at = replaceableAt(row, goal);
  return at !== null && now >= at && !goal.isBraked;
}

/** A lost instance's row goes when enough others are up: its agent may still return before. */
const superseded = (lost: readonly Row[], effective: readonly Row[], goal: Goal): readonly Row[] =>
  effective.filter(isUp).length >= freshCount(goal) ? lost : [];

/** Old rows that may go now; those that the mix keeps never do. */
function outdatedOf({ old, keepable, proving }: Standing, effective: readonly Row[], goal: Goal): readonly Row[] {
  const kept = new Set(keepable.toSorted((a, b) => Number(isUp(b)) - Number(isUp(a))).slice(0, keptCount(goal)));
  const over = old.filter((row) => !kept.has(row));
  const serving = [...kept, ...effective.filter((row) => !proving.has(row))].filter(isUp).length;
  return isGang(goal) ? outdatedGang(over, effective, proving, goal) : outdated(over, serving, goal);
}

/** Old ones that are not up cost nothing; of the others only as many as leave the least capacity healthy. `serving`: others that are up. */
function outdated(old: readonly Row[], serving: number, goal: Goal): readonly Row[] {
  if (goal.instances === 0) return old;
  const useless = old.filter((row) => !isUp(row));
  const useful = old.filter(isUp).toSorted((a, b) => a.wish.attempt - b.wish.attempt);
  return [...useless, ...useful.slice(0, Math.max(0, useful.length + serving - capacities(goal).least))];
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
