/** A round in the making: agents and ledgers as changed so far, so that apps decided together see each other's choices. */
import {
  type AppSpec,
  type Assertion,
  agentToken,
  type EventDraft,
  type InstanceDocument,
  keys,
  type LedgerDocument,
  type StateView,
  type Write,
} from "@muster/contracts";
import { AgentView } from "../agent-view.ts";

export class RoundDraft {
  readonly view: StateView;
  readonly writes: Write[] = [];
  readonly asserts: Assertion[] = [];
  readonly events: EventDraft[] = [];
  /** Instances decided so far: placed, stopped, released. */
  decided = 0;
  readonly #ledgers = new Map<string, LedgerDocument>();
  #agents: Map<string, AgentView> | null = null;

  constructor(view: StateView) {
    this.view = view;
  }

  /** Agents with supply and a ledger, by id. */
  get agents(): ReadonlyMap<string, AgentView> {
    if (this.#agents === null) {
      this.#agents = new Map();
      for (const [token, offer] of this.view.kind("offer")) {
        const ledger = this.view.kind("ledger").get(token);
        if (ledger !== undefined)
          this.#agents.set(
            offer.value.agent,
            new AgentView(offer.value, this.#ledgers.get(offer.value.agent) ?? ledger.value),
          );
      }
    }
    return this.#agents;
  }

  ledger(agent: string): LedgerDocument | null {
    return this.#ledgers.get(agent) ?? this.view.kind("ledger").get(agentToken(agent))?.value ?? null;
  }

  setLedger(ledger: LedgerDocument): void {
    this.#ledgers.set(ledger.agent, ledger);
  }

  spec(app: string, version: number): AppSpec | null {
    const key = keys.version(app, version).slice("version.".length);
    return this.view.kind("version").get(key)?.value.spec ?? null;
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
    return { writes: this.writes, asserts: this.asserts, events: this.events };
  }
}
