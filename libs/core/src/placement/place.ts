/** Finds agents for the instances of an app that are wanted and stand nowhere yet, version by version. */
import {
  type Circumstances,
  type PlacedDocument,
  type PlacedRow,
  ROUND_INSTANCES_MAX,
  type Strategy,
  type WaitingDocument,
  type WantedRow,
} from "@muster/contracts";
import { configOf } from "../apps/config.ts";
import { type Ask, askOf } from "../ask.ts";
import { commitShare, shareOf } from "../ledger.ts";
import { hasNeighbourRules } from "../rules/neighbours.ts";
import { type Choice, choose, chooseOn, type Group } from "./choose.ts";
import type { RoundDraft } from "./draft.ts";
import { explain } from "./explain.ts";
import { gather } from "./gang.ts";
import { groupOf } from "./group.ts";
import { holdWhileWaiting } from "./hold.ts";
import { instanceRecord } from "./run-document.ts";
import { waitingDocument } from "./waiting.ts";

/** How long an agent on which an instance failed is avoided for the next attempt of its slot. */
const AVOID_FAILED_MS = 10 * 60_000;

export type PlaceInput = {
  readonly draft: RoundDraft;
  readonly app: string;
  readonly before: PlacedDocument;
  readonly trace: string | null;
  readonly circumstances: Circumstances;
  /** The cluster's strategy, for apps that name none. */
  readonly strategy: Strategy;
  readonly distance: Float64Array | null;
};

export type Placed = {
  readonly fresh: readonly PlacedRow[];
  readonly waiting: WaitingDocument | null;
  /** The batch was full before all was looked at: what waits is told of in the next round, and stands as it was until then. */
  readonly isCut: boolean;
};
const NOTHING: Placed = { fresh: [], waiting: null, isCut: false };

/** `rows`: what stands after this round's releases and stops. */
export function placeMissing(input: PlaceInput, rows: readonly PlacedRow[], missing: readonly WantedRow[]): Placed {
  const fresh: PlacedRow[] = [];
  let waiting: WaitingDocument | null = null;
  let isCut = false;
  for (const version of new Set(missing.map((wish) => wish.version))) {
    const wishes = missing.filter((wish) => wish.version === version);
    const placed = placeVersion(input, rows.concat(fresh), version, wishes);
    fresh.push(...placed.fresh);
    isCut ||= placed.isCut;
    if (placed.waiting === null) continue;
    const others: number = waiting?.count ?? 0;
    waiting = { ...placed.waiting, count: placed.waiting.count + others };
  }
  return { fresh, waiting, isCut };
}

function placeVersion(
  input: PlaceInput,
  rows: readonly PlacedRow[],
  version: number,
  wishes: readonly WantedRow[],
): Placed {
  const { draft, app } = input;
  const spec = draft.spec(app, version);
  if (spec === null) return NOTHING;
  const ask = askOf(app, version, spec);
  const budget = ROUND_INSTANCES_MAX - draft.decided;
  const isGang = ask.placement.gang !== null;
  // A gang needs a batch that holds it whole: the next round is empty.
  if (budget <= 0 || (isGang && wishes.length > budget && draft.decided > 0)) return { ...NOTHING, isCut: true };

  const failed = failedOn(input, wishes);
  const make = (): Group => groupFor(input, ask, rows, wishes.length, new Set(failed.values()));
  if (hasNeighbourRules(ask.placement)) draft.rule(app);
  if (isGang) return placeGang(input, make, wishes.slice(0, budget), failed);
  // Each agent that is named is asked, however many before it refuse.
  const asked = wishes.some((wish) => wish.agent !== null) ? wishes : wishes.slice(0, budget);
  return placeMany(input, make(), { asked, failed, wishes, budget });
}

type Asked = {
  readonly asked: readonly WantedRow[];
  readonly failed: ReadonlyMap<number, string>;
  readonly wishes: readonly WantedRow[];
  /** How many the batch still takes. */
  readonly budget: number;
};

/** As many as there is room for. */
function placeMany(input: PlaceInput, group: Group, { asked, failed, wishes, budget }: Asked): Placed {
  const choices = chooseAll(group, asked, failed, budget);
  const found = choices.filter((choice) => choice !== null).length;
  if (found === asked.length || found === budget)
    return { fresh: commit(input, group.ask, asked, choices), waiting: null, isCut: found < wishes.length };
  const only = wishes.every((wish) => wish.agent !== null) ? refusedAgents(group, asked, choices) : null;
  const told = explain(group.ask, group.fleet, group.rules, only, wishes.length - found);
  const waiting = waitingDocument(input, group, { wishes: wishes.length, found, told });
  return { fresh: commit(input, group.ask, asked, choices), waiting, isCut: false };
}

/** All of them or none. */
function placeGang(
  input: PlaceInput,
  make: () => Group,
  asked: readonly WantedRow[],
  failed: ReadonlyMap<number, string>,
): Placed {
  const group = make();
  const { ask, fleet } = group;
  const { choices, missed } = gather(group, make, asked.length);
  if (missed === null)
    return { fresh: commit(input, ask, asked, apart(group, asked, choices, failed)), waiting: null, isCut: false };
  // Agents are told of as they stand, what would help as if the members that fit were placed.
  const { refusals, nearest } = explain(ask, fleet, make().rules, null);
  const told = { ...missed, refusals, nearest };
  const waiting = waitingDocument(input, group, { wishes: asked.length, found: choices.length, told });
  return { fresh: [], waiting: holdWhileWaiting(input.draft, ask, choices, waiting), isCut: false };
}

