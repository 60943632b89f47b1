// The pure core as a stage: a cluster in memory, any number of workers with views of their own, and everybody else played by hand.

import assert from "node:assert/strict";
import {
  GATE_REASONS,
  hash32,
  InstanceDocumentSchema,
  type OfferDocument,
  type PlacedRow,
  parseAttributes,
  parseResources,
  STATE_KINDS,
  type StateView,
  storedForm,
} from "@muster/contracts";
import { appsCuredBy, Fleet, type Round } from "@muster/core";
import type { View } from "@muster/core/testing/memory-bucket";
import { changesBetween } from "@muster/core/testing/race/changes";
import { diceOf, TestCluster } from "@muster/core/testing/test-cluster";
import { quiet, roll, say } from "./rolling.ts";
import { fieldsOf, wordsOf } from "./script.ts";
import { tellHold, tellRow, tellRows, tellWaiting, tellWaitingShortly } from "./tell.ts";

type Worker = { state: View; health: View; readonly dice: () => number; round: Round | null };

const OFFER_FIELDS = ["resources", "role", "region", "zone", "hostname", "runtimes", "images"];

export class World {
  readonly #cluster = new TestCluster();
  readonly #workers = new Map<string, Worker>();
  readonly #from = this.#cluster.now;

  play(command: string): string[] {
    const [verb = "", ...words] = wordsOf(command);
    const act = this.#verbs[verb];
    if (act === undefined)
      throw new Error(`there is no command ${verb}: expected ${Object.keys(this.#verbs).join(", ")}`);
    return act(words);
  }

