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
import { askOf } from "../ask.ts";
import { countRecord, releaseShare, shareOf } from "../ledger.ts";
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
    const share = shareOf(askOf(app, row.version, spec), row.ports, row.items);
    const released = releaseShare(ledger, share);
    draft.setLedger(isGone ? countRecord(released) : released);
    const agent = draft.fleet.indexOf(row.agent);
    if (agent !== null) draft.fleet.giveBack(agent, share.resources, share.ports, released.custom);
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

/**
 * Records of removed agents' instances that ended after all: nothing is held any more, only the record is purged.
 * `purged` holds the keys that were purged a moment ago; health drops their endings when it has heard of it.
 */
export function purgeLeftovers(
  draft: RoundDraft,
  endings: readonly Ending[],
  app: string,
  placed: readonly PlacedRow[],
  purged: ReadonlySet<string>,
): string[] {
  const held = new Set(placed.map((row) => row.attempt));
  const keysPurged: string[] = [];
  for (const { slot, attempt, agent } of endings) {
    const word = held.has(attempt) ? undefined : draft.view.kind("agent").get(agentToken(agent))?.value;
    if (word === undefined || word.fencedIncarnation === null) continue;
    const key = keys.instance(agent, { app, slot, attempt });
    if (purged.has(key)) continue;
    draft.writes.push({ key, value: null, expect: null });
    keysPurged.push(key);
  }
  return keysPurged;
}

/** An ended instance as the health bucket names it. */
export type Ending = { readonly slot: number; readonly attempt: number; readonly agent: string };

/** All of them by app token, read once a round. */
export function endingsByApp(health: HealthView): Map<string, Ending[]> {
  const byApp = new Map<string, Ending[]>();
  for (const [key, { value }] of health.kind("ended")) {
    const [token = "", slot, attempt] = key.split(".");
    const endings = byApp.get(token) ?? [];
    endings.push({ slot: Number(slot), attempt: Number(attempt), agent: value.agent });
    byApp.set(token, endings);
  }
  return byApp;
}
