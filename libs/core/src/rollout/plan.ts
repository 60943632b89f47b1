/**
 * Which rows should be added, stopped and dropped to come one step closer to the goal. Level-triggered: it looks at what
 * stands, not at what was done, so it may be asked again at any time.
 */
import type { AppSpec, Backoff, Mix } from "@muster/contracts";
import { afterFailures, heldUntil, stillBackingOff } from "./backoff.ts";
import { countedStep, expungeableAt, replaceableAt } from "./counted.ts";
import type { Eligible } from "./eligible.ts";
import { globalStep } from "./global.ts";
import type { Row } from "./rows.ts";
import type { GroupOf } from "./surplus.ts";

export type Goal = {
  readonly version: number;
  /** 0 when the app is to be deleted or is suspended. Means nothing where `eligible` is given. */
  readonly instances: number;
  /** Null: all of them are of `version`, and what is older goes. Means nothing but a standstill where `eligible` is given. */
  readonly mix: Mix | null;
  readonly spec: AppSpec;
  /** A brake: no replacements while too many agents vanished at once. */
  readonly isBraked: boolean;
  /** For an app with one instance on every agent: which agents those are. Null for all others. */
  readonly eligible: Eligible | null;
  /** Where the app stands that this one follows; null: it follows none, or that one has not arrived. */
  readonly homes: ReadonlySet<string> | null;
  /** What the instances are to be shared out over, the weightiest first: where there are too many, the largest group gives. */
  readonly groupings: readonly GroupOf[];
  /** Attempts of instances that a person wants ended. */
  readonly victims: ReadonlySet<number>;
  /** Nothing is held back for failures that were before. */
  readonly resetsDelay: boolean;
  /** Placement has looked at the present wish and found no place for what is unplaced. */
  readonly isRefused: boolean;
};

export type Plan = {
  /** Rows for whichever agents. */
  readonly add: number;
  /** Rows of the mix's older version, for whichever agents. */
  readonly addKept: number;
  /** Agents that get a row of their own. */
  readonly addOn: readonly string[];
  readonly stop: readonly Row[];
  /** Rows that are over: ended, or stopped before they were placed. */
  readonly drop: readonly Row[];
  readonly backoffs: readonly Backoff[];
  /** When to look again though nothing happens, or null. */
  readonly lookAgainAtMs: number | null;
  /** True when the goal is reached: exactly the wanted instances, all up, nothing left over. */
  readonly isReached: boolean;
};

/** What stands, sorted by what a step has to know of it. */
export type Standing = {
  /** All that is not over yet. */
  readonly live: readonly Row[];
  /** Of the wanted version, and of others; none that is being stopped. */
  readonly fresh: readonly Row[];
  readonly old: readonly Row[];
  /** Of `old`, those of the mix's older version. */
  readonly keepable: readonly Row[];
  /** Up, and not for long enough to let an old one go. */
  readonly proving: ReadonlySet<Row>;
  /** False while a backoff holds the next attempt back; the second of the mix's older version. */
  readonly mayAdd: boolean;
  readonly mayAddKept: boolean;
};

export type Step = Pick<Plan, "add" | "addKept" | "addOn" | "stop"> & {
  /** More is to be added than may be added now. */
  readonly isShort: boolean;
  /** As the goal's, as far as what is live tells it. */
  readonly isReached: boolean;
};

export function planRows(rows: readonly Row[], goal: Goal, backoffs: readonly Backoff[], now: number): Plan {
  const drop = rows.filter((row) => row.state === "ended" || (row.state === "stopping" && !row.isPlaced));
  const wished = new Set([goal.version, ...(goal.mix === null ? [] : [goal.mix.version])]);
  // They fail when they are told to stop; that they end as told is no second failure.
  const overdue = rows.filter((row) => row.state === "overdue" && !goal.victims.has(row.wish.attempt));
  const failed = [...drop.filter(hasFailed), ...overdue].map(versionOf);
  const versions = new Set([...wished, ...rows.map(versionOf)]);
  let delays = goal.resetsDelay ? [] : stillBackingOff(backoffs, versions, goal.spec, now);
  for (const version of wished) {
    const count = failed.filter((each) => each === version).length;
    if (count > 0) delays = afterFailures(delays, { version, count }, goal.spec, now);
  }

  const heldUntilMs = heldUntil(delays, goal.version, now);
  const keptUntilMs = goal.mix === null ? null : heldUntil(delays, goal.mix.version, now);
  const dropped = new Set(drop);
  const live = rows.filter((row) => !dropped.has(row));
  const may = { mayAdd: heldUntilMs === null, mayAddKept: keptUntilMs === null };
  const standing = { ...sorted(live, goal, delays, now), ...may };
  const step = goal.eligible === null ? countedStep(standing, goal, now) : globalStep(standing, goal, goal.eligible);
  const dues = [
    step.isShort ? heldUntilMs : null,
    step.isShort ? keptUntilMs : null,
    ...(goal.eligible === null ? live.flatMap((row) => [replaceableAt(row, goal), expungeableAt(row, goal)]) : []),
    ...[...standing.proving].map((row) => provenAt(row, delays)),
  ].filter((at) => at !== null && at > now) as number[];
  return {
    add: step.add,
    addKept: step.addKept,
    addOn: step.addOn,
    stop: [
      ...live.filter((row) => row.wish.goal === "run" && goal.victims.has(row.wish.attempt)),
      ...overdue,
      ...step.stop,
    ],
    drop,
    backoffs: delays,
    lookAgainAtMs: dues.length === 0 ? null : Math.min(...dues),
    isReached: step.isReached && drop.length === 0,
  };
}

const versionOf = ({ wish }: Row): number => wish.version;
const hasFailed = ({ wish, ended }: Row): boolean => wish.goal === "run" && ended !== null && ended.state !== "killed";

function sorted(
  live: readonly Row[],
  { version, mix, victims }: Goal,
  backoffs: readonly Backoff[],
  now: number,
): Omit<Standing, "mayAdd" | "mayAddKept"> {
  const running = live.filter(
    (row) => row.state !== "stopping" && row.state !== "overdue" && !victims.has(row.wish.attempt),
  );
  const fresh = running.filter((row) => row.wish.version === version);
  const old = running.filter((row) => row.wish.version !== version);
  const proving = old.length === 0 ? [] : fresh.filter((row) => row.state === "up" && provenAt(row, backoffs) > now);
  const keepable = mix === null ? [] : old.filter((row) => row.wish.version === mix.version);
  return { live, fresh, old, keepable, proving: new Set(proving) };
}

/** How long a new instance without a passed check must have run before an old one makes way for it. */
const PROVEN_MS = 1_000;
/** The same once its version has failed: a crash loop that starts quickly must not end what still serves. */
const PROVEN_AFTER_FAILURE_MS = 10_000;

/** When a new instance has proven itself: at once by a passed check, else by having run for a while. */
export function provenAt({ verdict, wish }: Row, backoffs: readonly Backoff[]): number {
  if (verdict === null || verdict.healthy === true || verdict.ready === true) return 0;
  const hasFailed = backoffs.some(({ version }) => version === wish.version);
  return (verdict.startedAtMs ?? verdict.sinceMs) + (hasFailed ? PROVEN_AFTER_FAILURE_MS : PROVEN_MS);
}
