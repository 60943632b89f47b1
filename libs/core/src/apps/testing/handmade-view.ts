/** For tests: a bucket in memory that keeps revisions as JetStream does, and refuses a batch that lost one. */
import type { Decision, Documents, Entry, HealthView, StateView } from "@muster/contracts";

export class HandmadeBucket {
  readonly complete = true;
  readonly #documents = new Map<string, Map<string, Entry<never>>>();
  readonly #revisions = new Map<string, number>();
  sequence = 100;
  /** All events told, oldest first. */
  readonly told: Decision["events"][number][] = [];

  kind(kind: string): Documents<never> {
    return this.#documents.get(kind) ?? new Map();
  }

  revision(key: string): number {
    return this.#revisions.get(key) ?? 0;
  }

  /** Stores a document as if another service had written it; null purges. */
  put(key: string, value: unknown): void {
    this.sequence += 1;
    this.#revisions.set(key, this.sequence);
    const dot = key.indexOf(".");
    const [kind, rest] = dot < 0 ? [key, ""] : [key.slice(0, dot), key.slice(dot + 1)];
    const documents = this.#documents.get(kind) ?? new Map<string, Entry<never>>();
    this.#documents.set(kind, documents);
    if (value === null) documents.delete(rest);
    else documents.set(rest, { value: value as never, revision: this.sequence });
  }

  /** Throws where the server would refuse the batch. */
  commit({ writes, asserts, events }: Decision): void {
    const keys = new Set(writes.map((write) => write.key));
    if (keys.size !== writes.length) throw new Error("a batch names a key twice");
    for (const { key, expect } of writes) if (expect !== null) this.#check(key, expect);
    for (const { key, revision } of asserts) this.#check(key, revision);
    for (const { key, value } of writes) this.put(key, value === null ? null : JSON.parse(JSON.stringify(value)));
    this.told.push(...events);
  }

  #check(key: string, expected: number): void {
    if (this.revision(key) !== expected) throw new Error(`${key} is at ${this.revision(key)}, not ${expected}`);
  }
}

export type HandmadeState = Omit<HandmadeBucket, "kind"> & StateView;
export type HandmadeHealth = Omit<HandmadeBucket, "kind"> & HealthView;
export const handmadeState = (): HandmadeState => new HandmadeBucket() as HandmadeState;
export const handmadeHealth = (): HandmadeHealth => new HandmadeBucket() as HandmadeHealth;
