/** A binary heap of agents by score, smallest first, in typed arrays: no object per agent. */
export class ScoreHeap {
  readonly #scores: Float64Array;
  readonly #agents: Int32Array;
  #size: number;

  /** Takes the first `size` entries of both and orders them in place. */
  constructor(agents: Int32Array, scores: Float64Array, size: number) {
    this.#agents = agents;
    this.#scores = scores;
    this.#size = size;
    this.#order();
  }

  get size(): number {
    return this.#size;
  }
  get agent(): number {
    return this.#agents[0] as number;
  }
  get score(): number {
    return this.#scores[0] as number;
  }

  #order(): void {
    for (let i = (this.#size >> 1) - 1; i >= 0; i -= 1) this.#sink(i);
  }

  pop(): void {
    this.#size -= 1;
    this.#agents[0] = this.#agents[this.#size] as number;
    this.#scores[0] = this.#scores[this.#size] as number;
    this.#sink(0);
  }

  /** Gives the first another score. */
  rescore(score: number): void {
    this.#scores[0] = score;
    this.#sink(0);
  }

  /** Gives all of them other scores. */
  rescoreAll(scoreOf: (agent: number) => number): void {
    for (let i = 0; i < this.#size; i += 1) this.#scores[i] = scoreOf(this.#agents[i] as number);
    this.#order();
  }

  #sink(from: number): void {
    const [scores, agents, size] = [this.#scores, this.#agents, this.#size];
    const score = scores[from] as number;
    const agent = agents[from] as number;
    let i = from;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= size) break;
      if (child + 1 < size && (scores[child + 1] as number) < (scores[child] as number)) child += 1;
      if ((scores[child] as number) >= score) break;
      scores[i] = scores[child] as number;
      agents[i] = agents[child] as number;
      i = child;
    }
    scores[i] = score;
    agents[i] = agent;
  }
}
