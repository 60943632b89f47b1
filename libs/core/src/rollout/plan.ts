/**
 * Which rows should be added, stopped and dropped to come one step closer to the goal. Level-triggered: it looks at what
 * stands, not at what was done, so it may be asked again at any time. Capacities follow Marathon's rounding.
 */
import type { AppSpec, Backoff } from "@muster/contracts";
import { afterFailure, heldUntil, stillBackingOff } from "./backoff.ts";
import type { Row } from "./rows.ts";

export type Goal = {
  readonly version: number;
  /** 0 when the app is to be deleted or is suspended. */
  readonly instances: number;
  readonly spec: AppSpec;
  /** A brake: no replacements while too many agents vanished at once. */
  readonly isBraked: boolean;
};

export type Plan = {
  readonly add: number;
  readonly stop: readonly Row[];
  /** Rows that are over: ended, or stopped before they were placed. */
  readonly drop: readonly Row[];
  readonly backoffs: readonly Backoff[];
  /** When to look again though nothing happens, or null. */
  readonly lookAgainAtMs: number | null;
  /** True when the goal is reached: exactly the wanted instances, all up, nothing left over. */
  readonly isReached: boolean;
};

export function planRows(rows: readonly Row[], goal: Goal, backoffs: readonly Backoff[], now: number): Plan {
  const drop = rows.filter((row) => row.state === "ended" || (row.state === "stopping" && !row.isPlaced));
  const failures = drop.filter(
    (row) =>
      row.wish.goal === "run" &&
      row.wish.version === goal.version &&
      row.ended !== null &&
      row.ended.state !== "killed",
  );
  const versions = new Set([goal.version, ...rows.map((row) => row.wish.version)]);
  let delays = stillBackingOff(backoffs, versions, goal.spec, now);
  for (const _failure of failures) delays = afterFailure(delays, goal.version, goal.spec, now);

  const live = rows.filter((row) => !drop.includes(row));
  const running = live.filter((row) => row.state !== "stopping");
  const [fresh, old] = [
    running.filter((row) => row.wish.version === goal.version),
    running.filter((row) => row.wish.version !== goal.version),
  ];
  const lost = fresh.filter((row) => isReplaceable(row, goal, now));
  const effective = fresh.filter((row) => !lost.includes(row));

  const limits = capacities(goal);
  const heldUntilMs = heldUntil(delays, goal.version, now);
  const missing = goal.instances - effective.length;
  // While any instance of an older version stands, one being stopped included, an upgrade keeps to its capacity.
  const isUpgrade = live.some((row) => row.wish.version !== goal.version);
  const room = isUpgrade ? Math.min(missing, limits.most - live.length) : missing;
  const add = heldUntilMs === null ? Math.max(0, room) : 0;

  const proving = old.length === 0 ? [] : fresh.filter((row) => row.state === "up" && provenAt(row, delays) > now);
  const trusted = running.filter((row) => !proving.includes(row));
  const stop = [
    ...surplus(effective, goal),
    ...superseded(lost, effective, goal),
    ...outdated(old, trusted, limits, goal),
  ];
  const isReached =
    goal.instances === effective.length &&
    effective.every((row) => row.state === "up") &&
    live.length === effective.length &&
    drop.length === 0;
  const dues = [
    missing > 0 ? heldUntilMs : null,
    ...fresh.map((row) => replaceableAt(row, goal)),
    ...proving.map((row) => provenAt(row, delays)),
  ].filter((at) => at !== null && at > now) as number[];
  return { add, stop, drop, backoffs: delays, lookAgainAtMs: dues.length === 0 ? null : Math.min(...dues), isReached };
}

/** Marathon's rounding; where both limits are equal and full, one extra instance is allowed, or nothing could ever move. */
function capacities({ instances, spec }: Goal): { least: number; most: number } {
  const { minimumHealthCapacity, maximumOverCapacity } = spec.upgradeStrategy;
  const least = Math.ceil(instances * minimumHealthCapacity);
  const most = Math.floor(instances * (1 + maximumOverCapacity));
  return { least, most: most <= least ? least + 1 : most };
}

function replaceableAt(row: Row, { spec }: Goal): number | null {
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
  effective.filter((row) => row.state === "up").length >= instances ? lost : [];

/** How long a new instance without a passed check must have run before an old one makes way for it. */
const PROVEN_MS = 1_000;
/** The same once its version has failed: a crash loop that starts quickly must not end what still serves. */
const PROVEN_AFTER_FAILURE_MS = 10_000;

/** When a new instance has proven itself: at once by a passed check, else by having run for a while. */
function provenAt({ verdict, wish }: Row, backoffs: readonly Backoff[]): number {
  if (verdict === null || verdict.healthy === true) return 0;
  const hasFailed = backoffs.some(({ version }) => version === wish.version);
  return (verdict.startedAtMs ?? verdict.sinceMs) + (hasFailed ? PROVEN_AFTER_FAILURE_MS : PROVEN_MS);
}

/** Old ones that are not up cost nothing; of the others only as many as leave the least capacity healthy. */
function outdated(
  old: readonly Row[],
  running: readonly Row[],
  { least }: { least: number },
  { instances }: Goal,
): Row[] {
  if (instances === 0) return [...old];
  const useless = old.filter((row) => row.state !== "up");
  const up = running.filter((row) => row.state === "up").length;
  const useful = old.filter((row) => row.state === "up").toSorted((a, b) => a.wish.attempt - b.wish.attempt);
  return [...useless, ...useful.slice(0, Math.max(0, up - least))];
}
