/**
 * Frees what ended: the ledger's share, the placed row and the record, in one batch.
 * Only an agent's terminal fact releases, or the operator's removal of the agent, whose record then stays as a stop order.
 */
import {
  agentToken,
  appToken,
  ENDED_MESSAGE_MAX,
  type EndedDocument,
  type EndedRow,
  type HealthView,
  keys,
  type PlacedRow,
  type StateView,
} from "@muster/contracts";
import { resourcesOf } from "../ask.ts";
import { countRecord, releaseShare } from "../ledger.ts";
import type { RoundDraft } from "./draft.ts";
import { instanceRecord } from "./run-document.ts";

const tokens = (app: string, row: { slot: number; attempt: number }): string =>
  `${appToken(app)}.${row.slot}.${row.attempt}`;

/** How the instance ended, when that is known for certain; null while it may still run. */
export function endingOf(
  state: StateView,
  health: HealthView,
  app: string,
  row: PlacedRow,
  now: number,
): EndedRow | null {
  const about = { slot: row.slot, attempt: row.attempt, version: row.version, agent: row.agent };
  const ended = health.kind("ended").get(tokens(app, row))?.value;
  if (ended !== undefined) return { ...about, ...pick(ended) };
  if (isRemoved(state, row.agent))
    return {
      ...about,
      state: "killed",
      exitCode: null,
      signal: null,
      reason: "agent-removed",
      message: "its agent was removed",
      atMs: now,
    };
  return null;
}

const pick = ({ state, exitCode, signal, reason, message, atMs }: EndedDocument) => ({
  state,
  exitCode,
  signal,
  reason,
  // An end that was asked for needs no words.
  message:
    state === "failed" || state === "error" || reason === "health-check" ? message.slice(0, ENDED_MESSAGE_MAX) : "",
  atMs,
});

/** True when the operator removed the agent and no later incarnation has taken its place. */
export function isRemoved(state: StateView, agent: string): boolean {
  const word = state.kind("agent").get(agentToken(agent))?.value;
  return word?.goal === "remove";
}

export function release(draft: RoundDraft, app: string, row: PlacedRow, ended: EndedRow, trace: string | null): void {
  const spec = draft.spec(app, row.version);
  const ledger = draft.ledger(row.agent);
  const ref = { app, slot: row.slot, attempt: row.attempt };
  const isGone = ended.reason === "agent-removed";
  if (ledger !== null && spec !== null) {
    const released = releaseShare(ledger, {
      app,
      version: row.version,
      resources: resourcesOf(spec),
      ports: row.ports,
    });
    draft.setLedger(isGone ? countRecord(released) : released);
  }
  const offer = draft.view.kind("offer").get(agentToken(row.agent))?.value;
  if (isGone && spec !== null) {
    // The agent may return with the task alive: its record stays, as an order to stop.
    const record = instanceRecord(
      spec,
      { ...row, goal: "stop" },
      offer ?? { address: row.agent, hostname: row.agent },
      trace,
    );
    draft.order(record, draft.ledger(row.agent)?.n ?? 0);
  } else draft.writes.push({ key: keys.instance(row.agent, ref), value: null, expect: null });
  draft.decided += 1;
}

/** Records of a removed agent's instances that ended after all: nothing is held any more, only the record is purged. */
export function purgeLeftovers(
  draft: RoundDraft,
  health: HealthView,
  app: string,
  placed: readonly PlacedRow[],
): number {
  const prefix = `${appToken(app)}.`;
  const held = new Set(placed.map((row) => tokens(app, row)));
  let purged = 0;
  for (const [key, { value }] of health.kind("ended")) {
    if (!key.startsWith(prefix) || held.has(key)) continue;
    const [, slot, attempt] = key.split(".");
    const recordKey = keys.instance(value.agent, { app, slot: Number(slot), attempt: Number(attempt) });
    if (!draft.view.kind("instance").has(recordKey.slice("instance.".length))) continue;
    draft.writes.push({ key: recordKey, value: null, expect: null });
    purged += 1;
  }
  return purged;
}
