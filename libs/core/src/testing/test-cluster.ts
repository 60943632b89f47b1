/** A cluster in memory, with everybody around placement played by hand: gateway, deployer, broker, agents, health. */
import {
  type AppSpec,
  agentToken,
  appToken,
  type EndedDocument,
  type Gate,
  type HoldDocument,
  keys,
  type LedgerDocument,
  type OfferDocument,
  type PlacedDocument,
  type PlacedRow,
  type RulesDocument,
  readApp,
  type Strategy,
  type VersionDocument,
  type WaitingDocument,
  type WantedDocument,
  type WantedRow,
} from "@muster/contracts";
import type { Fleet } from "../fleet/fleet.ts";
import { decideRound, type Round } from "../placement/round.ts";
import { hasNeighbourRules } from "../rules/neighbours.ts";
import { appOf, offerOf, openLedger } from "./builders.ts";
import { MemoryBucket, type View } from "./memory-bucket.ts";

export type Looking = {
  readonly view?: View;
  readonly health?: View;
  readonly dice?: () => number;
  readonly strategy?: Strategy;
  readonly distance?: Float64Array;
  readonly fleet?: Fleet;
  readonly purged?: ReadonlySet<string>;
};

/** A stream of dice that is the same for equal seeds (Park and Miller). */
export function diceOf(seed: number): () => number {
  let state = (seed * 7_919 + 1) % 2_147_483_647;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

export class TestCluster {
  readonly state = new MemoryBucket();
  readonly health = new MemoryBucket();
  now = 1_000_000;
  #dice = diceOf(1);

  /** A new agent, or an old one with another offer. As the broker does it: offer and ledger in one batch. */
  agent(agent: string, more: Partial<OfferDocument> = {}): void {
    const offer = { ...(this.offer(agent) ?? offerOf(agent)), ...more };
    const ledger = this.ledger(agent) ?? openLedger(agent);
    this.#together([
      [keys.offer(agent), offer],
      [keys.ledger(agent), { ...ledger }],
    ]);
  }

  gate(agent: string, reason: Gate["reason"]): void {
    const ledger = this.ledger(agent) as LedgerDocument;
    const gate: Gate = { ...ledger.gate, open: reason === "open", reason, sinceMs: this.now };
    this.state.write(keys.ledger(agent), { ...ledger, gate });
  }

  /** The operator's word: the agent is gone for good. */
  remove(agent: string): void {
    this.state.write(keys.agent(agent), { agent, goal: "remove", fencedIncarnation: 1, atMs: this.now });
    this.gate(agent, "removed");
  }

  /** A new app, or a new version of an old one. As the gateway does it: version, app and `rules` in one batch. */
  app(id: string, fields: Record<string, unknown> = {}): AppSpec {
    const spec = readApp({ id, cmd: "sleep 1000", cpus: 1, mem: 64, ...fields }).spec;
    this.accept(spec);
    return spec;
  }

  accept(spec: AppSpec): void {
    const { id } = spec;
    const before = this.state.snapshot().kind("app").get(appToken(id))?.value;
    const version = (before?.version ?? 0) + 1;
    const document: VersionDocument = { app: id, version, spec, by: { who: "test", from: "test" }, config: null };
    const ruling: RulesDocument = this.state.snapshot().kind("rules").get("")?.value ?? { apps: [] };
    const isRuling = hasNeighbourRules(spec.placement) || ruling.apps.includes(appToken(id));
    this.#together([
      [keys.version(id, version), document],
      [keys.app(id), appOf(id, version, spec.instances)],
      ...(isRuling ? [[keys.rules, { apps: [...new Set([...ruling.apps, appToken(id)])] }] as const] : []),
    ]);
  }

  /** More rows of the app's present version in the lowest free slots, one for each agent that is named or null. */
  want(id: string, pins: number | readonly (string | null)[] = 1): void {
    const before = this.wanted(id);
    const used = new Set(before.rows.map((row) => row.slot));
    const rows = [...before.rows];
    let { nextAttempt } = before;
    for (const agent of typeof pins === "number" ? Array.from({ length: pins }, () => null) : pins) {
      let slot = 0;
      while (used.has(slot)) slot += 1;
      used.add(slot);
      rows.push({ slot, attempt: nextAttempt, version: this.version(id), goal: "run", agent });
      nextAttempt += 1;
    }
    this.state.write(keys.wanted(id), { ...before, rows, nextAttempt });
  }

  /** Rows are stopped where they stand, dropped where they were never placed. */
  unwant(id: string, isMeant: (row: WantedRow) => boolean): void {
    const before = this.wanted(id);
    const standing = new Set(this.rows(id).map((row) => row.attempt));
    const rows = before.rows.flatMap((row): WantedRow[] =>
      !isMeant(row) ? [row] : standing.has(row.attempt) ? [{ ...row, goal: "stop" }] : [],
    );
    this.state.write(keys.wanted(id), { ...before, rows });
  }

  /** What the deployer does about rows that are over: they leave, and what should run gets a new attempt in its slot. */
  replaceEnded(id: string): void {
    const ended = new Set(this.placed(id).ended.map((row) => row.attempt));
    const before = this.wanted(id);
    let { nextAttempt } = before;
    const rows = before.rows.flatMap((row): WantedRow[] => {
      if (!ended.has(row.attempt)) return [row];
      if (row.goal === "stop") return [];
      nextAttempt += 1;
      return [{ ...row, version: this.version(id), attempt: nextAttempt - 1 }];
    });
    this.state.write(keys.wanted(id), { ...before, rows, nextAttempt });
  }

  /** An agent's terminal fact, judged. */
  end(id: string, row: PlacedRow, state: EndedDocument["state"] = row.goal === "stop" ? "killed" : "failed"): void {
    const ended: EndedDocument = {
      instance: `${appToken(id)}.${row.slot}.${row.attempt}`,
      agent: row.agent,
      version: row.version,
      fact: this.now,
      state,
      exitCode: 1,
      signal: null,
      reason: "exited",
      message: "",
      atMs: this.now,
      trace: null,
    };
    this.health.write(keys.ended({ app: id, slot: row.slot, attempt: row.attempt }), ended);
  }

  decide(apps: readonly string[], looking: Looking = {}): Round {
    const { view = this.state.snapshot(), health = this.health.snapshot(), dice = this.#dice, ...more } = looking;
    const input = { state: view, health, apps, trace: () => null, ...more };
    return decideRound(input, { now: this.now, dice });
  }

  /** Decides and commits. Throws where the batch does not land. */
  place(apps: readonly string[], looking: Looking = {}): Round {
    const round = this.decide(apps, looking);
    if (!this.state.commit(round.decision)) throw new Error(`stale: ${this.state.stale(round.decision)}`);
    return round;
  }

  /** Agents on which rows of the app stand, in the order of its slots. */
  agentsOf(id: string): string[] {
    return this.rows(id)
      .toSorted((a, b) => a.slot - b.slot)
      .map((row) => row.agent);
  }

  rows = (id: string): readonly PlacedRow[] => this.placed(id).rows;
  placed = (id: string): PlacedDocument =>
    this.state.snapshot().kind("placed").get(appToken(id))?.value ?? { app: id, rows: [], ended: [], history: [] };
  wanted = (id: string): WantedDocument =>
    this.state.snapshot().kind("wanted").get(appToken(id))?.value ?? {
      app: id,
      rows: [],
      nextAttempt: 1,
      backoffs: [],
      tally: null,
      trace: null,
    };
  waiting = (id: string): WaitingDocument | null =>
    this.state.snapshot().kind("waiting").get(appToken(id))?.value ?? null;
  hold = (): HoldDocument | null => this.state.snapshot().kind("hold").get("")?.value ?? null;
  ledger = (agent: string): LedgerDocument | null =>
    this.state.snapshot().kind("ledger").get(agentToken(agent))?.value ?? null;
  offer = (agent: string): OfferDocument | null =>
    this.state.snapshot().kind("offer").get(agentToken(agent))?.value ?? null;
  version = (id: string): number => this.state.snapshot().kind("app").get(appToken(id))?.value.version ?? 0;

  #together(documents: readonly (readonly [key: string, value: unknown])[]): void {
    this.state.commit({ writes: documents.map(([key, value]) => ({ key, value, expect: null })), asserts: [] });
  }
}
