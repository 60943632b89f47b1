/** Which of the agents that pass is best: fewest instances of the app, then the least used. Lower scores come first. */
import { appToken } from "@muster/contracts";
import { type AgentView, instanceCount } from "../agent-view.ts";
import type { Ask } from "../ask.ts";

const share = (used: number, capacity: number): number => (capacity > 0 ? used / capacity : 0);

/** Spread: one more instance of the same app costs more than any load. `tie` in [0, 1) keeps workers from all taking the same. */
export function score(ask: Ask, agent: AgentView, taken: number, tie: number): number {
  const { capacity } = agent.offer;
  const load = Math.max(
    share(agent.used.cpuMillis, capacity.cpuMillis),
    share(agent.used.memoryMib, capacity.memoryMib),
  );
  return (instanceCount(agent.ledger, appToken(ask.app)) + taken) * 4 + load + tie * 0.01;
}

/** A binary heap of agents by score, smallest first. */
export class ScoreHeap {
  readonly #items: { agent: AgentView; score: number }[] = [];

  push(agent: AgentView, itsScore: number): void {
    const items = this.#items;
    let i = items.push({ agent, score: itsScore }) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if ((items[parent] as { score: number }).score <= itsScore) break;
      [items[i], items[parent]] = [items[parent] as (typeof items)[0], items[i] as (typeof items)[0]];
      i = parent;
    }
  }

  pop(): AgentView | null {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (top === undefined || last === undefined) return null;
    if (items.length > 0) {
      items[0] = last;
      this.#sink(0);
    }
    return top.agent;
  }

  #sink(from: number): void {
    const items = this.#items;
    for (let i = from; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2])
        if (
          child < items.length &&
          (items[child] as { score: number }).score < (items[least] as { score: number }).score
        )
          least = child;
      if (least === i) return;
      [items[i], items[least]] = [items[least] as (typeof items)[0], items[i] as (typeof items)[0]];
      i = least;
    }
  }
}
