/**
 * One view per process and bucket: every document of the kinds a process needs, as a prefix of the bucket's one order.
 * Own commits are applied at once; a key's higher revision wins.
 */
import {
  bucketStream,
  type Documents,
  type Entry,
  keySubject,
  MARKER_TTL_MS,
  SINGLE_KINDS,
  subjectKey,
} from "@muster/contracts";
import type { JsMsg } from "@nats-io/jetstream";
import type { z } from "zod";
import { BATCH } from "./batch.ts";
import { monotonicMs } from "./clock.ts";
import type { Nats } from "./connect.ts";
import type { Graveyard } from "./graveyard.ts";
import { headerIn, headerText } from "./headers.ts";
import { KeyIndex } from "./key-index.ts";
import { createLog, type Log } from "./log.ts";
import { StreamTail } from "./tail.ts";
import { DocumentsOnDemand, Unread, type UnreadDocument } from "./unread.ts";

const SWEEP_MS = 60_000;
const decoder = new TextDecoder();
/** Headers of a message that ends its key: a deletion, a purge, or the server's marker for a document whose time was up. */
const PURGES = /\r\n(?:KV-Operation: *(?:DEL|PURGE)|Nats-Marker-Reason:)/;

export type Kinds = Readonly<Record<string, z.ZodType>>;

export type Change = {
  readonly kind: string;
  /** The key's tokens after its kind, joined by dots. */
  readonly rest: string;
  readonly key: string;
  /** null: the key was purged. */
  readonly value: unknown | null;
  readonly revision: number;
};

export class BucketView<K extends Kinds> {
  readonly bucket: string;
  readonly #kinds: K;
  readonly #documents = new Map<string, Map<string, Entry<unknown>>>();
  /** Purge markers: what to expect of a key that is absent. */
  readonly #markers = new Map<string, { revision: number; atMs: number }>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #completions = new Set<() => void>();
  readonly #waiters = new Set<{ revision: number; resolve: (reached: boolean) => void }>();
  readonly #tail: StreamTail;
  readonly #unread: Unread;
  readonly #onDemand = new Map<string, ReadonlyMap<string, Entry<unknown>>>();
  readonly #indexes = new Map<string, KeyIndex>();
  readonly #log: Log;
  readonly #graveyard: Graveyard | null;
  /** Documents that end by themselves: the server removes them without a word. */
  readonly #ending = new Map<string, { revision: number; atMs: number }>();
  /** What our own batches on their way hold, message by message. */
  readonly #sent = new Map<string, readonly (unknown | null)[]>();
  #sweeping: NodeJS.Timeout | null = null;
  #complete = false;
  #behindSinceMs: number | null = null;

