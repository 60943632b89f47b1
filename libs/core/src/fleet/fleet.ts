/**
 * All agents as columns of numbers, fed change by change: what placement reads thousands of agents from in microseconds.
 * A round takes shares here as it decides and gives them all back at its end: the ledgers alone say what is committed.
 */
import {
  agentIdOf,
  type CustomResources,
  type LedgerDocument,
  type OfferDocument,
  RESOURCE_NAMES,
  type Resources,
  RUNTIMES,
  type StateView,
} from "@muster/contracts";
import { FieldColumn } from "./column.ts";
import { freePortCount } from "./ports.ts";

const FIRST_ROOM = 64;
/** Class of what has no offer or no ledger. */
export const ABSENT = -1;

export class Fleet {
  /** Agents ever seen; those without an offer or a ledger are of the class `ABSENT`. */
  size = 0;
  readonly ids: string[] = [];
  readonly offers: (OfferDocument | null)[] = [];
  readonly ledgers: (LedgerDocument | null)[] = [];
  /** Capacity less what is used; below zero where an agent came back smaller than what it holds, which `free` calls 0. */
  cpuMillis = new Float64Array(FIRST_ROOM);
  memoryMib = new Float64Array(FIRST_ROOM);
  diskMib = new Float64Array(FIRST_ROOM);
  gpus = new Float64Array(FIRST_ROOM);
  /** One over the capacity in cpus and memory, 0 where there is none: a share costs a multiplication. */
  perCpu = new Float64Array(FIRST_ROOM);
  perMemory = new Float64Array(FIRST_ROOM);
  /** Agents with equal gate, role and runtimes share a class: what depends on those alone is asked once per class. */
  classes = new Int32Array(FIRST_ROOM);
  readonly #classKeys = new Map<string, number>();
  readonly #indexes = new Map<string, number>();
  readonly #columns = new Map<string, FieldColumn>();
  readonly #ports: (Set<number> | null)[] = [];
  #freePorts = new Int32Array(FIRST_ROOM);
  readonly #custom: (CustomResources | null)[] = [];
  readonly #touched = new Set<number>();
  /** Room for one choice's candidates, used again by the next. */
  scratch = { agents: new Int32Array(FIRST_ROOM), scores: new Float64Array(FIRST_ROOM) };

  static of(state: StateView): Fleet {
    const fleet = new Fleet();
    for (const [token, { value }] of state.kind("offer")) fleet.setOffer(agentIdOf(token), value);
    for (const [token, { value }] of state.kind("ledger")) fleet.setLedger(agentIdOf(token), value);
    return fleet;
  }

  indexOf(agent: string): number | null {
    return this.#indexes.get(agent) ?? null;
  }

