/**
 * Placement's whole decision: compare what is wanted with what is placed, decide the difference for some apps in one batch.
 * `placed.<app>` and each touched `ledger.<agent>` are set, `wanted.<app>` is asserted: any of them stale and nothing happens.
 */
import {
  appIdOf,
  appToken,
  type Circumstances,
  type Decision,
  ENDED_KEPT_MAX,
  type EndedRow,
  type Entry,
  type HealthView,
  instanceId,
  keys,
  type PlacedDocument,
  type PlacedRow,
  ROUND_INSTANCES_MAX,
  type StateView,
  type WaitingDocument,
  type WantedDocument,
  type WantedRow,
} from "@muster/contracts";
import { askOf } from "../ask.ts";
import { fieldValue } from "../constraints/fields.ts";
import { ConstraintState } from "../constraints/state.ts";
import { drawEventId } from "../draw.ts";
import { commitShare, countRecord } from "../ledger.ts";
import { choose } from "./choose.ts";
import { RoundDraft } from "./draft.ts";
import { type Explanation, explain } from "./explain.ts";
import { endingOf, purgeLeftovers, release } from "./release.ts";
import { instanceRecord } from "./run-document.ts";

export type RoundInput = {
  readonly state: StateView;
  readonly health: HealthView;
  /** Apps to look at, most urgent first. */
  readonly apps: readonly string[];
  /** Trace context of each app's placement, for records and events. */
  readonly trace: (app: string) => string | null;
};

/** What a round did for one app, for spans and logs. */
export type RoundReport = {
  readonly app: string;
  placed: number;
  stopped: number;
  released: number;
  waiting: WaitingDocument | null;
};

export type Round = { readonly decision: Decision; readonly reports: readonly RoundReport[] };

const NOTHING_PLACED = (app: string): PlacedDocument => ({ app, rows: [], ended: [], history: [] });
type RowId = { readonly slot: number; readonly attempt: number };
const rowId = ({ slot, attempt }: RowId): string => `${slot}.${attempt}`;
const idsOf = (rows: readonly RowId[]): Set<string> => new Set(rows.map(rowId));

/** Decides one batch. An empty decision means nothing is left to do for these apps. */
export function decideRound({ state, health, apps, trace }: RoundInput, circumstances: Circumstances): Round {
  const draft = new RoundDraft(state);
  const reports: RoundReport[] = [];
  for (const app of apps) {
    if (draft.decided >= ROUND_INSTANCES_MAX) break;
    const wanted = state.kind("wanted").get(appToken(app));
    const placed = state.kind("placed").get(appToken(app));
    const report = decideApp({ draft, state, health, app, wanted, placed, trace: trace(app), circumstances });
    if (report !== null) reports.push(report);
  }
  const { writes, asserts, events } = draft.finish();
  return { decision: { writes, asserts, events, wakes: [], trace: null }, reports };
}

type AppRound = {
  readonly draft: RoundDraft;
  readonly state: StateView;
  readonly health: HealthView;
  readonly app: string;
  readonly wanted: Entry<WantedDocument> | undefined;
  readonly placed: Entry<PlacedDocument> | undefined;
  readonly trace: string | null;
  readonly circumstances: Circumstances;
};

function decideApp(round: AppRound): RoundReport | null {
  const { draft, app, wanted, placed, trace, circumstances } = round;
  const before = placed?.value ?? NOTHING_PLACED(app);
  const wishes = wanted?.value.rows ?? [];
  const purged = purgeLeftovers(draft, round.health, app, before.rows);
  const { kept, ended } = releaseEnded(round, before);
  const { rows: afterStops, stopped } = orderStops(round, kept, wishes);
  const answered = idsOf([...afterStops, ...before.ended, ...ended]);
  const missing = wishes.filter((wish) => wish.goal === "run" && !answered.has(rowId(wish)));
  const { fresh, waiting } = placeMissing(round, afterStops, missing);
  const wished = idsOf(wishes);
  const stillEnded = [...before.ended, ...ended].filter((row) => wished.has(rowId(row)));
  const changed = ended.length + stopped + fresh.length > 0 || stillEnded.length !== before.ended.length;
  const waitingChanged = writeWaiting(round, waiting);
  if (!changed && !waitingChanged) return purged > 0 ? { app, placed: 0, stopped: 0, released: purged, waiting } : null;

  if (changed) {
    const value: PlacedDocument = {
      app,
      rows: [...afterStops, ...fresh],
      ended: stillEnded,
      history: [...before.history, ...ended].slice(-ENDED_KEPT_MAX),
    };
    draft.writes.push({ key: keys.placed(app), value, expect: draft.view.revision(keys.placed(app)) });
  } else draft.asserts.push({ key: keys.placed(app), revision: draft.view.revision(keys.placed(app)) });
  draft.asserts.push({ key: keys.wanted(app), revision: draft.view.revision(keys.wanted(app)) });
  const event = (type: "muster.app.placed" | "muster.app.released", rows: readonly (PlacedRow | EndedRow)[]) => {
    if (rows.length === 0) return;
    const named = rows.map((row) => ({ ...row, instance: instanceId({ app, slot: row.slot, attempt: row.attempt }) }));
    draft.events.push({
      type,
      subject: app,
      id: drawEventId(circumstances),
      data: { app, rows: named },
      trace,
    } as (typeof draft.events)[number]);
  };
  event("muster.app.placed", fresh);
  event("muster.app.released", ended);
  return { app, placed: fresh.length, stopped, released: ended.length, waiting };
}

