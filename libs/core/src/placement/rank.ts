/**
 * Which of the agents that pass is best: the lowest score. Its parts, heaviest first: soft rules lost, evenness over the fields
 * of `spreadOver`, an agent where this instance just failed, the strategy, an image that is there already, and a little chance.
 */
import { type Strategy, unreachable } from "@muster/contracts";
import type { Ask } from "../ask.ts";
import { type FieldColumn, MISSING } from "../fleet/column.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Preference } from "../rules/rule.ts";

/** The lightest soft rule outweighs everything else: rules are lost one at a time, by least loss. */
const LOSS = 1_000_000;
/** One instance more on a value of a field, at weight 100. */
const EVENNESS = 1_000;
/** Heavier than one instance of the app with all that is lighter: the next attempt goes where the app already runs rather than back. */
const JUST_FAILED = 9;
/** One instance of the app: heavier than any load. */
const INSTANCE = 4;
const IMAGE = 0.5;
/** Keeps agents that are equally good from being taken in one order by every worker. */
const CHANCE = 0.01;
/** Where the fuller agent is the better one, chance may only part equals: small instances would be strewn otherwise. */
const TIE = 1e-6;

export type RankingInput = {
  readonly ask: Ask;
  readonly fleet: Fleet;
  readonly strategy: Strategy;
  readonly preferences: readonly Preference[];
  /** Agents on which instances of the app stand, whatever their version, one entry each. */
  readonly standing: readonly number[];
  /** Agents on which an instance of this group just failed. */
  readonly failed: ReadonlySet<number>;
  /** Less than `INSTANCE`, by agent: how far an agent is from this worker's own share; null for a worker alone. */
  readonly distance: Float64Array | null;
  readonly seed: number;
};

type Evenness = { readonly column: FieldColumn; readonly weight: number; readonly counts: Int32Array; lacking: number };

export class Ranking {
  readonly #input: RankingInput;
  readonly #fleet: Fleet;
  readonly #counts: Int32Array;
  readonly #evenness: Evenness[];
  readonly #images: readonly boolean[] | null;
  readonly #isPlain: boolean;
  /** A choice changes other agents' scores for the worse: the best must be scored again before it is taken. */
  readonly isEven: boolean;

  constructor(input: RankingInput) {
    const { ask, fleet, preferences, standing, failed, distance } = input;
    this.#input = input;
    this.#fleet = fleet;
    this.#counts = new Int32Array(fleet.size);
    for (const agent of standing) this.#counts[agent] = (this.#counts[agent] as number) + 1;
    this.#evenness = ask.placement.spreadOver.map(({ field, weight }) => {
      const column = fleet.column(field);
      return { column, weight, counts: new Int32Array(column.values.length), lacking: 0 };
    });
    for (const agent of standing) for (const each of this.#evenness) count(each, agent);
    this.#images = ask.image === null ? null : hasImage(fleet, ask.image);
    this.isEven = this.#evenness.length > 0 || preferences.some(({ take }) => take !== null);
    this.#isPlain =
      preferences.length === 0 && !this.isEven && failed.size === 0 && this.#images === null && distance === null;
  }

  score(agent: number): number {
    const { strategy, seed } = this.#input;
    const count = this.#counts[agent] as number;
    const plain = strategyScore(strategy, count, this.#fleet.load(agent), chanceOf(agent, count, seed));
    return this.#isPlain ? plain : plain + this.#extra(agent);
  }

  /** The scores of the first `size` agents. */
  scoreAll(agents: Int32Array, scores: Float64Array, size: number): void {
    const { strategy, seed } = this.#input;
    const [counts, fleet] = [this.#counts, this.#fleet];
    for (let i = 0; i < size; i += 1) {
      const agent = agents[i] as number;
      const count = counts[agent] as number;
      const plain = strategyScore(strategy, count, fleet.load(agent), chanceOf(agent, count, seed));
      scores[i] = this.#isPlain ? plain : plain + this.#extra(agent);
    }
  }

  /** Counts a choice. True when it changed other agents' scores for the better: then all must be scored again. */
  take(agent: number): boolean {
    this.#counts[agent] = (this.#counts[agent] as number) + 1;
    for (const each of this.#evenness) count(each, agent);
    let isBetter = false;
    for (const { take } of this.#input.preferences) if (take?.(agent)) isBetter = true;
    return isBetter;
  }

  #extra(agent: number): number {
    const { preferences, failed, distance } = this.#input;
    let extra = distance === null ? 0 : (distance[agent] as number);
    for (const preference of preferences) if (preference.isLost(agent)) extra += preference.weight * LOSS;
    for (const { column, weight, counts, lacking } of this.#evenness) {
      const id = column.ids[agent] as number;
      extra += (id === MISSING ? lacking : (counts[id] as number)) * weight * (EVENNESS / 100);
    }
    if (failed.has(agent)) extra += JUST_FAILED;
    if (this.#images?.[agent] === false) extra += IMAGE;
    return extra;
  }
}

function strategyScore(strategy: Strategy, count: number, load: number, chance: number): number {
  switch (strategy) {
    case "spread":
      return count * INSTANCE + load + chance * CHANCE;
    case "binpack":
      return 1 - load + chance * TIE;
    case "random":
      return chance;
    default:
      return unreachable(strategy);
  }
}

/** Agents without the field are a group of their own. */
function count(each: Evenness, agent: number): void {
  const id = each.column.ids[agent] as number;
  if (id === MISSING) each.lacking += 1;
  else each.counts[id] = (each.counts[id] as number) + 1;
}

const hasImage = (fleet: Fleet, image: string): boolean[] => {
  const name = /:[^/]+$|@/.test(image) ? image : `${image}:latest`;
  return fleet.offers.map((offer) => offer?.images.includes(name) === true);
};

/** In [0, 1), the same for equal arguments (a multiplicative hash with MurmurHash3's finalizer). */
function chanceOf(agent: number, count: number, seed: number): number {
  let h = Math.imul(agent ^ seed, 0x9e3779b1) ^ Math.imul(count + 1, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}
