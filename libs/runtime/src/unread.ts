/**
 * Documents that came and were not read yet: where nobody asks for them between one version and the next, the earlier one
 * need never be read. What lies too long is read in small portions, so that whoever asks at last does not wait for all of it.
 */
import { setImmediate as nextTurn } from "node:timers/promises";

export type UnreadDocument = {
  readonly key: string;
  readonly rest: string;
  readonly subject: string;
  readonly body: Uint8Array;
  readonly revision: number;
  readonly ttlMs: number | null;
};

const PORTION_EVERY_MS = 50;
const PORTION_MS = 4;
/** The same where somebody waits for all of it. */
const SLICE_MS = 8;
/** Nothing is read unasked while more is coming. */
const CALM_MS = 500;

export class Unread {
  readonly #kinds: ReadonlyMap<string, Map<string, UnreadDocument>>;
  readonly #read: (kind: string, document: UnreadDocument) => void;
  #timer: NodeJS.Timeout | null = null;
  #addedAtMs = 0;

  constructor(kinds: readonly string[], read: (kind: string, document: UnreadDocument) => void) {
    this.#kinds = new Map(kinds.map((kind) => [kind, new Map()]));
    this.#read = read;
  }

  /** True for kinds that are read only when somebody asks. */
  keeps(kind: string): boolean {
    return this.#kinds.size > 0 && this.#kinds.has(kind);
  }

  /** Keeps a document in place of an earlier one. Its body is copied: it is a piece of what the socket brought. */
  add(kind: string, document: UnreadDocument): void {
    this.#kinds.get(kind)?.set(document.rest, { ...document, body: Buffer.from(document.body) });
    this.#addedAtMs = performance.now();
    this.#again(CALM_MS);
  }

  drop(kind: string, rest: string): void {
    if (this.#kinds.size > 0) this.#kinds.get(kind)?.delete(rest);
  }

  /** Reads all that is there by now, and lets others go first every few milliseconds. */
  async readSoon(): Promise<void> {
    let until = performance.now() + SLICE_MS;
    for (const [kind, documents] of this.#kinds)
      for (const rest of documents.keys()) {
        this.readOne(kind, rest);
        if (performance.now() < until) continue;
        await nextTurn();
        until = performance.now() + SLICE_MS;
      }
  }

  restsOf(kind: string): Iterable<string> {
    return this.#kinds.get(kind)?.keys() ?? [];
  }

  /** Reads all that is there of a kind. */
  readAll(kind: string): void {
    const documents = this.#kinds.get(kind);
    if (documents === undefined || documents.size === 0) return;
    for (const document of documents.values()) this.#read(kind, document);
    documents.clear();
  }

  /** Reads one document, if it is here. */
  readOne(kind: string, rest: string): void {
    const documents = this.#kinds.get(kind);
    const document = documents?.get(rest);
    if (documents === undefined || document === undefined) return;
    documents.delete(rest);
    this.#read(kind, document);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #again(afterMs: number): void {
    this.#timer ??= setTimeout(() => this.#readPortion(), afterMs).unref();
  }

  #readPortion(): void {
    this.#timer = null;
    const now = performance.now();
    if (now - this.#addedAtMs < CALM_MS) {
      this.#again(CALM_MS);
      return;
    }
    for (const [kind, documents] of this.#kinds) {
      for (const rest of documents.keys()) {
        if (performance.now() > now + PORTION_MS) {
          this.#again(PORTION_EVERY_MS);
          return;
        }
        this.readOne(kind, rest);
      }
    }
  }
}

/**
 * Documents of a kind that is read when somebody asks: one that is asked for by its key is read alone, all of them only when
 * they are walked. Who looks at one app does not wait for the documents of all.
 */
export class DocumentsOnDemand<T> implements ReadonlyMap<string, T> {
  readonly #documents: ReadonlyMap<string, T>;
  readonly #unread: Unread;
  readonly #kind: string;

  constructor(documents: ReadonlyMap<string, T>, unread: Unread, kind: string) {
    this.#documents = documents;
    this.#unread = unread;
    this.#kind = kind;
  }

  get(rest: string): T | undefined {
    this.#unread.readOne(this.#kind, rest);
    return this.#documents.get(rest);
  }

  has(rest: string): boolean {
    return this.get(rest) !== undefined;
  }

  get size(): number {
    return this.#all().size;
  }

  entries(): MapIterator<[string, T]> {
    return this.#all().entries();
  }

  keys(): MapIterator<string> {
    return this.#all().keys();
  }

  values(): MapIterator<T> {
    return this.#all().values();
  }

  [Symbol.iterator](): MapIterator<[string, T]> {
    return this.entries();
  }

  forEach(visit: (value: T, key: string, map: ReadonlyMap<string, T>) => void): void {
    this.#all().forEach(visit);
  }

  #all(): ReadonlyMap<string, T> {
    this.#unread.readAll(this.#kind);
    return this.#documents;
  }
}
