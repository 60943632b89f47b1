/**
 * One client of an event stream: a place in the stream of events, and a pipe. It takes events when its connection has taken the
 * last ones, so a slow client costs a place and one chunk, and holds up nobody.
 *
 *   following -> ending (told why; its last words wait for the connection) -> gone
 */
import { STREAM_BEHIND_MS, STREAM_HEARTBEAT_MS, STREAM_OUTSTANDING_MAX, STREAM_STALLED_MS } from "@muster/contracts";
import { backoffMs, monotonicMs, pause } from "@muster/runtime";
import type { FeedEvent } from "./feed-event.ts";
import { comment, type Form, type Frame, notice, type Position } from "./frames.ts";

/** What all clients of a gateway share. */
export type Source = {
  /** Of the newest event that has come. */
  readonly sequence: number;
  /** Some events after `sequence`, none where there are none yet. */
  after(sequence: number): Promise<readonly FeedEvent[]>;
  frames(event: FeedEvent, form: Form): Promise<readonly Frame[]>;
};

export type ClientOptions = {
  readonly start: Position;
  readonly form: Form;
  readonly isWanted: (frame: Frame) => boolean;
  /** What it is told first. */
  readonly greeting: string;
  readonly source: Source;
  /** Called once, when nothing more can reach it. */
  readonly onGone: () => void;
  /** Cuts the connection. */
  readonly hangUp: () => void;
};

/** About as much is handed to the connection at once. */
const CHUNK_CHARS = 64 * 1024;
/** Translating takes time, and others are waiting. */
const EVENTS_IN_A_ROW = 32;
/** How long a client that was cut off may still read why. */
const LAST_WORDS_MS = 3_000;

const encoder = new TextEncoder();

export class StreamClient {
  readonly body: ReadableStream<Uint8Array>;
  readonly #options: ClientOptions;
  #sequence: number;
  /** How many frames of the event after `#sequence` it has. */
  #parts: number;
  #greeting: string;
  #lastWords: string | null = null;
  #isGone = false;
  #isLive = false;
  #behindSinceMs: number | null = null;
  /** Since when it has not asked for more; null while it waits for something to happen. */
  #blockedSinceMs: number | null = monotonicMs();
  #saidAtMs = monotonicMs();
  #hasNews = false;
  #isHeartbeatDue = false;
  #wake: (() => void) | null = null;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#sequence = options.start.sequence;
    this.#parts = options.start.parts;
    this.#greeting = options.greeting;
    this.body = new ReadableStream<Uint8Array>(
      { pull: (controller) => this.#pull(controller), cancel: () => this.#leave() },
      { highWaterMark: 0 },
    );
  }

  /** Something has come, or changed. */
  news(): void {
    this.#hasNews = true;
    this.#wake?.();
  }

  /** Looks after it now and then: heartbeats, and whether it is too slow. */
  tick(): void {
    if (this.#lastWords !== null || this.#isGone) return;
    const [now, { source }] = [monotonicMs(), this.#options];
    if (this.#blockedSinceMs === null) {
      this.#isHeartbeatDue = now - this.#saidAtMs >= STREAM_HEARTBEAT_MS;
      if (this.#isHeartbeatDue || this.#sequence < source.sequence) this.news();
    } else if (now - this.#blockedSinceMs >= STREAM_STALLED_MS) {
      this.#cutOff(`it took nothing for ${STREAM_STALLED_MS / 1_000} s`);
      return;
    }
    if (!this.#isLive) return;
    const outstanding = source.sequence - this.#sequence;
    if (outstanding <= STREAM_OUTSTANDING_MAX) this.#behindSinceMs = null;
    else {
      this.#behindSinceMs ??= now;
      if (now - this.#behindSinceMs >= STREAM_BEHIND_MS)
        this.#cutOff(
          `${outstanding} events are outstanding, and no more than ${STREAM_OUTSTANDING_MAX} may be for long`,
        );
    }
  }

  #cutOff(why: string): void {
    const reason = `This client reads too slowly: ${why}. Connect again with Last-Event-ID to go on after the last event.`;
    this.end(notice("muster_stream_closed", { reason, outstanding: this.#outstanding }, Date.now()));
  }

  get #outstanding(): number {
    return Math.max(0, this.#options.source.sequence - this.#sequence);
  }

  /** Tells it the last words, if it still reads, and lets it go. */
  end(lastWords: string, withinMs = LAST_WORDS_MS): void {
    if (this.#lastWords !== null || this.#isGone) return;
    this.#lastWords = lastWords;
    this.news();
    setTimeout(() => {
      this.#options.hangUp();
      this.#leave();
    }, withinMs).unref();
  }

  #leave(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.news();
    this.#options.onGone();
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.#blockedSinceMs = null;
    const text = await this.#next();
    if (this.#isGone) return;
    controller.enqueue(encoder.encode(text));
    [this.#saidAtMs, this.#blockedSinceMs] = [monotonicMs(), monotonicMs()];
    if (this.#lastWords === null) return;
    controller.close();
    this.#leave();
  }

  /** What it is told next; waits until there is something. */
  async #next(): Promise<string> {
    for (let failures = 0; ; ) {
      if (this.#lastWords !== null || this.#isGone) return this.#lastWords ?? "";
      this.#hasNews = false;
      if (this.#greeting !== "") {
        const greeting = this.#greeting;
        this.#greeting = "";
        return greeting;
      }
      const before = this.#sequence;
      try {
        const text = await this.#take();
        failures = 0;
        if (text !== "") return text;
      } catch {
        // The connection to nats is away: what is missing is read when it is back.
        await pause(backoffMs(failures));
        failures += 1;
        continue;
      }
      if (this.#sequence > before) continue;
      if (this.#isHeartbeatDue) {
        this.#isHeartbeatDue = false;
        return comment("heartbeat");
      }
      if (!this.#hasNews) await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = null;
    }
  }

  /** Takes the next events; answers the frames of those that it wants. */
  async #take(): Promise<string> {
    const { source, form, isWanted } = this.#options;
    const events = await source.after(this.#sequence);
    const [first] = events;
    let text = first !== undefined && first.sequence > this.#sequence + 1 ? gap(first.sequence) : "";
    for (const [i, event] of events.entries()) {
      if (i % EVENTS_IN_A_ROW === EVENTS_IN_A_ROW - 1) await new Promise((resolve) => setImmediate(resolve));
      const had = event.sequence === this.#sequence + 1 ? this.#parts : 0;
      for (const frame of await source.frames(event, form)) if (frame.part > had && isWanted(frame)) text += frame.text;
      [this.#sequence, this.#parts] = [event.sequence, 0];
      if (text.length >= CHUNK_CHARS) break;
    }
    this.#isLive ||= this.#sequence >= source.sequence;
    return text;
  }
}

/** The stream keeps events for some days only. */
export const gap = (first: number): string =>
  notice(
    "muster_stream_gap",
    { reason: `Events before ${first} are no longer kept; this goes on from there.`, firstSequence: first },
    Date.now(),
  );
