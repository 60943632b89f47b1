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

/** How instances ended, read once a round. */
export class Endings {
  readonly #byApp = new Map<string, Map<number, EndedDocument>>();
  /** Agents that the operator removed, and none of whose later incarnations has taken their place. */
  readonly #removed = new Set<string>();

  constructor(state: StateView, health: HealthView) {
    for (const [key, { value }] of health.kind("ended")) {
      const [token = "", , attempt] = key.split(".");
      const ended = this.#byApp.get(token) ?? new Map<number, EndedDocument>();
      this.#byApp.set(token, ended.set(Number(attempt), value));
    }
    for (const { value } of state.kind("agent").values()) if (value.goal === "remove") this.#removed.add(value.agent);
  }

  /** All that ended of an app, by attempt. */
  of(app: string): ReadonlyMap<number, EndedDocument> {
    return this.#byApp.get(appToken(app)) ?? NONE;
  }

  /** True when no instance of the app can have ended. */
  isQuiet(app: string): boolean {
    return this.#removed.size === 0 && this.of(app).size === 0;
  }

  /** How the instance ended, when that is known for certain; null while it may still run. */
  ofRow(app: string, row: PlacedRow, now: number): EndedRow | null {
    const about = { slot: row.slot, attempt: row.attempt, version: row.version, agent: row.agent };
    const ended = this.of(app).get(row.attempt);
    if (ended !== undefined) return { ...about, ...pick(ended) };
    if (!this.#removed.has(row.agent)) return null;
    return {
      ...about,
      state: "killed",
      exitCode: null,
      signal: null,
      reason: "agent-removed",
      message: "its agent was removed",
      atMs: now,
    };
  }
}

const NONE: ReadonlyMap<number, EndedDocument> = new Map();

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
      draft.envVarsPrefix,
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
  ended: ReadonlyMap<number, EndedDocument>,
  app: string,
  placed: readonly PlacedRow[],
  purged: ReadonlySet<string>,
): string[] {
  if (ended.size === 0) return [];
  const held = new Set(placed.map((row) => row.attempt));
  const keysPurged: string[] = [];
  for (const [attempt, { agent, instance }] of ended) {
    const word = held.has(attempt) ? undefined : draft.view.kind("agent").get(agentToken(agent))?.value;
    if (word === undefined || word.fencedIncarnation === null) continue;
    const slot = Number(instance.split(".").at(-2));
    const key = keys.instance(agent, { app, slot, attempt });
    if (purged.has(key)) continue;
    draft.writes.push({ key, value: null, expect: null });
    keysPurged.push(key);
  }
  return keysPurged;
}
