/**
 * Which rows should be added, stopped and dropped to come one step closer to the goal. Level-triggered: it looks at what
 * stands, not at what was done, so it may be asked again at any time.
 */
import type { AppSpec, Backoff } from "@muster/contracts";
import { afterFailure, heldUntil, stillBackingOff } from "./backoff.ts";
import { countedStep, replaceableAt } from "./counted.ts";
import type { Eligible } from "./eligible.ts";
import { globalStep } from "./global.ts";
import type { Row } from "./rows.ts";

export type Goal = {
  readonly version: number;
  /** 0 when the app is to be deleted or is suspended. Means nothing where `eligible` is given. */
  readonly instances: number;
  readonly spec: AppSpec;
  /** A brake: no replacements while too many agents vanished at once. */
  readonly isBraked: boolean;
  /** For an app with one instance on every agent: which agents those are. Null for all others. */
  readonly eligible: Eligible | null;
  /** Where the app stands that this one follows; null: it follows none, or that one has not arrived. */
  readonly homes: ReadonlySet<string> | null;
  /** Placement has looked at the present wish and found no place for what is unplaced. */
  readonly isRefused: boolean;
};

export type Plan = {
  /** Rows for whichever agents. */
  readonly add: number;
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
  /** Up, and not for long enough to let an old one go. */
  readonly proving: ReadonlySet<Row>;
  /** False while a backoff holds the next attempt back. */
  readonly mayAdd: boolean;
};

export type Step = Pick<Plan, "add" | "addOn" | "stop"> & {
  /** More is to be added than may be added now. */
  readonly isShort: boolean;
  /** As the goal's, as far as what is live tells it. */
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

  const heldUntilMs = heldUntil(delays, goal.version, now);
  const dropped = new Set(drop);
  const live = rows.filter((row) => !dropped.has(row));
  const standing = { ...sorted(live, goal, delays, now), mayAdd: heldUntilMs === null };
  const step = goal.eligible === null ? countedStep(standing, goal, now) : globalStep(standing, goal, goal.eligible);
  const dues = [
    step.isShort ? heldUntilMs : null,
    ...(goal.eligible === null ? standing.fresh.map((row) => replaceableAt(row, goal)) : []),
    ...[...standing.proving].map((row) => provenAt(row, delays)),
  ].filter((at) => at !== null && at > now) as number[];
  return {
    add: step.add,
    addOn: step.addOn,
    stop: step.stop,
    drop,
    backoffs: delays,
    lookAgainAtMs: dues.length === 0 ? null : Math.min(...dues),
    isReached: step.isReached && drop.length === 0,
  };
}

function sorted(
  live: readonly Row[],
  { version }: Goal,
  backoffs: readonly Backoff[],
  now: number,
): Omit<Standing, "mayAdd"> {
  const running = live.filter((row) => row.state !== "stopping");
  const fresh = running.filter((row) => row.wish.version === version);
  const old = running.filter((row) => row.wish.version !== version);
  const proving = old.length === 0 ? [] : fresh.filter((row) => row.state === "up" && provenAt(row, backoffs) > now);
  return { live, fresh, old, proving: new Set(proving) };
}

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