  /** @param unread kinds that are read only when somebody asks for them; listeners hear of them then. */
  constructor(
    nats: Nats,
    bucket: string,
    kinds: K,
    graveyard: Graveyard | null = null,
    unread: readonly string[] = [],
  ) {
    this.#unread = new Unread(unread, (kind, document) => this.#readDocument(kind, document));
    this.bucket = bucket;
    this.#kinds = kinds;
    this.#graveyard = graveyard;
    this.#log = createLog("view").child({ bucket });
    for (const kind of Object.keys(kinds)) {
      const documents = new Map<string, Entry<unknown>>();
      this.#documents.set(kind, documents);
      if (this.#unread.keeps(kind)) this.#onDemand.set(kind, new DocumentsOnDemand(documents, this.#unread, kind));
    }
    this.#tail = new StreamTail(nats, {
      stream: bucketStream(bucket),
      filters: Object.keys(kinds).map((kind) => keySubject(bucket, SINGLE_KINDS.has(kind) ? kind : `${kind}.>`)),
      from: { type: "last-per-subject" },
      onMessage: (message, sequence) => this.#take(message, sequence),
      onCaughtUp: () => this.#caughtUp(),
      onBehind: () => {
        this.#complete = false;
        this.#behindSinceMs ??= monotonicMs();
      },
    });
  }

  /** Starts following and resolves when the view was complete for the first time. */
  async open(): Promise<void> {
    const complete = new Promise<void>((resolve) => {
      const once = () => {
        this.#completions.delete(once);
        resolve();
      };
      this.#completions.add(once);
    });
    await this.#tail.start();
    await complete;
    this.#sweeping = setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  close(): Promise<void> {
    for (const waiter of this.#waiters) waiter.resolve(false);
    this.#unread.stop();
    if (this.#sweeping !== null) clearInterval(this.#sweeping);
    return this.#tail.stop();
  }

  /** True while everything stored has been seen since the last (re)connect: nothing is decided before. */
  get complete(): boolean {
    return this.#complete;
  }
  /** Sequence up to which the bucket has been read. */
  get sequence(): number {
    return this.#tail.sequence;
  }

  kind<Name extends keyof K & string>(kind: Name): Documents<z.infer<K[Name]>> {
    const documents = this.#onDemand.get(kind) ?? this.#documents.get(kind);
    if (documents === undefined) throw new Error(`this view of ${this.bucket} does not follow ${kind}`);
    return documents as Documents<z.infer<K[Name]>>;
  }

  /** Reads whatever is unread, a little at a time: for whoever walks all documents of a kind and must not hold up others. */
  readSoon(): Promise<void> {
    return this.#unread.readSoon();
  }

  /** How many documents of each kind there are, read or not. */
  *counts(): Generator<readonly [kind: string, count: number]> {
    for (const [kind, documents] of this.#documents) {
      let count = documents.size;
      for (const rest of this.#unread.restsOf(kind)) if (!documents.has(rest)) count += 1;
      yield [kind, count];
    }
  }

  /** Keys of a kind, without it, that begin with the token `first`. The index is kept from the first question on. */
  under(kind: keyof K & string, first: string): ReadonlySet<string> {
    let index = this.#indexes.get(kind);
    if (index === undefined) {
      index = new KeyIndex(this as unknown as BucketView<Kinds>, kind, (rest) => rest.split(".", 1)[0] as string);
      this.#indexes.set(kind, index);
    }
    return index.of(first);
  }

  /** One document: of a kind that is read when somebody asks, nothing else is read. */
  get<Name extends keyof K & string>(kind: Name, rest: string): Entry<z.infer<K[Name]>> | undefined {
    this.#unread.readOne(kind, rest);
    return this.#documents.get(kind)?.get(rest) as Entry<z.infer<K[Name]>> | undefined;
  }

  revision(key: string): number {
    const [kind, rest] = split(key);
    this.#unread.readOne(kind, rest);
    return this.#documents.get(kind)?.get(rest)?.revision ?? this.#markers.get(key)?.revision ?? 0;
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  /** Called whenever the view is complete again. */
  onComplete(listener: () => void): () => void {
    this.#completions.add(listener);
    return () => this.#completions.delete(listener);
  }

  /** Waits until the view has read as far as `revision`. Answers false when it took too long. */
  reached(revision: number, withinMs: number): Promise<boolean> {
    if (this.sequence >= revision) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiter = {
        revision,
        resolve: (reached: boolean) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          resolve(reached);
        },
      };
      const timer = setTimeout(() => waiter.resolve(false), withinMs);
      this.#waiters.add(waiter);
    });
  }

  /** Applies a committed write of our own before the stream brings it. `ttlMs`: it ends by itself after so long. */
  apply(key: string, value: unknown | null, revision: number, ttlMs: number | null = null): void {
    const [kind, rest] = split(key);
    const documents = this.#documents.get(kind);
    if (documents === undefined || revision <= this.revision(key)) return;
    this.#set(documents, { kind, rest, key, value, revision }, ttlMs);
  }

  #set(documents: Map<string, Entry<unknown>>, change: Change, ttlMs: number | null): void {
    const { kind, key, rest, value, revision } = change;
    this.#unread.drop(kind, rest);
    if (value === null) {
      documents.delete(rest);
      this.#markers.set(key, { revision, atMs: monotonicMs() });
    } else {
      documents.set(rest, { value, revision });
      if (this.#markers.size > 0) this.#markers.delete(key);
    }
    if (ttlMs !== null && value !== null) this.#ending.set(key, { revision, atMs: monotonicMs() + ttlMs });
    for (const listener of this.#listeners) listener(change);
  }

  /**
   * A batch of our own is on its way: its messages are known when the stream brings them, which is often before the
   * server's answer, and need not be read again. Forgotten by calling what is answered.
   */
  sending(batch: string, values: readonly (unknown | null)[]): () => void {
    this.#sent.set(batch, values);
    return () => this.#sent.delete(batch);
  }

  /** The document of a message that is ours, or undefined. */
  #ownWrite(head: string): unknown {
    if (this.#sent.size === 0) return undefined;
    const values = this.#sent.get(headerIn(head, BATCH.id) ?? "");
    return values?.[Number(headerIn(head, BATCH.sequence)) - 1] ?? undefined;
  }

  /** Forgets what the server has meanwhile ended: documents with a time to live, and old purge markers. */
  #sweep(): void {
    const now = monotonicMs();
    for (const [key, marker] of this.#markers) if (now - marker.atMs > MARKER_TTL_MS) this.#markers.delete(key);
    for (const [key, { revision, atMs }] of this.#ending) {
      if (now < atMs) continue;
      this.#ending.delete(key);
      const [kind, rest] = split(key);
      if (this.#documents.get(kind)?.get(rest)?.revision !== revision) continue;
      this.#documents.get(kind)?.delete(rest);
      for (const listener of this.#listeners) listener({ kind, rest, key, value: null, revision });
    }
  }

  /** A purge marker ends silently; the server says so by expecting 0. */
  forgetMarkers(keys: Iterable<string>): void {
    for (const key of keys) this.#markers.delete(key);
  }

  #take(message: JsMsg, revision: number): void {
    const key = subjectKey(this.bucket, message.subject);
    const [kind, rest] = split(key);
    const documents = this.#documents.get(kind);
    // Whatever is not newer is our own write, or one that was read before.
    if (
      documents !== undefined &&
      revision > (documents.get(rest)?.revision ?? this.#markers.get(key)?.revision ?? 0)
    ) {
      const head = headerText(message);
      const isPurge = PURGES.test(head);
      const own = isPurge ? null : this.#ownWrite(head);
      const { subject, data: body } = message;
      const unread = { key, rest, subject, body, revision, ttlMs: ttlMsOf(head, message) };
      if (own === undefined && this.#unread.keeps(kind)) this.#unread.add(kind, unread);
      else if (own === undefined) this.#readDocument(kind, unread);
      else this.#set(documents, { kind, rest, key, value: own, revision }, unread.ttlMs);
    }
    if (this.#waiters.size > 0)
      for (const waiter of this.#waiters) if (waiter.revision <= revision) waiter.resolve(true);
  }

  /** One nobody can read is parked and passed over: it must never stop a restart. */
  #readDocument(kind: string, { key, rest, subject, body, revision, ttlMs }: UnreadDocument): void {
    let value: unknown;
    try {
      value = (this.#kinds[kind] as z.ZodType).parse(JSON.parse(decoder.decode(body)));
    } catch (cause) {
      const error = (cause as Error).message.slice(0, 500);
      this.#log.error({ key, revision, error }, "a document that cannot be read is passed over");
      void this.#graveyard?.bury({
        stream: bucketStream(this.bucket),
        consumer: "view",
        sequence: revision,
        subject,
        error: `the document at ${key} cannot be read: ${error}`,
        body,
      });
      return;
    }
    this.#set(this.#documents.get(kind) as Map<string, Entry<unknown>>, { kind, rest, key, value, revision }, ttlMs);
  }

  #caughtUp(): void {
    const behindMs = this.#behindSinceMs === null ? 0 : monotonicMs() - this.#behindSinceMs;
    this.#behindSinceMs = null;
    if (behindMs > MARKER_TTL_MS / 2) {
      // Deletions may have come and gone meanwhile; a process that starts anew reads the truth.
      this.#log.fatal({ behindMs }, "away for longer than purge markers live: restarting");
      process.exit(75);
    }
    this.#complete = true;
    this.#sweep();
    for (const listener of [...this.#completions]) listener();
    for (const waiter of this.#waiters) if (waiter.revision <= this.sequence) waiter.resolve(true);
  }
}

/** How long a document still lives, or null when it does not end by itself. */
function ttlMsOf(head: string, message: JsMsg): number | null {
  const ttl = /^(\d+)s$/.exec(headerIn(head, "Nats-TTL") ?? "");
  return ttl === null ? null : Math.max(0, Number(ttl[1]) * 1_000 - (Date.now() - message.time.getTime()));
}

function split(key: string): [kind: string, rest: string] {
  const dot = key.indexOf(".");
  return dot < 0 ? [key, ""] : [key.slice(0, dot), key.slice(dot + 1)];
}
