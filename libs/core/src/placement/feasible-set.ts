/**
 * Which agents pass an ask: its class (gate, role, runtime) is asked once per class, quantities are compared column by column,
 * rules and the rarer checks come last. The same checks explain a refusal, so there is one truth about what fits.
 */
import type { Ask } from "../ask.ts";
import type { FeasibilityCheck } from "../feasible/check.ts";
import { CLASS_CHECKS, QUANTITY_CHECKS } from "../feasible/index.ts";
import { ABSENT, type Fleet } from "../fleet/fleet.ts";
import type { Rule } from "../rules/rule.ts";

const UNKNOWN = 0;
const PASSES = 1;
const REFUSED = 2;
/** Checked by comparing columns. */
const PLAIN = new Set(["cpus", "memory", "disk", "gpus"]);

/** Nothing asked is never too much, not even of an agent that owes some. */
const threshold = (asked: number): number => (asked > 0 ? asked : Number.NEGATIVE_INFINITY);

export class FeasibleSet {
  readonly #ask: Ask;
  readonly #fleet: Fleet;
  readonly #rules: readonly Rule[];
  readonly #others: readonly FeasibilityCheck[];
  readonly #classes: Uint8Array;
  readonly #cpuMillis: number;
  readonly #memoryMib: number;
  readonly #diskMib: number;
  readonly #gpus: number;

  constructor(ask: Ask, fleet: Fleet, rules: readonly Rule[]) {
    this.#ask = ask;
    this.#fleet = fleet;
    this.#rules = rules;
    this.#others = QUANTITY_CHECKS.filter((check) => !PLAIN.has(check.name) && check.applies(ask));
    this.#classes = new Uint8Array(fleet.classCount);
    this.#cpuMillis = threshold(ask.resources.cpuMillis);
    this.#memoryMib = threshold(ask.resources.memoryMib);
    this.#diskMib = threshold(ask.resources.diskMib);
    this.#gpus = threshold(ask.resources.gpus);
  }

  has(agent: number): boolean {
    const fleet = this.#fleet;
    return (
      this.#passesClass(fleet.classes[agent] as number, agent) &&
      (fleet.cpuMillis[agent] as number) >= this.#cpuMillis &&
      (fleet.memoryMib[agent] as number) >= this.#memoryMib &&
      (fleet.diskMib[agent] as number) >= this.#diskMib &&
      (fleet.gpus[agent] as number) >= this.#gpus &&
      this.#keepsRules(agent) &&
      this.#passesOthers(agent)
    );
  }

  /** All agents that pass, written into `agents` from its beginning; how many they are. The same test as `has`, over columns. */
  collect(agents: Int32Array): number {
    const { size, classes, cpuMillis, memoryMib, diskMib, gpus } = this.#fleet;
    const [cpu, memory, disk, gpu] = [this.#cpuMillis, this.#memoryMib, this.#diskMib, this.#gpus];
    const asksMore = disk > 0 || gpu > 0;
    const known = this.#classes;
    let count = 0;
    for (let agent = 0; agent < size; agent += 1) {
      if ((cpuMillis[agent] as number) < cpu || (memoryMib[agent] as number) < memory) continue;
      if (asksMore && ((diskMib[agent] as number) < disk || (gpus[agent] as number) < gpu)) continue;
      const itsClass = classes[agent] as number;
      if (known[itsClass] !== PASSES && !this.#passesClass(itsClass, agent)) continue;
      agents[count] = agent;
      count += 1;
    }
    // Rule by rule over what is left, and not agent by agent over all rules: each loop calls one function only.
    for (const rule of this.#rules) count = keep(agents, count, (agent) => !rule.refuses(agent));
    for (const check of this.#others)
      count = keep(agents, count, (agent) => check.short(this.#ask, this.#fleet, agent) <= 0);
    return count;
  }

  #passesClass(itsClass: number, agent: number): boolean {
    if (itsClass === ABSENT) return false;
    let verdict = this.#classes[itsClass] as number;
    if (verdict === UNKNOWN) {
      verdict = CLASS_CHECKS.every((check) => check.short(this.#ask, this.#fleet, agent) === 0) ? PASSES : REFUSED;
      this.#classes[itsClass] = verdict;
    }
    return verdict === PASSES;
  }

  #keepsRules(agent: number): boolean {
    for (let i = 0; i < this.#rules.length; i += 1) if ((this.#rules[i] as Rule).refuses(agent)) return false;
    return true;
  }

  #passesOthers(agent: number): boolean {
    for (let i = 0; i < this.#others.length; i += 1)
      if ((this.#others[i] as FeasibilityCheck).short(this.#ask, this.#fleet, agent) > 0) return false;
    return true;
  }
}

/** Keeps those of the first `count` agents that pass, in order; how many they are. */
function keep(agents: Int32Array, count: number, passes: (agent: number) => boolean): number {
  let kept = 0;
  for (let i = 0; i < count; i += 1) {
    const agent = agents[i] as number;
    if (!passes(agent)) continue;
    agents[kept] = agent;
    kept += 1;
  }
  return kept;
}
