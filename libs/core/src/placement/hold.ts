/**
 * A gang is placed whole or not at all, and may starve while small asks flow past it. After its patience it may hold what it
 * could take, until a deadline; one gang at a time, so two gangs never hold each other up (no hold-and-wait among them).
 */
import type { HoldDocument, WaitingDocument } from "@muster/contracts";
import type { Ask } from "../ask.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Choice } from "./choose.ts";
import type { RoundDraft } from "./draft.ts";

type Gang = NonNullable<Ask["placement"]["gang"]>;

export type Waiter = {
  readonly app: string;
  readonly gang: Gang;
  readonly waitingSinceMs: number;
  /** The hold as it stands in the bucket, run out or not. */
  readonly present: HoldDocument | null;
};

/** From when on this gang may hold capacity: after its patience, after another's hold, and a patience after its own ran out. */
export function holdFromMs({ app, gang, waitingSinceMs, present }: Waiter, now: number): number {
  const patienceMs = gang.patienceSeconds * 1_000;
  const from = waitingSinceMs + patienceMs;
  if (present === null) return from;
  if (present.app !== app) return present.untilMs > now ? Math.max(from, present.untilMs) : from;
  return present.untilMs > now ? from : Math.max(from, present.untilMs + patienceMs);
}

/** What the gang holds from now on: members it could place, never fewer than before while its time lasts. Null: nothing. */
export function nextHold(
  waiter: Waiter,
  { ask, fleet, choices, now }: { ask: Ask; fleet: Fleet; choices: readonly Choice[]; now: number },
): HoldDocument | null {
  const { app, gang, present } = waiter;
  const isMine = present !== null && present.app === app && present.untilMs > now;
  if (!isMine && now < holdFromMs(waiter, now)) return null;
  if (choices.length === 0) return null;
  const members: Record<string, number> = {};
  for (const { agent } of choices) {
    const id = fleet.ids[agent] as string;
    members[id] = (members[id] ?? 0) + 1;
  }
  const sinceMs = isMine ? present.sinceMs : now;
  return { app, version: ask.version, members, sinceMs, untilMs: sinceMs + gang.holdSeconds * 1_000 };
}

export const sameHold = (a: HoldDocument | null, b: HoldDocument | null): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

/** Holds for a gang that could not be placed whole what it found; says from when on it may. To be called while the hold is lifted. */
export function holdWhileWaiting(
  draft: RoundDraft,
  ask: Ask,
  choices: readonly Choice[],
  waiting: WaitingDocument,
): WaitingDocument {
  const gang = ask.placement.gang as Gang;
  const present = draft.presentHold;
  const waiter: Waiter = { app: ask.app, gang, waitingSinceMs: waiting.sinceMs, present };
  const next = nextHold(waiter, { ask, fleet: draft.fleet, choices, now: draft.now });
  if (next !== null && !sameHold(next, present)) draft.setHold(next);
  return { ...waiting, holdFromMs: holdFromMs(waiter, draft.now) };
}
