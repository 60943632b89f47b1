/** What is written about an app that waits: rewritten when it says something new, purged when nothing waits any more. */
import { appToken, type Circumstances, keys, type Refusal, type WaitingDocument } from "@muster/contracts";
import type { Ask } from "../ask.ts";
import { drawEventId } from "../draw.ts";
import type { Rule } from "../rules/rule.ts";
import type { Group } from "./choose.ts";
import type { RoundDraft } from "./draft.ts";
import type { Explanation } from "./explain.ts";
import type { PlaceInput } from "./place.ts";

type Wanting = {
  /** How many were asked for, and how many of them an agent was found for. */
  readonly wishes: number;
  readonly found: number;
  readonly told: Explanation;
};

export function waitingDocument(
  { draft, app, trace, circumstances }: PlaceInput,
  { ask, rules }: Group,
  { wishes, found, told }: Wanting,
): WaitingDocument {
  const before = draft.view.kind("waiting").get(appToken(app))?.value;
  const { refusals, ...explanation } = told;
  const isGang = ask.placement.gang !== null;
  return {
    app,
    count: isGang ? wishes : wishes - found,
    sinceMs: before?.sinceMs ?? circumstances.now,
    decidedAtMs: circumstances.now,
    ...explanation,
    refusals: isGang ? [...refusals, gangRefusal(explanation.agentsSeen, refusals, wishes, found)] : refusals,
    follows: followsOf(ask, rules),
    holdFromMs: null,
    wantedRevision: draft.view.revision(keys.wanted(app)),
    trace,
  };
}

/** Agents that would take a member are refused by the gang itself, as long as not all members fit at once. */
function gangRefusal(agentsSeen: number, refusals: readonly Refusal[], wishes: number, found: number): Refusal {
  const refused = refusals.reduce((sum, { agents }) => sum + agents, 0);
  return { check: "gang", agents: agentsSeen - refused, reason: `${found} of ${wishes} members fit at once` };
}

/** Whose placement could let this app be placed: apps that its rules name, any app where they go by labels or globs. */
function followsOf({ placement }: Ask, rules: readonly Rule[]): string[] {
  const { machineOf, affinity, antiAffinity } = placement;
  const named = [machineOf, ...[...affinity, ...antiAffinity].map(({ app }) => app)].flatMap((app) => app ?? []);
  const isAny =
    [...affinity, ...antiAffinity].some(({ selector }) => selector !== null) ||
    rules.some(({ check }) => check === "conflicts");
  return [...new Set([...named.map(appToken), ...(isAny ? ["*"] : [])])];
}

/** What a document says: when it was decided says nothing new, nor does the order of its fields. */
function said(document: WaitingDocument | null): string {
  if (document === null) return "";
  const { decidedAtMs, trace, ...rest } = document;
  return JSON.stringify(rest, (_key, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

/** True when something was written. */
export function writeWaiting(
  draft: RoundDraft,
  app: string,
  waiting: WaitingDocument | null,
  circumstances: Circumstances,
): boolean {
  const key = keys.waiting(app);
  const before = draft.view.kind("waiting").get(appToken(app))?.value ?? null;
  if (waiting === null) {
    if (before === null) return false;
    draft.writes.push({ key, value: null, expect: draft.view.revision(key) });
    return true;
  }
  if (said(before) === said(waiting)) return false;
  draft.writes.push({ key, value: waiting, expect: draft.view.revision(key) });
  const { count, agentsSeen, refusals, nearest, wouldFitIf } = waiting;
  draft.events.push({
    type: "muster.app.waiting",
    subject: app,
    id: drawEventId(circumstances),
    data: { app, count, agentsSeen, refusals, nearest, wouldFitIf },
    trace: waiting.trace,
  });
  return true;
}