function groupFor(
  { draft, circumstances, strategy, distance }: PlaceInput,
  ask: Ask,
  rows: readonly PlacedRow[],
  missing: number,
  failed: ReadonlySet<string>,
): Group {
  const { fleet } = draft;
  const config = configOf(draft.view, ask.app, ask.version);
  const known = new Map([[ask.version, true]]);
  const isOwn = ({ version }: PlacedRow): boolean => {
    const isKnown = known.get(version);
    if (isKnown !== undefined) return isKnown;
    const isSame = configOf(draft.view, ask.app, version) === config;
    known.set(version, isSame);
    return isSame;
  };
  const own: number[] = [];
  const standing: number[] = [];
  for (const row of rows) {
    const agent = fleet.indexOf(row.agent);
    if (agent === null) continue;
    standing.push(agent);
    if (isOwn(row)) own.push(agent);
  }
  const counted = rows.reduce((sum, row) => (isOwn(row) ? sum + 1 : sum), 0);
  return groupOf({
    ask,
    fleet,
    own,
    standing,
    instances: counted + missing,
    others: draft,
    strategy,
    failed: new Set([...failed].flatMap((agent) => fleet.indexOf(agent) ?? [])),
    distance,
    dice: circumstances.dice,
  });
}

/** Where an attempt of the same slot failed lately, by slot: a bad machine must not get it again at once (Borg). */
function failedOn({ before, circumstances }: PlaceInput, wishes: readonly WantedRow[]): Map<number, string> {
  const failed = new Map<number, string>();
  if (before.history.length === 0) return failed;
  const slots = new Set(wishes.map((wish) => wish.slot));
  for (const { slot, state, agent, atMs } of before.history)
    if (slots.has(slot) && (state === "failed" || state === "error") && circumstances.now - atMs < AVOID_FAILED_MS)
      failed.set(slot, agent);
  return failed;
}

/** A choice for each wish, or null where there is none. */
function chooseAll(
  group: Group,
  wishes: readonly WantedRow[],
  failed: ReadonlyMap<number, string>,
  budget: number,
): readonly (Choice | null)[] {
  const free = wishes.filter((wish) => wish.agent === null);
  if (free.length === wishes.length) return apart(group, free, choose(group, free.length), failed);
  const agents = wishes.map((wish) => (wish.agent === null ? null : group.fleet.indexOf(wish.agent)));
  const named = chooseOn(group, agents, budget);
  const left = budget - named.filter((choice) => choice !== null).length;
  const chosen = choose(group, Math.min(left, free.length));
  return wishes.map((wish, i) => (wish.agent === null ? (chosen.shift() ?? null) : (named[i] as Choice | null)));
}

/** Keeps each wish off the agent where it just failed, by letting two of them change places. */
function apart(
  { fleet }: Group,
  wishes: readonly WantedRow[],
  choices: readonly Choice[],
  failed: ReadonlyMap<number, string>,
): (Choice | null)[] {
  const given: (Choice | null)[] = wishes.map((_, i) => choices[i] ?? null);
  if (failed.size === 0) return given;
  const isBad = (i: number, choice: Choice | null): boolean =>
    choice !== null && failed.get((wishes[i] as WantedRow).slot) === fleet.ids[choice.agent];
  for (let i = 0; i < given.length; i += 1) {
    if (!isBad(i, given[i] as Choice | null)) continue;
    const other = given.findIndex(
      (choice, j) => choice !== null && !isBad(i, choice) && !isBad(j, given[i] as Choice | null),
    );
    if (other >= 0) [given[i], given[other]] = [given[other] as Choice | null, given[i] as Choice | null];
  }
  return given;
}

const refusedAgents = ({ fleet }: Group, wishes: readonly WantedRow[], choices: readonly (Choice | null)[]): number[] =>
  wishes.flatMap(({ agent }, i) => (choices[i] === null && agent !== null ? (fleet.indexOf(agent) ?? []) : []));

function commit(
  { draft, app, circumstances, trace }: PlaceInput,
  ask: Ask,
  wishes: readonly WantedRow[],
  choices: readonly (Choice | null)[],
): PlacedRow[] {
  const spec = draft.spec(app, ask.version);
  const fresh: PlacedRow[] = [];
  for (const [i, choice] of choices.entries()) {
    const { fleet } = draft;
    const wish = wishes[i] as WantedRow;
    const offer = choice === null ? null : fleet.offers[choice.agent];
    if (choice === null || offer == null || spec === null) continue;
    const agent = fleet.ids[choice.agent] as string;
    const before = draft.ledger(agent);
    if (before === null) throw new Error(`${agent} was chosen and has no ledger`);
    const row: PlacedRow = {
      slot: wish.slot,
      attempt: wish.attempt,
      version: ask.version,
      goal: "run",
      agent,
      ports: [...choice.ports],
      items: choice.items,
      atMs: circumstances.now,
    };
    const ledger = commitShare(before, shareOf(ask, choice.ports, choice.items));
    draft.setLedger(ledger);
    draft.order(instanceRecord(spec, row, offer, trace, draft.envVarsPrefix), ledger.n);
    draft.decided += 1;
    fresh.push(row);
  }
  return fresh;
}
