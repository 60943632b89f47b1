/**
 * The newest events of the stream, read once for all clients of this gateway and kept for a while, so that each client can take
 * them at its own pace. It is open only while somebody reads.
 */
import { STREAM, STREAM_KEPT_BYTES_MAX, STREAM_KEPT_MAX } from "@muster/contracts";
import { type Nats, StreamTail } from "@muster/runtime";
import { type FeedEvent, feedEvent } from "./feed-event.ts";

type Open = {
  readonly tail: StreamTail;
  /** Everything after this sequence that has come is kept. */
  keptAfter: number;
  sequence: number;
  bytes: number;
  readonly kept: FeedEvent[];
};

export class Feed {
  readonly #nats: Nats;
  readonly #onEvent: () => void;
  #open: Open | null = null;
  #opening: Promise<void> | null = null;

  /** @param onEvent called after each event. */
  constructor(nats: Nats, onEvent: () => void) {
    this.#nats = nats;
    this.#onEvent = onEvent;
  }

  /** Resolves when it follows the stream. Rejects while nats is away. */
  open(): Promise<void> {
    if (this.#open !== null) return Promise.resolve();
    this.#opening ??= this.#start().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #start(): Promise<void> {
    const { state } = await this.#nats.jsm.streams.info(STREAM.events);
    const tail = new StreamTail(this.#nats, {
      stream: STREAM.events,
      filters: [],
      from: { type: "sequence", sequence: state.last_seq + 1 },
      onMessage: (message, sequence) => {
        keep(open, feedEvent(message, sequence));
        if (this.#open === open) this.#onEvent();
      },
      onCaughtUp: () => undefined,
    });
    const open: Open = { tail, keptAfter: state.last_seq, sequence: state.last_seq, bytes: 0, kept: [] };
    await tail.start();
    this.#open = open;
  }

  async close(): Promise<void> {
    await this.#opening?.catch(() => undefined);
    const open = this.#open;
    this.#open = null;
    await open?.tail.stop();
  }

  /** Of the newest event that has come; 0 while it is closed. */
  get sequence(): number {
    return this.#open?.sequence ?? 0;
  }

  /** At most `max` events after `sequence`, or null where some of them are not kept (any more). */
  after(sequence: number, max: number): readonly FeedEvent[] | null {
    const open = this.#open;
    if (open === null || sequence < open.keptAfter) return null;
    const first = firstAfter(open.kept, sequence);
    return open.kept.slice(first, first + max);
  }
}

function keep(open: Open, event: FeedEvent): void {
  open.kept.push(event);
  open.bytes += event.text.length;
  open.sequence = event.sequence;
  while (open.kept.length > STREAM_KEPT_MAX || (open.bytes > STREAM_KEPT_BYTES_MAX && open.kept.length > 1)) {
    const dropped = open.kept.shift() as FeedEvent;
    open.bytes -= dropped.text.length;
    open.keptAfter = dropped.sequence;
  }
}

/** Events are in order, but need not be without gaps. */
function firstAfter(events: readonly FeedEvent[], sequence: number): number {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((events[middle] as FeedEvent).sequence <= sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}
