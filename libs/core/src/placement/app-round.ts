/** One app in a round: what ended is released, what is unwanted is told to stop, what is missing is placed or explained. */
import {
  appToken,
  type Circumstances,
  ENDED_KEPT_MAX,
  type EndedRow,
  instanceId,
  keys,
  type PlacedDocument,
  type PlacedRow,
  ROUND_INSTANCES_MAX,
  type Strategy,
  type WaitingDocument,
  type WantedRow,
} from "@muster/contracts";
import { drawEventId } from "../draw.ts";
import { countRecord } from "../ledger.ts";
import type { RoundDraft } from "./draft.ts";
import { placeMissing } from "./place.ts";
import { type Endings, purgeLeftovers, release } from "./release.ts";
import { instanceRecord } from "./run-document.ts";
import { writeWaiting } from "./waiting.ts";

/** What a round did for one app, for spans and logs. */
export type RoundReport = {
  readonly app: string;
  readonly placed: number;
  readonly stopped: number;
  readonly released: number;
  readonly waiting: WaitingDocument | null;
  /** Keys of leftover records that were purged. */
  readonly purged: readonly string[];
};

export type AppRound = {
  readonly draft: RoundDraft;
  readonly endings: Endings;
  readonly purged: ReadonlySet<string>;
  readonly app: string;
  readonly trace: string | null;
  readonly circumstances: Circumstances;
  readonly strategy: Strategy;
  readonly distance: Float64Array | null;
};

type Row = { readonly attempt: number };
/** Attempts are never used twice in an app, so they alone name a row. */
const attemptsOf = (rows: readonly Row[]): Set<number> => new Set(rows.map((row) => row.attempt));

/** An app whose releases and stops are decided, and whose placements are not: those of all apps come first. */
export type Begun = {
  readonly round: AppRound;
  readonly wishes: readonly WantedRow[];
  readonly before: PlacedDocument;
  /** What stands after releases and stops. */
  readonly rows: readonly PlacedRow[];
  readonly ended: readonly EndedRow[];
  readonly stopped: number;
  readonly purged: readonly string[];
};

export function beginApp(round: AppRound): Begun {
  const { draft, app } = round;
  const wishes = draft.view.kind("wanted").get(appToken(app))?.value.rows ?? [];
  const before = draft.view.kind("placed").get(appToken(app))?.value ?? { app, rows: [], ended: [], history: [] };
  const purged = purgeLeftovers(draft, round.endings.of(app), app, before.rows, round.purged);
  const { kept, ended } = releaseEnded(round, before);
  const { rows, stopped } = orderStops(round, kept, wishes);
  if (ended.length + stopped > 0) draft.setRows(app, rows);
  return { round, wishes, before, rows, ended, stopped, purged };
}

/** Null: nothing was decided for it. */
export function finishApp({ round, wishes, before, rows: kept, ended, stopped, purged }: Begun): RoundReport | null {
  const { draft, app } = round;
  const missing = missingOf(wishes, kept, [...before.ended, ...ended]);
  const isHolding = draft.holder === null || draft.holder === app;
  if (isHolding) draft.liftHold();
  const { fresh, waiting, isCut } = placeMissing({ ...round, before }, kept, missing);
  if (draft.holder === app && !isCut && waiting?.holdFromMs == null) draft.setHold(null);
  if (isHolding) draft.applyHold();

  const stillEnded = stillWished([...before.ended, ...ended], wishes);
  const isChanged = ended.length + stopped + fresh.length > 0 || stillEnded.length !== before.ended.length;
  const isWaitingChanged = (waiting !== null || !isCut) && writeWaiting(draft, app, waiting, round.circumstances);
  if (!isChanged && !isWaitingChanged)
    return purged.length > 0 ? { app, placed: 0, stopped: 0, released: 0, waiting, purged } : null;

  const rows = [...kept, ...fresh];
  if (isChanged) {
    draft.setRows(app, rows);
    const value: PlacedDocument = {
      app,
      rows,
      ended: stillEnded,
      history: [...before.history, ...ended].slice(-ENDED_KEPT_MAX),
    };
    draft.writes.push({ key: keys.placed(app), value, expect: draft.view.revision(keys.placed(app)) });
  } else draft.asserts.push({ key: keys.placed(app), revision: draft.view.revision(keys.placed(app)) });
  draft.asserts.push({ key: keys.wanted(app), revision: draft.view.revision(keys.wanted(app)) });
  // Another worker may have explained meanwhile what is answered here: that must not stand beside the answer.
  if (!isWaitingChanged)
    draft.asserts.push({ key: keys.waiting(app), revision: draft.view.revision(keys.waiting(app)) });
  tell(round, "muster.app.placed", fresh);
  tell(round, "muster.app.released", ended);
  return { app, placed: fresh.length, stopped, released: ended.length, waiting, purged };
}

