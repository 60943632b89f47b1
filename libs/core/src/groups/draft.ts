/** A view with what a decision has written so far, so that the next of its many apps sees what the one before has taken. */
import type { Assertion, Documents, Entry, StateDocument, StateKind, StateView, Write } from "@muster/contracts";
import { Layered } from "../apps/layer.ts";

export class Draft implements StateView {
  readonly #below: StateView;
  readonly #layers = new Map<string, Map<string, Entry<never> | null>>();
  readonly #writes = new Map<string, Write>();
  readonly #asserts = new Map<string, Assertion>();

  constructor(below: StateView) {
    this.#below = below;
  }

  kind<K extends StateKind>(kind: K): Documents<StateDocument<K>> {
    const layer = this.#layers.get(kind);
    const below = this.#below.kind(kind);
    return layer === undefined ? below : new Layered<Entry<StateDocument<K>>>(below, layer);
  }

  /** What is to be expected of the key as it stands; a draft changes no revision. */
  revision(key: string): number {
    return this.#below.revision(key);
  }

  /** A later write of a key takes the place of an earlier one: a batch names no key twice. */
  lay({ writes, asserts = [] }: { readonly writes: readonly Write[]; readonly asserts?: readonly Assertion[] }): void {
    for (const write of writes) {
      this.#writes.set(write.key, write);
      this.assume(write.key, write.value);
    }
    for (const assertion of asserts) this.#asserts.set(assertion.key, assertion);
  }

  /** Shows a document that somebody else writes. */
  assume(key: string, value: unknown): void {
    const dot = key.indexOf(".");
    const [kind, rest] = dot < 0 ? [key, ""] : [key.slice(0, dot), key.slice(dot + 1)];
    const layer = this.#layers.get(kind) ?? new Map<string, Entry<never> | null>();
    this.#layers.set(kind, layer.set(rest, value === null ? null : { value: value as never, revision: 0 }));
  }

  get writes(): readonly Write[] {
    return [...this.#writes.values()];
  }

  get asserts(): readonly Assertion[] {
    return [...this.#asserts.values()].filter(({ key }) => !this.#writes.has(key));
  }
}
