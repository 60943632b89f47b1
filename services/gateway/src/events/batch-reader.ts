/** An event may come before the documents of its batch, which are read from another stream. */
import { monotonicMs } from "@muster/runtime";
import type { FeedEvent } from "./feed-event.ts";

const WITHIN_MS = 2_000;
/** After waiting in vain: the documents come late then, or never, as when the bucket was made anew. */
const VAIN_MS = 30_000;

type State = { readonly sequence: number; reached(revision: number, withinMs: number): Promise<boolean> };

/** Waits until the documents of an event's batch have been read, but not for ever. */
export function batchReader(state: State, withinMs = WITHIN_MS): (event: Pick<FeedEvent, "origin">) => Promise<void> {
  let vainUntilMs = 0;
  return async ({ origin }) => {
    if (origin <= state.sequence || monotonicMs() < vainUntilMs) return;
    if (!(await state.reached(origin, withinMs))) vainUntilMs = monotonicMs() + VAIN_MS;
  };
}
