/** A round in the making: ledgers, rows and the fleet as changed so far, so that apps decided together see each other's choices. */
import {
  type AppSpec,
  type Assertion,
  agentToken,
  appIdOf,
  appToken,
  type EventDraft,
  type HoldDocument,
  type InstanceDocument,
  keys,
  type LabelRequirement,
  type LedgerDocument,
  matchesSelector,
  type PlacedRow,
  type PlacementSpec,
  type StateView,
  type Write,
} from "@muster/contracts";
import { resourcesOf } from "../ask.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { OtherApps } from "../rules/rule.ts";

export class RoundDraft implements OtherApps {
  /** In front of the names of HOST and the PORT variables. */
  readonly envVarsPrefix: string;
  readonly view: StateView;
  readonly fleet: Fleet;
  readonly now: number;
  readonly writes: Write[] = [];
  readonly asserts: Assertion[] = [];
  readonly events: EventDraft[] = [];
  /** Instances decided so far: placed, stopped, released. */
  decided = 0;
  #isHoldApplied = false;
  #nextHold: HoldDocument | null | undefined = undefined;
  readonly #ledgers = new Map<string, LedgerDocument>();
  /** Rows of apps as this round has changed them. */
  readonly #rows = new Map<string, readonly PlacedRow[]>();
  /** Other apps whose rows a choice rests on. */
  readonly #consulted = new Set<string>();
  /** Apps with rules about what this round places, and apps with such rules that it places. */
  readonly #met = new Set<string>();
  readonly #ruling = new Set<string>();

  constructor(view: StateView, fleet: Fleet, now: number, envVarsPrefix = "") {
    this.envVarsPrefix = envVarsPrefix;
    this.view = view;
    this.fleet = fleet;
    this.now = now;
    this.applyHold();
  }

  /** What a gang holds, or held: it may have run out. */
  get presentHold(): HoldDocument | null {
    return this.#nextHold === undefined ? (this.view.kind("hold").get("")?.value ?? null) : this.#nextHold;
  }

  /** The gang that holds capacity just now, or null. */
  get holder(): string | null {
    const hold = this.presentHold;
    return hold !== null && hold.untilMs > this.now ? hold.app : null;
  }

