/**
 * One step of an app with one instance on every eligible agent. Whoever joins gets one; whoever is not eligible any more loses
 * his; a silent agent's is not replaced elsewhere.
 *
 * An upgrade goes agent by agent. With an over-capacity the new instance starts beside the old one, on that share of the agents at
 * a time, and the old one goes when the new one is up. Without one, or where placement finds no room for both (a fixed host port,
 * memory), the old one goes first: then at most the share that `minimumHealthCapacity` leaves is without an instance, and at least
 * one agent. An agent whose gate is closed keeps what it has until it opens.
 */
import { APP_INSTANCES_MAX } from "@muster/contracts";
import type { Eligible, GateReason } from "./eligible.ts";
import type { Goal, Standing, Step } from "./plan.ts";
import { isUp, type Row } from "./rows.ts";

/** What stands on one agent. */
type Seat = {
  /** Of the wanted version; more than one only where something went wrong. */
  readonly fresh: Row[];
  readonly old: Row[];
  readonly stopping: Row[];
};

/** An agent in one of these states may stay in it for days: no deployment waits for it. */
const AWAY: ReadonlySet<GateReason> = new Set<GateReason>(["unreachable", "cordon", "drain", "removed"]);

export function globalStep(
  { live, fresh, old, proving, mayAdd }: Standing,
  goal: Goal,
  { agents, refused }: Eligible,
): Step {
  const seats = seatsOf(live, new Set(fresh), new Set(old));
  const isTrusted = (row: Row | undefined): boolean => row !== undefined && isUp(row) && !proving.has(row);
  const turns = new Turns(goal);
  const stop: Row[] = [];
  const vacant: string[] = [];
  let isReached = true;

  for (const [agent, seat] of seats) {
    if (agent !== null && agents.has(agent)) continue;
    const gate = agent === null ? null : (refused.get(agent) ?? null);
    // Of an agent that nothing is known of only what was never placed there may go.
    const isLeaving = agent === null || gate !== null;
    stop.push(...[...seat.fresh, ...seat.old].filter((row) => isLeaving || !row.isPlaced));
    if (agent === null || (gate !== null && !AWAY.has(gate))) isReached = false;
  }
  for (const [agent, gate] of agents) {
    const seat = seats.get(agent) ?? NOTHING;
    const isOpen = gate === "open";
    const [first, ...spare] = seat.fresh.toSorted(bestFirst);
    const serving = seat.old.filter(isUp);
    stop.push(...spare, ...seat.old.filter((row) => !isUp(row) && (isOpen || !row.isPlaced)));
    if (goal.mix === null && isTrusted(first)) stop.push(...serving);
    else if (goal.mix === null && isOpen) turns.note(agent, first, serving);
    if (isOpen && (isTrusted(first) || serving.length > 0)) turns.served += 1;
    if (isOpen) turns.open += 1;
    if (isOpen && first !== undefined && seat.old.length + seat.stopping.length > 0) turns.doubled += 1;
    if (first === undefined && seat.old.length + seat.stopping.length === 0) vacant.push(agent);
    const isAlone = seat.old.length + seat.stopping.length + spare.length === 0;
    if (!AWAY.has(gate) && !(isAlone && first !== undefined && isUp(first))) isReached = false;
  }
  if (mayAdd) stop.push(...turns.goFirst());
  const joining = [...vacant.slice(0, Math.max(0, APP_INSTANCES_MAX - seats.size)), ...turns.startBeside()];
  return {
    add: 0,
    addKept: 0,
    addOn: mayAdd ? joining : [],
    stop,
    isShort: joining.length > 0 || turns.hasWaiting,
    isReached: isReached && joining.length === 0 && stop.length === 0,
  };
}

const NOTHING: Seat = { fresh: [], old: [], stopping: [] };

function seatsOf(
  live: readonly Row[],
  fresh: ReadonlySet<Row>,
  old: ReadonlySet<Row>,
): ReadonlyMap<string | null, Seat> {
  const seats = new Map<string | null, Seat>();
  for (const row of live) {
    let seat = seats.get(row.agent);
    if (seat === undefined) {
      seat = { fresh: [], old: [], stopping: [] };
      seats.set(row.agent, seat);
    }
    (fresh.has(row) ? seat.fresh : old.has(row) ? seat.old : seat.stopping).push(row);
  }
  return seats;
}

const bestFirst = (a: Row, b: Row): number =>
  Number(isUp(b)) - Number(isUp(a)) || Number(b.isPlaced) - Number(a.isPlaced) || a.wish.attempt - b.wish.attempt;

/** Whose turn it is in an upgrade. */
class Turns {
  /** Agents that take new instances; those of them on which one is up; those on which a new one stands beside another one. */
  open = 0;
  served = 0;
  doubled = 0;
  readonly #goal: Goal;
  /** Old instances that would have to go first, by agent. */
  readonly #first: Row[][] = [];
  /** Agents on which a new one may start beside the old one. */
  readonly #beside: string[] = [];

  constructor(goal: Goal) {
    this.#goal = goal;
  }

  /** `serving`: old instances that are up on an open agent whose new one, if there is one yet, is not. */
  note(agent: string, fresh: Row | undefined, serving: Row[]): void {
    if (serving.length === 0) return;
    const isBeside = this.#goal.spec.upgradeStrategy.maximumOverCapacity > 0;
    const hasNoRoom = fresh?.state === "unplaced" && this.#goal.isRefused;
    if (fresh === undefined && isBeside) this.#beside.push(agent);
    if (hasNoRoom || (fresh === undefined && !isBeside)) this.#first.push(serving);
  }

  get hasWaiting(): boolean {
    return this.#first.length > 0;
  }

  /** Old ones that go before their successor comes. */
  goFirst(): readonly Row[] {
    const { minimumHealthCapacity } = this.#goal.spec.upgradeStrategy;
    const away = Math.max(1, this.open - Math.ceil(this.open * minimumHealthCapacity));
    const attempt = (rows: readonly Row[]): number => rows[0]?.wish.attempt ?? 0;
    const inTurn = this.#first.toSorted((a, b) => attempt(a) - attempt(b));
    return inTurn.slice(0, Math.max(0, away - (this.open - this.served))).flat();
  }

  startBeside(): readonly string[] {
    const most = Math.max(1, Math.floor(this.open * this.#goal.spec.upgradeStrategy.maximumOverCapacity));
    return this.#beside.slice(0, Math.max(0, most - this.doubled));
  }
}
