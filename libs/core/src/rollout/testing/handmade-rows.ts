/** For tests: rows and goals of the app `/a`, and a world in which they advance. */
import type { EndedRow, VerdictDocument } from "@muster/contracts";
import { specOf } from "../../testing/builders.ts";
import type { Goal, Plan } from "../plan.ts";
import type { Row, RowState } from "../rows.ts";

export const NOW = 1_000_000;

export const goal = (instances: number, spec: Record<string, unknown> = {}, more: Partial<Goal> = {}): Goal => ({
  version: 2,
  instances,
  mix: null,
  spec: specOf("/a", { instances, ...spec }),
  isBraked: false,
  eligible: null,
  homes: null,
  isRefused: false,
  groupings: [],
  victims: new Set(),
  resetsDelay: false,
  ...more,
});

export function row(
  attempt: number,
  state: RowState,
  version = 2,
  more: Partial<EndedRow> & { on?: string } = {},
): Row {
  const { on = null, ...ended } = more;
  return {
    wish: { slot: attempt, attempt, version, goal: state === "stopping" ? "stop" : "run", agent: on },
    state,
    isPlaced: !["unplaced", "ended"].includes(state),
    agent: on,
    ended: state === "ended" ? { ...endedRow(attempt, version), ...ended } : null,
    verdict: state === "lost" ? ({ level: "unreachable", sinceMs: NOW - 60_000 } as VerdictDocument) : null,
  };
}

const endedRow = (attempt: number, version: number): EndedRow => ({
  slot: attempt,
  attempt,
  version,
  agent: "n1",
  state: "failed",
  exitCode: 1,
  signal: null,
  reason: "exited",
  message: "",
  atMs: NOW,
});

export const attempts = (rows: readonly Row[]) => rows.map(({ wish }) => wish.attempt);
export const rows = (state: RowState, version: number, ...ids: number[]) => ids.map((id) => row(id, state, version));

/** The rows as the deployer writes them by the plan. */
export function carryOut(now: readonly Row[], plan: Plan): Row[] {
  const stopped = new Set(plan.stop);
  const kept = now
    .filter((each) => !plan.drop.includes(each))
    .map(
      (each): Row => (stopped.has(each) ? { ...each, state: "stopping", wish: { ...each.wish, goal: "stop" } } : each),
    );
  let attempt = Math.max(0, ...now.map(({ wish }) => wish.attempt));
  const next = () => {
    attempt += 1;
    return attempt;
  };
  for (let i = 0; i < plan.add; i += 1) kept.push(row(next(), "unplaced"));
  for (const on of plan.addOn) kept.push(row(next(), "unplaced", 2, { on }));
  return kept;
}

/** A row one state further, when nothing fails. */
export function advanced(each: Row): Row {
  switch (each.state) {
    case "unplaced":
      return { ...each, state: "starting", isPlaced: true };
    case "starting":
      return { ...each, state: "up" };
    case "stopping":
      if (!each.isPlaced) return each;
      return {
        ...each,
        state: "ended",
        isPlaced: false,
        ended: { ...endedRow(each.wish.attempt, each.wish.version), state: "killed" },
      };
    default:
      return each;
  }
}
