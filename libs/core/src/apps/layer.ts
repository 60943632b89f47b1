/** A view with a few writes laid over it, made in a moment however large the view is: it reads through to what lies below. */
import type { Documents, Entry, StateDocument, StateKind, StateView, Write } from "@muster/contracts";

/** `sequence`: where the view below stands. What is laid over it will be committed after that. */
export function layered(view: StateView, writes: readonly Write[], sequence: number): StateView {
  const layers = new Map<string, Map<string, Entry<never> | null>>();
  for (const [i, { key, value }] of writes.entries()) {
    const dot = key.indexOf(".");
    const [kind, rest] = dot < 0 ? [key, ""] : [key.slice(0, dot), key.slice(dot + 1)];
    const layer = layers.get(kind) ?? new Map<string, Entry<never> | null>();
    layers.set(kind, layer.set(rest, value === null ? null : { value: value as never, revision: sequence + 1 + i }));
  }
  return {
    kind<K extends StateKind>(kind: K): Documents<StateDocument<K>> {
      const layer = layers.get(kind);
      const below = view.kind(kind);
      return layer === undefined ? below : new Layered<Entry<StateDocument<K>>>(below, layer);
    },
    revision: (key) => view.revision(key),
  };
}

export class Layered<T> implements ReadonlyMap<string, T> {
  readonly #below: ReadonlyMap<string, T>;
  readonly #layer: ReadonlyMap<string, T | null>;

  constructor(below: ReadonlyMap<string, T>, layer: ReadonlyMap<string, T | null>) {
    this.#below = below;
    this.#layer = layer;
  }

  get(key: string): T | undefined {
    const laid = this.#layer.get(key);
    return laid === undefined ? this.#below.get(key) : (laid ?? undefined);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  get size(): number {
    return [...this.keys()].length;
  }

  *entries(): MapIterator<[string, T]> {
    for (const entry of this.#below) if (!this.#layer.has(entry[0])) yield entry;
    for (const [key, value] of this.#layer) if (value !== null) yield [key, value];
  }

  *keys(): MapIterator<string> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): MapIterator<T> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): MapIterator<[string, T]> {
    return this.entries();
  }

  forEach(visit: (value: T, key: string, map: ReadonlyMap<string, T>) => void): void {
    for (const [key, value] of this.entries()) visit(value, key, this);
  }
}
