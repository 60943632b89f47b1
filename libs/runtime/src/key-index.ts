/** Keys of one kind by a group that they name, kept up to date: so that nobody looks through all keys for one agent's. */
import type { BucketView, Kinds } from "./view.ts";

const NONE: ReadonlySet<string> = new Set();

export class KeyIndex {
  readonly #groups = new Map<string, Set<string>>();
  readonly #close: () => void;

  /** @param groupOf the group of a key's tokens after its kind, as `Change` has them. */
  constructor(view: Pick<BucketView<Kinds>, "kind" | "onChange">, kind: string, groupOf: (rest: string) => string) {
    for (const rest of view.kind(kind).keys()) this.#add(groupOf(rest), rest);
    this.#close = view.onChange((change) => {
      if (change.kind !== kind) return;
      const group = groupOf(change.rest);
      if (change.value !== null) this.#add(group, change.rest);
      else if (this.#groups.get(group)?.delete(change.rest) && this.#groups.get(group)?.size === 0)
        this.#groups.delete(group);
    });
  }

  /** The keys of a group, without their kind. */
  of(group: string): ReadonlySet<string> {
    return this.#groups.get(group) ?? NONE;
  }

  close(): void {
    this.#close();
  }

  #add(group: string, rest: string): void {
    const keys = this.#groups.get(group);
    if (keys === undefined) this.#groups.set(group, new Set([rest]));
    else keys.add(rest);
  }
}