function releaseEnded(
  { draft, state, health, app, trace, circumstances }: AppRound,
  before: PlacedDocument,
): { kept: PlacedRow[]; ended: EndedRow[] } {
  const kept: PlacedRow[] = [];
  const ended: EndedRow[] = [];
  for (const row of before.rows) {
    const ending = draft.decided < ROUND_INSTANCES_MAX ? endingOf(state, health, app, row, circumstances.now) : null;
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
): { rows: PlacedRow[]; stopped: number } {
  const unwanted = idsOf(wishes.filter((wish) => wish.goal === "stop"));
  let stopped = 0;
  const after = rows.map((row): PlacedRow => {
    const isOrdered = row.goal === "run" && unwanted.has(rowId(row));
    const ledger = isOrdered && draft.decided < ROUND_INSTANCES_MAX ? draft.ledger(row.agent) : null;
    const spec = ledger === null ? null : draft.spec(app, row.version);
    if (ledger === null || spec === null) return row;
    const next = countRecord(ledger);
    const stop: PlacedRow = { ...row, goal: "stop" };
    const offer = draft.view.kind("offer").get(keys.offer(row.agent).slice("offer.".length))?.value;
    draft.order(instanceRecord(spec, stop, offer ?? { address: row.agent, hostname: row.agent }, trace), next.n);
    draft.setLedger(next);
    draft.decided += 1;
    stopped += 1;
    return stop;
  });
  return { rows: after, stopped };
}

function placeMissing(
  round: AppRound,
  rows: readonly PlacedRow[],
  missing: readonly WantedRow[],
): { fresh: PlacedRow[]; waiting: WaitingDocument | null } {
  const { draft, app, circumstances, trace } = round;
  const fresh: PlacedRow[] = [];
  let waiting: WaitingDocument | null = null;
  for (const version of new Set(missing.map((wish) => wish.version))) {
    const spec = draft.spec(app, version);
    if (spec === null) continue;
    const wishes = missing.filter((wish) => wish.version === version);
    const budget = Math.min(wishes.length, ROUND_INSTANCES_MAX - draft.decided);
    const ask = askOf(app, version, spec);
    const constraints = constraintState(round, [...rows, ...fresh], version, wishes.length);
    const choices = choose(ask, budget, draft.agents.values(), constraints, circumstances.dice);
    for (const [i, { agent, ports }] of choices.entries()) {
      const wish = wishes[i] as WantedRow;
      const row: PlacedRow = {
        slot: wish.slot,
        attempt: wish.attempt,
        version,
        goal: "run",
        agent: agent.offer.agent,
        ports: [...ports],
        atMs: circumstances.now,
      };
      const ledger = commitShare(draft.ledger(row.agent) ?? agent.ledger, {
        app,
        version,
        resources: ask.resources,
        ports,
      });
      draft.setLedger(ledger);
      draft.order(instanceRecord(spec, row, agent.offer, trace), ledger.n);
      draft.decided += 1;
      fresh.push(row);
    }
    if (choices.length < budget) {
      const explanation = explain(ask, draft.agents.values(), constraints);
      waiting = waitingDocument(round, wishes.length - choices.length + (waiting?.count ?? 0), explanation);
    }
  }
  return { fresh, waiting };
}

/** Instances of the same version count, those being stopped included: they stand there until they are released. */
function constraintState(
  { draft, app }: AppRound,
  rows: readonly PlacedRow[],
  version: number,
  missing: number,
): ConstraintState {
  const spec = draft.spec(app, version);
  const counted = rows.filter((row) => row.version === version);
  const offers = counted.flatMap((row) => draft.agents.get(row.agent)?.offer ?? []);
  const knownValues = (field: string) =>
    new Set([...draft.agents.values()].flatMap((agent) => fieldValue(field, agent.offer) ?? [])).size;
  return new ConstraintState(spec?.constraints ?? [], counted.length + missing, offers, knownValues);
}

function waitingDocument(
  { app, draft, trace, circumstances }: AppRound,
  count: number,
  explanation: Explanation,
): WaitingDocument {
  const before = draft.view.kind("waiting").get(appToken(app))?.value;
  return {
    app,
    count,
    sinceMs: before?.sinceMs ?? circumstances.now,
    decidedAtMs: circumstances.now,
    ...explanation,
    wantedRevision: draft.view.revision(keys.wanted(app)),
    trace,
  };
}

/** Written when what it says has changed, purged when nothing waits. True when something was written. */
function writeWaiting({ draft, app, circumstances, trace }: AppRound, waiting: WaitingDocument | null): boolean {
  const key = keys.waiting(app);
  const before = draft.view.kind("waiting").get(appToken(app))?.value ?? null;
  if (waiting === null) {
    if (before === null) return false;
    draft.writes.push({ key, value: null, expect: null });
    return true;
  }
  const said = (document: WaitingDocument | null) =>
    JSON.stringify(document === null ? null : { ...document, decidedAtMs: 0, trace: null });
  if (said(before) === said(waiting)) return false;
  draft.writes.push({ key, value: waiting, expect: null });
  const { count, agentsSeen, refusals, nearest } = waiting;
  draft.events.push({
    type: "muster.app.waiting",
    subject: app,
    id: drawEventId(circumstances),
    data: { app, count, agentsSeen, refusals, nearest },
    trace,
  });
  return true;
}

/** Apps that wait for something of this kind, or for this agent: who is woken by what. */
export function appsCuredBy(state: StateView, cure: WaitingDocument["cures"][number]): string[] {
  const apps: string[] = [];
  for (const [token, { value }] of state.kind("waiting")) if (value.cures.includes(cure)) apps.push(appIdOf(token));
  return apps;
}
