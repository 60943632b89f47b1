/** The buckets' compare-and-set in memory, with snapshots that lag: what property tests and golden scripts decide on. */
import type { Decision, Documents, Entry, HealthView, StateView, Write } from "@muster/contracts";

/** All keys of one kind by their remaining tokens. A snapshot shares it; whoever writes then copies it first. */
type Shelf = { readonly documents: Map<string, Entry<unknown>>; readonly revisions: Map<string, number> };

const EMPTY: Shelf = { documents: new Map(), revisions: new Map() };

const split = (key: string): [kind: string, rest: string] => {
  const dot = key.indexOf(".");
  return dot < 0 ? [key, ""] : [key.slice(0, dot), key.slice(dot + 1)];
};

const revisionIn = (shelves: ReadonlyMap<string, Shelf>, key: string): number => {
  const [kind, rest] = split(key);
  return shelves.get(kind)?.revisions.get(rest) ?? 0;
};

/** A frozen look at a bucket; `StateView` and `HealthView` in one. */
class Snapshot {
  readonly #shelves: ReadonlyMap<string, Shelf>;

  constructor(shelves: ReadonlyMap<string, Shelf>) {
    this.#shelves = shelves;
  }

  kind(kind: string): Documents<never> {
    return (this.#shelves.get(kind) ?? EMPTY).documents as unknown as Documents<never>;
  }

  revision(key: string): number {
    return revisionIn(this.#shelves, key);
  }
}

/** Either bucket as of one moment. */
export type View = StateView & HealthView;

export class MemoryBucket {
  readonly #shelves = new Map<string, Shelf>();
  /** Kinds that no snapshot shares. */
  readonly #owned = new Set<string>();
  #snapshot: View | null = null;
  sequence = 0;

  /** All or nothing, as the server does it. True when it landed. What is stored may not be changed any more: it is frozen. */
  commit(decision: Pick<Decision, "writes" | "asserts">): boolean {
    if (this.stale(decision) !== null) return false;
    const keys = decision.writes.map((write) => write.key);
    if (new Set(keys).size !== keys.length) throw new Error(`a key twice in one batch: ${keys.join()}`);
    for (const { key, value } of decision.writes) this.#store(key, value);
    return true;
  }

  /** The first key that no longer stands at the revision the decision rests on, or null. */
  stale({ writes, asserts }: Pick<Decision, "writes" | "asserts">): string | null {
    for (const { key, revision } of asserts) if (this.revision(key) !== revision) return key;
    for (const { key, expect } of writes) if (expect !== null && this.revision(key) !== expect) return key;
    return null;
  }

  write(key: string, value: unknown): void {
    this.commit({ writes: [{ key, value, expect: null } satisfies Write], asserts: [] });
  }

  revision(key: string): number {
    return revisionIn(this.#shelves, key);
  }

  snapshot(): View {
    if (this.#snapshot === null) {
      this.#owned.clear();
      this.#snapshot = new Snapshot(new Map(this.#shelves)) as unknown as View;
    }
    return this.#snapshot;
  }

  #store(key: string, value: unknown): void {
    const [kind, rest] = split(key);
    const { documents, revisions } = this.#shelf(kind);
    this.#snapshot = null;
    this.sequence += 1;
    revisions.set(rest, this.sequence);
    if (value === null) documents.delete(rest);
    else documents.set(rest, { value: freeze(value), revision: this.sequence });
  }

  #shelf(kind: string): Shelf {
    const shelf = this.#shelves.get(kind);
    if (shelf !== undefined && this.#owned.has(kind)) return shelf;
    const own: Shelf = { documents: new Map(shelf?.documents), revisions: new Map(shelf?.revisions) };
    this.#owned.add(kind);
    this.#shelves.set(kind, own);
    return own;
  }
}

/** A document in a bucket is a copy nobody can change; freezing finds whoever would try. */
function freeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const each of Object.values(value)) freeze(each);
  return value;
}
