/** The buckets' compare-and-set in memory, with snapshots that lag: what property tests and golden scripts decide on. */
import type { Decision, Documents, Entry, HealthView, StateView, Write } from "@muster/contracts";

type Stored = { readonly value: unknown; readonly revision: number };

/** A frozen look at a bucket; `StateView` and `HealthView` in one. */
export class Snapshot {
  readonly #entries: ReadonlyMap<string, Stored>;
  readonly #kinds = new Map<string, Map<string, Entry<unknown>>>();

  constructor(entries: ReadonlyMap<string, Stored>) {
    this.#entries = entries;
  }

  kind(kind: string): Documents<never> {
    let documents = this.#kinds.get(kind);
    if (documents === undefined) {
      documents = new Map();
      for (const [key, { value, revision }] of this.#entries) {
        const [first = "", ...rest] = key.split(".");
        if (first === kind && value !== null) documents.set(rest.join("."), { value, revision });
      }
      this.#kinds.set(kind, documents);
    }
    return documents as unknown as Documents<never>;
  }

  revision(key: string): number {
    return this.#entries.get(key)?.revision ?? 0;
  }
}

export class MemoryBucket {
  #entries = new Map<string, Stored>();
  sequence = 0;
  /** Every key ever written, oldest first. */
  readonly log: string[] = [];

  /** All or nothing, as the server does it. True when it landed. */
  commit(decision: Pick<Decision, "writes" | "asserts">): boolean {
    const now = (key: string) => this.#entries.get(key)?.revision ?? 0;
    if (decision.asserts.some(({ key, revision }) => now(key) !== revision)) return false;
    if (decision.writes.some(({ key, expect }) => expect !== null && now(key) !== expect)) return false;
    const keys = decision.writes.map((write) => write.key);
    if (new Set(keys).size !== keys.length) throw new Error(`a key twice in one batch: ${keys.join()}`);
    for (const { key, value } of decision.writes) {
      this.sequence += 1;
      this.#entries.set(key, { value: structuredClone(value), revision: this.sequence });
      this.log.push(key);
    }
    return true;
  }

  write(key: string, value: unknown): void {
    this.commit({ writes: [{ key, value, expect: null } satisfies Write], asserts: [] });
  }

  snapshot(): Snapshot & StateView & HealthView {
    return new Snapshot(new Map(this.#entries)) as unknown as Snapshot & StateView & HealthView;
  }
}
