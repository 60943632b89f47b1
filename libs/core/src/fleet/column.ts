/** One field of all agents as small integers: equal values share an id, so that a rule is tried once per value and not per agent. */

import type { OfferDocument } from "@muster/contracts";
import { fieldValue } from "./fields.ts";

export const MISSING = -1;
/** Answers remembered per column; beyond it all are forgotten and worked out again. */
const MEMOS_MAX = 256;

export class FieldColumn {
  readonly field: string;
  /** Value id of each agent, `MISSING` where it has no such field. */
  ids: Int32Array;
  readonly values: string[] = [];
  readonly #idOf = new Map<string, number>();
  #memos = new Map<string, boolean[]>();

  constructor(field: string, size: number) {
    this.field = field;
    this.ids = new Int32Array(size).fill(MISSING);
  }

  grow(size: number): void {
    const ids = new Int32Array(size).fill(MISSING);
    ids.set(this.ids);
    this.ids = ids;
  }

  set(agent: number, offer: OfferDocument | null): void {
    const value = offer === null ? null : fieldValue(this.field, offer);
    this.ids[agent] = value === null ? MISSING : this.#intern(value);
  }

  valueOf(agent: number): string | null {
    return this.values[this.ids[agent] as number] ?? null;
  }

  /** `test` of each value, worked out once per value and remembered under `name`. */
  matches(name: string, test: (value: string) => boolean): readonly boolean[] {
    let memo = this.#memos.get(name);
    if (memo === undefined) {
      if (this.#memos.size >= MEMOS_MAX) this.#memos = new Map();
      memo = [];
      this.#memos.set(name, memo);
    }
    for (let id = memo.length; id < this.values.length; id += 1) memo.push(test(this.values[id] as string));
    return memo;
  }

  #intern(value: string): number {
    const known = this.#idOf.get(value);
    if (known !== undefined) return known;
    const id = this.values.push(value) - 1;
    this.#idOf.set(value, id);
    return id;
  }
}