  setOffer(agent: string, offer: OfferDocument | null): void {
    const i = this.#index(agent);
    this.offers[i] = offer;
    for (const column of this.#columns.values()) column.set(i, offer);
    this.#refresh(i);
  }

  setLedger(agent: string, ledger: LedgerDocument | null): void {
    const i = this.#index(agent);
    this.ledgers[i] = ledger;
    this.#refresh(i);
  }

  /** A field's values over all agents; made when first asked for, kept up to date from then on. */
  column(field: string): FieldColumn {
    let column = this.#columns.get(field);
    if (column === undefined) {
      column = new FieldColumn(field, this.classes.length);
      for (let i = 0; i < this.size; i += 1) column.set(i, this.offers[i] ?? null);
      this.#columns.set(field, column);
    }
    return column;
  }

  free(i: number, name: keyof Resources): number {
    return Math.max(0, this[name][i] as number);
  }

  takenPorts(i: number): Set<number> {
    const known = this.#ports[i];
    if (known != null) return known;
    const ports = new Set(this.ledgers[i]?.ports);
    this.#ports[i] = ports;
    return ports;
  }

  freePorts(i: number): number {
    if ((this.#freePorts[i] as number) < 0)
      this.#freePorts[i] = freePortCount(this.offers[i]?.ports ?? [], this.takenPorts(i));
    return this.#freePorts[i] as number;
  }

  /** Custom resources taken on the agent, this round's own choices included. */
  takenCustom(i: number): CustomResources {
    return this.#custom[i] ?? (this.ledgers[i] as LedgerDocument).custom;
  }

  /** The greater share of cpus and memory in use, 0 to 1: an agent that came back smaller than what it holds is full. */
  load(i: number): number {
    const cpu = 1 - (this.cpuMillis[i] as number) * (this.perCpu[i] as number);
    const memory = 1 - (this.memoryMib[i] as number) * (this.perMemory[i] as number);
    return Math.min(1, Math.max(cpu, memory));
  }

  /** Counts a share as taken until `restore`. `custom`: all that is then taken of the agent's custom resources. */
  take(i: number, resources: Resources, ports: readonly number[], custom: CustomResources | null): void {
    this.hold(i, resources, 1);
    if (ports.length > 0) {
      const taken = this.takenPorts(i);
      for (const port of ports) taken.add(port);
      this.#freePorts[i] = -1;
    }
    if (custom !== null) this.#custom[i] = custom;
  }

  /** Gives a share back until `restore`, as when its instance is released in this round. */
  giveBack(i: number, resources: Resources, ports: readonly number[], custom: CustomResources): void {
    this.hold(i, resources, -1);
    const taken = this.takenPorts(i);
    for (const port of ports) taken.delete(port);
    this.#freePorts[i] = -1;
    this.#custom[i] = custom;
  }

  /** Takes `count` shares of the plain resources, or gives them back where `count` is negative, until `restore`. */
  hold(i: number, resources: Resources, count: number): void {
    this.#touched.add(i);
    this.cpuMillis[i] = (this.cpuMillis[i] as number) - count * resources.cpuMillis;
    this.memoryMib[i] = (this.memoryMib[i] as number) - count * resources.memoryMib;
    this.diskMib[i] = (this.diskMib[i] as number) - count * resources.diskMib;
    this.gpus[i] = (this.gpus[i] as number) - count * resources.gpus;
  }

  /** Gives back all that was taken since the last time. */
  restore(): void {
    for (const i of this.#touched) this.#refresh(i);
    this.#touched.clear();
  }

  #refresh(i: number): void {
    const [offer, ledger] = [this.offers[i] ?? null, this.ledgers[i] ?? null];
    for (const name of RESOURCE_NAMES) this[name][i] = (offer?.capacity[name] ?? 0) - (ledger?.used[name] ?? 0);
    this.perCpu[i] = inverse(offer?.capacity.cpuMillis);
    this.perMemory[i] = inverse(offer?.capacity.memoryMib);
    this.#ports[i] = null;
    this.#freePorts[i] = -1;
    this.#custom[i] = null;
    this.classes[i] = this.#classOf(offer, ledger);
  }

  #classOf(offer: OfferDocument | null, ledger: LedgerDocument | null): number {
    if (offer === null || ledger === null) return ABSENT;
    const runtimes = RUNTIMES.reduce(
      (bits, name, bit) => (offer.runtimes.includes(name) ? bits | (1 << bit) : bits),
      0,
    );
    const key = `${ledger.gate.open} ${ledger.gate.reason} ${runtimes} ${offer.role}`;
    let known = this.#classKeys.get(key);
    if (known === undefined) {
      known = this.#classKeys.size;
      this.#classKeys.set(key, known);
    }
    return known;
  }

  get classCount(): number {
    return this.#classKeys.size;
  }

  #index(agent: string): number {
    const known = this.#indexes.get(agent);
    if (known !== undefined) return known;
    const i = this.size;
    if (i === this.classes.length) this.#grow(2 * i);
    this.size += 1;
    this.ids.push(agent);
    this.offers.push(null);
    this.ledgers.push(null);
    this.#indexes.set(agent, i);
    return i;
  }

  #grow(size: number): void {
    for (const name of ["cpuMillis", "memoryMib", "diskMib", "gpus", "perCpu", "perMemory"] as const)
      this[name] = grown(this[name], new Float64Array(size));
    this.classes = grown(this.classes, new Int32Array(size));
    this.#freePorts = grown(this.#freePorts, new Int32Array(size));
    for (const column of this.#columns.values()) column.grow(size);
    this.scratch = { agents: new Int32Array(size), scores: new Float64Array(size) };
  }
}

const inverse = (capacity: number | undefined): number => (capacity !== undefined && capacity > 0 ? 1 / capacity : 0);

function grown<A extends Float64Array | Int32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