  /** What a gang holds is not free for others. */
  applyHold(): void {
    if (!this.#isHoldApplied) this.#moveHold(1);
    this.#isHoldApplied = true;
  }

  /** It is free for the gang itself. */
  liftHold(): void {
    if (this.#isHoldApplied) this.#moveHold(-1);
    this.#isHoldApplied = false;
  }

  #moveHold(count: number): void {
    const hold = this.holder === null ? null : this.presentHold;
    const spec = hold === null ? null : this.spec(hold.app, hold.version);
    if (hold === null || spec === null) return;
    const resources = resourcesOf(spec);
    for (const [agent, members] of Object.entries(hold.members)) {
      const i = this.fleet.indexOf(agent);
      if (i !== null) this.fleet.hold(i, resources, count * members);
    }
  }

  /** Replaces what is held, while the hold is lifted; null ends it. */
  setHold(hold: HoldDocument | null): void {
    this.#nextHold = hold;
  }

  ledger(agent: string): LedgerDocument | null {
    return this.#ledgers.get(agent) ?? this.view.kind("ledger").get(agentToken(agent))?.value ?? null;
  }

  setLedger(ledger: LedgerDocument): void {
    this.#ledgers.set(ledger.agent, ledger);
  }

  spec(app: string, version: number): AppSpec | null {
    return this.view.kind("version").get(`${appToken(app)}.${version}`)?.value.spec ?? null;
  }

  rows(app: string): readonly PlacedRow[] {
    return this.#rows.get(app) ?? this.view.kind("placed").get(appToken(app))?.value.rows ?? [];
  }

  setRows(app: string, rows: readonly PlacedRow[]): void {
    this.#rows.set(app, rows);
  }

  agentsOf(app: string, isLiving: boolean, isMeant: (version: number) => boolean = () => true): number[] {
    this.#consulted.add(app);
    const agents: number[] = [];
    for (const row of this.rows(app)) {
      const isLeft = (isLiving && row.goal === "stop") || !isMeant(row.version);
      const i = isLeft ? null : this.fleet.indexOf(row.agent);
      if (i !== null) agents.push(i);
    }
    return agents;
  }

  agentsNamed(isMeant: (app: string) => boolean, but: string): number[] {
    return this.#placedApps().flatMap((app) => (app !== but && isMeant(app) ? this.agentsOf(app, false) : []));
  }

  agentsMatching(selector: readonly LabelRequirement[], but: string, isLiving: boolean): number[] {
    return this.#placedApps().flatMap((app) => {
      if (app === but) return [];
      const versions = new Set(this.rows(app).map((row) => row.version));
      const isMeant = (version: number) => matchesSelector(selector, this.spec(app, version)?.labels ?? {});
      const meant = new Set([...versions].filter(isMeant));
      return meant.size === 0 ? [] : this.agentsOf(app, isLiving, (version) => meant.has(version));
    });
  }

  #placedApps(): string[] {
    const apps = new Set(this.#rows.keys());
    for (const token of this.view.kind("placed").keys()) apps.add(appIdOf(token));
    return [...apps];
  }

  /** Of the current version and of every one that stands or is wanted: a rule ends with the last instance placed under it. */
  rulers(but: string): { app: string; version: number; placement: PlacementSpec }[] {
    return (this.view.kind("rules").get("")?.value.apps ?? []).map(appIdOf).flatMap((app) => {
      if (app === but) return [];
      const versions = new Set(this.rows(app).map((row) => row.version));
      for (const row of this.view.kind("wanted").get(appToken(app))?.value.rows ?? []) versions.add(row.version);
      const current = this.view.kind("app").get(appToken(app))?.value.version;
      if (current !== undefined) versions.add(current);
      return [...versions].flatMap((version) => {
        const spec = this.spec(app, version);
        return spec === null ? [] : [{ app, version, placement: spec.placement }];
      });
    });
  }

  meets(ruler: string): void {
    this.#met.add(ruler);
  }

  /** An app with rules about others is placed in this round: what those others did meanwhile makes it stale. */
  rule(app: string): void {
    this.#ruling.add(app);
  }

  /** A launch or stop order: it carries the agent's next number and rests on the ledger's revision. */
  order(record: InstanceDocument, number: number): void {
    this.writes.push({ key: keys.instance(record.agent, record), value: record, expect: null, number });
  }

  /** Everything decided, ledgers last: each touched ledger is set at the revision it was read at. */
  finish(): { writes: Write[]; asserts: Assertion[]; events: EventDraft[] } {
    for (const ledger of this.#ledgers.values()) {
      const key = keys.ledger(ledger.agent);
      this.writes.push({ key, value: ledger, expect: this.view.revision(key) });
    }
    if (this.#nextHold !== undefined)
      this.writes.push({ key: keys.hold, value: this.#nextHold, expect: this.view.revision(keys.hold) });
    if (this.#isPlacing) this.#restOnRules();
    return { writes: this.writes, asserts: this.asserts, events: this.events };
  }

  /**
   * What makes a rule about other apps hold under any interleaving: their rows are asserted, and so is the list of apps with such
   * rules. An app that came later is told of by `neighbour`: whoever places it writes there, whoever has the rule asserts it.
   */
  #restOnRules(): void {
    const revision = (key: string) => this.view.revision(key);
    for (const app of this.#met) {
      const key = keys.neighbour(app);
      // Bound to its own revision it travels after the rows: a view that has seen it has seen them too.
      this.writes.push({ key, value: { app }, expect: revision(key) });
    }
    const written = new Set(this.writes.map((write) => write.key));
    const rested = [
      keys.rules,
      keys.hold,
      ...[...this.#consulted].map(keys.placed),
      ...[...this.#ruling].map(keys.neighbour),
    ];
    for (const key of rested) if (!written.has(key)) this.asserts.push({ key, revision: revision(key) });
  }

  /** A round that only releases and stops rests on no rule. */
  get #isPlacing(): boolean {
    return this.writes.some(({ key, value }) => key.startsWith("instance.") && isRun(value));
  }
}

const isRun = (value: unknown): boolean => (value as InstanceDocument | null)?.goal === "run";
