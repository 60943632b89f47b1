/** A view with writes laid over it: what would stand, had they been committed. It is one moment's truth, whatever comes later. */
import type { Documents, Entry, HealthView, StateView, Write } from "@muster/contracts";
import type { Shelves } from "./scene.ts";

export class Overlay {
  readonly #kinds = new Map<string, Map<string, Entry<unknown>>>();
  #revision = 0;

  constructor(shelves: Shelves) {
    for (const [kind, documents] of shelves) {
      this.#kinds.set(kind, new Map(documents));
      for (const { revision } of documents.values()) this.#revision = Math.max(this.#revision, revision);
    }
  }

  kind(kind: string): Documents<never> {
    const documents = this.#kinds.get(kind);
    if (documents === undefined) throw new Error(`nothing is known here of ${kind}`);
    return documents as unknown as Documents<never>;
  }

  revision(key: string): number {
    const [kind, rest] = split(key);
    return this.#kinds.get(kind)?.get(rest)?.revision ?? 0;
  }

  /** Kinds it was not made with are passed over: nothing is decided on them. */
  lay(writes: readonly Write[]): void {
    for (const { key, value } of writes) {
      const [kind, rest] = split(key);
      const documents = this.#kinds.get(kind);
      if (documents === undefined) continue;
      this.#revision += 1;
      if (value === null) documents.delete(rest);
      else documents.set(rest, { value, revision: this.#revision });
    }
  }
}

function split(key: string): [kind: string, rest: string] {
  const dot = key.indexOf(".");
  return dot < 0 ? [key, ""] : [key.slice(0, dot), key.slice(dot + 1)];
}

export type StateOverlay = StateView & Pick<Overlay, "lay">;
export type HealthOverlay = HealthView & Pick<Overlay, "lay">;
export const layOverState = (shelves: Shelves): StateOverlay => new Overlay(shelves) as StateOverlay;
export const layOverHealth = (shelves: Shelves): HealthOverlay => new Overlay(shelves) as HealthOverlay;