  readonly #verbs: Readonly<Record<string, (words: readonly string[]) => string[]>> = {
    agent: ([id = "", ...words]) => this.#changing(() => this.#agent(id, fieldsOf(words))),
    gate: ([id = "", word = ""]) =>
      this.#changing(() => {
        const reason = GATE_REASONS.find((each) => each === word);
        assert.ok(reason !== undefined, `expected one of ${GATE_REASONS.join(", ")}`);
        this.#cluster.gate(id, reason);
      }),
    remove: ([id = ""]) => this.#changing(() => this.#cluster.remove(id)),
    app: ([id = "", ...words]) =>
      this.#changing(() => this.#cluster.app(id, { portDefinitions: [], ...fieldsOf(words) })),
    want: ([id = "", ...words]) => this.#changing(() => this.#want(id, words)),
    stop: (names) => this.#changing(() => this.#stop(names)),
    end: (names) => this.#changing(() => this.#end(names)),
    roll: ([id = ""]) => roll(this.#cluster, id),
    say: ([name = "", ...states]) => {
      const { app, row } = this.#rowOf(name);
      say(this.#cluster, app, row, states);
      return [];
    },
    quiet: ([name = "", span = "", where = "there"]) => {
      const { app, row } = this.#rowOf(name);
      return quiet(this.#cluster, app, row, Number(span.replace(/s$/, "")) * 1_000, where === "there");
    },
    replace: ([id = ""]) => this.#changing(() => this.#cluster.replaceEnded(id)),
    wait: ([span = ""]) => {
      this.#cluster.now += Number(span.replace(/s$/, "")) * 1_000;
      return [];
    },
    look: (names) => {
      for (const name of names) this.#look(name);
      return [];
    },
    decide: ([name = "", ...apps]) => this.#decide(name, apps),
    commit: ([name = ""]) => this.#commit(name),
    place: ([name = "", ...apps]) => {
      this.#look(name);
      const told = this.#decide(name, apps);
      return [...told, ...this.#commit(name)];
    },
    rows: ([id = ""]) => tellRows(id, this.#cluster.rows(id)),
    why: ([id = ""]) => tellWaiting(id, this.#cluster.waiting(id), this.#cluster.now, this.#from),
    hold: () => [tellHold(this.#cluster.hold(), this.#cluster.now, this.#from)],
    ledger: ([id = ""]) => [JSON.stringify({ ...this.#cluster.ledger(id), gate: undefined })],
    revision: (keys) => keys.map((key) => `${key} r${this.#cluster.state.revision(key)}`),
  };

  #agent(id: string, fields: Record<string, unknown>): void {
    const before: OfferDocument | null = this.#cluster.offer(id);
    const { cpus, mem, disk, gpus, ports, custom, ...others } = fields;
    const asked = Object.entries({ cpus, mem, disk, gpus, ports }).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}:${typeof value === "object" ? JSON.stringify(value) : value}`],
    );
    const { resources, ports: ranges } = parseResources(asked.join(";"));
    const attributes = Object.entries(others).filter(([name]) => !OFFER_FIELDS.includes(name));
    const given = Object.fromEntries(Object.entries(others).filter(([name]) => OFFER_FIELDS.includes(name)));
    this.#cluster.agent(id, {
      capacity: { cpuMillis: 4_000, memoryMib: 4_096, diskMib: 0, gpus: 0, ...before?.capacity, ...resources },
      ...(ranges === null ? {} : { ports: ranges }),
      ...(custom === undefined ? {} : { custom: parseResources(String(custom)).custom }),
      ...(attributes.length === 0
        ? {}
        : { attributes: parseAttributes(attributes.map(([name, value]) => `${name}:${value}`).join(";")) }),
      ...given,
    });
  }

  /** `3`, or `agent=n1,n2`: one for each. */
  #want(id: string, [what = "1"]: readonly string[]): void {
    this.#cluster.want(id, what.startsWith("agent=") ? what.slice("agent=".length).split(",") : Number(what));
  }

  #stop(names: readonly string[]): void {
    for (const name of names) {
      const { app, row } = this.#rowOf(name);
      this.#cluster.unwant(app, ({ attempt }) => attempt === row.attempt);
    }
  }

  #end(names: readonly string[]): void {
    for (const name of names) {
      const { app, row } = this.#rowOf(name);
      this.#cluster.end(app, row);
    }
  }

  /** `/web.0`: the instance in slot 0. */
  #rowOf(name: string): { app: string; row: PlacedRow } {
    const dot = name.lastIndexOf(".");
    const app = name.slice(0, dot);
    const row = this.#cluster.rows(app).find(({ slot }) => slot === Number(name.slice(dot + 1)));
    assert.ok(row !== undefined, `${name} stands nowhere`);
    return { app, row };
  }

  #look(name: string): void {
    const { state, health } = this.#cluster;
    const before = this.#workers.get(name);
    this.#workers.set(name, {
      state: state.snapshot(),
      health: health.snapshot(),
      dice: before?.dice ?? diceOf(hash32(name)),
      round: null,
    });
  }

  /** A worker sees the world as it was when it last looked: at first, when it is first spoken of. */
  #worker(name: string): Worker {
    if (!this.#workers.has(name)) this.#look(name);
    return this.#workers.get(name) as Worker;
  }

  #decide(name: string, apps: readonly string[]): string[] {
    const worker = this.#worker(name);
    const { state, health, dice } = worker;
    worker.round = this.#cluster.decide(apps, { view: state, health, dice });
    return worker.round.reports.flatMap((report) => {
      const before = state.kind("placed").get(report.app.slice(1).replaceAll("/", "_"))?.value.rows ?? [];
      const known = new Set(before.map((row) => row.attempt));
      const { writes } = (worker.round as Round).decision;
      const after = writes.find(({ key }) => key === `placed.${report.app.slice(1).replaceAll("/", "_")}`)?.value as
        | { rows: PlacedRow[] }
        | undefined;
      const fresh = (after?.rows ?? []).filter((row) => !known.has(row.attempt));
      return [
        ...(report.released > 0 ? [`${report.app} gives back ${report.released}`] : []),
        ...(report.stopped > 0 ? [`${report.app} is told to stop ${report.stopped}`] : []),
        ...fresh.map((row) => `${tellRow(report.app, row)} base=r${state.revision(`ledger.${row.agent}`)}`),
        ...(report.waiting === null ? [] : [tellWaitingShortly(report.waiting)]),
      ];
    });
  }

  #commit(name: string): string[] {
    const { round } = this.#worker(name);
    if (round === null) throw new Error(`${name} has decided nothing`);
    const { decision } = round;
    const { state } = this.#cluster;
    if (decision.writes.length === 0) return [`${name} has nothing to do`];
    const stale = state.stale(decision);
    if (stale !== null) {
      const seen = [...decision.asserts.map(({ key, revision }) => ({ key, expect: revision })), ...decision.writes];
      const base = seen.find(({ key, expect }) => key === stale && expect !== null)?.expect;
      return [`${name} refused: ${stale} base=r${base} seen=r${state.revision(stale)}`];
    }
    checkForms(decision.writes);
    const woken = this.#changing(() => state.commit(decision));
    const worker = this.#worker(name);
    worker.round = null;
    return [`${name} written r${state.sequence}`, ...woken];
  }

  /** Whoever is woken by what happens, as the placement service wakes them. */
  #changing(happen: () => unknown): string[] {
    const before: StateView = this.#cluster.state.snapshot();
    happen();
    const after = this.#cluster.state.snapshot();
    const woken = appsCuredBy(after, Fleet.of(after), changesBetween(before, after));
    return woken.length === 0 ? [] : [`wakes ${woken.join(" ")}`];
  }
}

/** What is written is what is read back. */
function checkForms(writes: Round["decision"]["writes"]): void {
  for (const { key, value } of writes) {
    if (value === null) continue;
    const kind = key.split(".")[0] as keyof typeof STATE_KINDS;
    const schema = kind === "instance" ? InstanceDocumentSchema : STATE_KINDS[kind];
    assert.deepEqual(schema.parse(JSON.parse(JSON.stringify(storedForm(key, value)))), value, key);
  }
}