/** Wishes that neither stand nor have ended. */
function missingOf(
  wishes: readonly WantedRow[],
  rows: readonly PlacedRow[],
  ended: readonly EndedRow[],
): readonly WantedRow[] {
  const answered = new Set<number>();
  for (let i = 0; i < rows.length; i += 1) answered.add((rows[i] as PlacedRow).attempt);
  for (const { attempt } of ended) answered.add(attempt);
  return wishes.filter((wish) => wish.goal === "run" && !answered.has(wish.attempt));
}

/** An ending is remembered until its wish is gone. */
function stillWished(ended: readonly EndedRow[], wishes: readonly WantedRow[]): EndedRow[] {
  if (ended.length === 0) return [];
  const wished = attemptsOf(wishes);
  return ended.filter((row) => wished.has(row.attempt));
}

function tell(
  { draft, app, trace, circumstances }: AppRound,
  type: "muster.app.placed" | "muster.app.released",
  rows: readonly (PlacedRow | EndedRow)[],
): void {
  if (rows.length === 0) return;
  const named = rows.map((row) => ({ ...row, instance: instanceId({ app, slot: row.slot, attempt: row.attempt }) }));
  draft.events.push({
    type,
    subject: app,
    id: drawEventId(circumstances),
    data: { app, rows: named },
    trace,
  } as (typeof draft.events)[number]);
}

function releaseEnded(
  { draft, endings, app, trace, circumstances }: AppRound,
  before: PlacedDocument,
): { kept: readonly PlacedRow[]; ended: readonly EndedRow[] } {
  if (endings.isQuiet(app)) return { kept: before.rows, ended: [] };
  const kept: PlacedRow[] = [];
  const ended: EndedRow[] = [];
  for (const row of before.rows) {
    const ending = draft.decided < ROUND_INSTANCES_MAX ? endings.ofRow(app, row, circumstances.now) : null;
    if (ending === null) kept.push(row);
    else {
      release(draft, app, row, ending, trace);
      ended.push(ending);
    }
  }
  return { kept, ended };
}

/** A stop passes every gate: it takes nothing from the agent. */
function orderStops(
  { draft, app, trace }: AppRound,
  rows: readonly PlacedRow[],
  wishes: readonly WantedRow[],
): { rows: readonly PlacedRow[]; stopped: number } {
  const stops = wishes.filter((wish) => wish.goal === "stop");
  const unwanted = attemptsOf(stops);
  if (stops.length === 0) return { rows, stopped: 0 };
  let stopped = 0;
  const after = rows.map((row): PlacedRow => {
    const isOrdered = row.goal === "run" && unwanted.has(row.attempt);
    const ledger = isOrdered && draft.decided < ROUND_INSTANCES_MAX ? draft.ledger(row.agent) : null;
    const spec = ledger === null ? null : draft.spec(app, row.version);
    if (ledger === null || spec === null) return row;
    const next = countRecord(ledger);
    const stop: PlacedRow = { ...row, goal: "stop" };
    const offer = draft.view.kind("offer").get(keys.offer(row.agent).slice("offer.".length))?.value;
    const where = offer ?? { address: row.agent, hostname: row.agent };
    draft.order(instanceRecord(spec, stop, where, trace, draft.envVarsPrefix), next.n);
    draft.setLedger(next);
    draft.decided += 1;
    stopped += 1;
    return stop;
  });
  return { rows: after, stopped };
}
