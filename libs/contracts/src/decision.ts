/** What a pure decision asks the shell to do: one atomic batch of documents, assertions and events, then wake-ups. */
import type { EventDraft } from "./events.ts";
import type { AppId } from "./ids.ts";
import type { WakeClass } from "./subjects.ts";

/** A document to write. `value` null purges the key. */
export type Write = {
  readonly key: string;
  readonly value: unknown | null;
  /** The revision this write rests on (0: absent), or null where another key's revision protects it. */
  readonly expect: number | null;
  /** The agent's running number, on instance records. */
  readonly number?: number;
  /** The value ends by itself after so long. */
  readonly ttlMs?: number;
};

/** "This key still stands at this revision", for keys the batch reads and does not write. */
export type Assertion = { readonly key: string; readonly revision: number };

export type Wake = {
  readonly wakeClass: WakeClass;
  readonly app: AppId;
  /** The key written by this decision that whoever wakes must have read. */
  readonly key: string;
  readonly trace?: string | null;
};

export type Decision = {
  readonly writes: readonly Write[];
  readonly asserts: readonly Assertion[];
  readonly events: readonly EventDraft[];
  readonly wakes: readonly Wake[];
  /** Trace context of the decision, carried by its events. */
  readonly trace: string | null;
};

export const NO_DECISION: Decision = { writes: [], asserts: [], events: [], wakes: [], trace: null };

/** Time and dice, passed in: decisions own neither clock nor chance. */
export type Circumstances = {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** A stream of random numbers in [0, 1), one per purpose. */
  readonly dice: () => number;
};
