import type { Assertion, Decision } from "@muster/contracts";

/**
 * Decisions that were made side by side and share a batch. None of them writes what another one writes or rests on: inside a batch
 * nobody would notice.
 */
export class SharedBatch {
  readonly #decisions: Decision[] = [];
  readonly #written = new Set<string>();
  readonly #asserted = new Set<string>();
  /** Writes and events, so far. */
  messages = 0;

  get isEmpty(): boolean {
    return this.#decisions.length === 0;
  }

  /** False: it touches what another one touches, and waits for the next batch. */
  take(decision: Decision): boolean {
    const { writes, asserts, events } = decision;
    const touches =
      writes.some(({ key }) => this.#written.has(key) || this.#asserted.has(key)) ||
      asserts.some(({ key }) => this.#written.has(key));
    if (touches) return false;
    for (const { key } of writes) this.#written.add(key);
    for (const { key } of asserts) this.#asserted.add(key);
    this.#decisions.push(decision);
    this.messages += writes.length + events.length;
    return true;
  }

  /**
   * One decision of them all, resting on `asserts` too; what several rest on is asserted once, and each event and each wake-up keeps
   * the trace it came with.
   */
  merged(asserts: readonly Assertion[] = []): Decision {
    const all = this.#decisions;
    const resting = [...all.flatMap((decision) => decision.asserts), ...asserts];
    return {
      writes: all.flatMap(({ writes }) => writes),
      asserts: [...new Map(resting.map((each) => [each.key, each])).values()],
      events: all.flatMap(({ events, trace }) => events.map((event) => ({ trace, ...event }))),
      wakes: all.flatMap(({ wakes, trace }) => wakes.map((wake) => ({ trace, ...wake }))),
      trace: all.length === 1 ? (all[0]?.trace ?? null) : null,
    };
  }
}
