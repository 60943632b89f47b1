/** The event streams of this gateway: who reads, from where on, and how many may. */
import { randomUUID } from "node:crypto";
import { type Decision, type EventType, MusterError, NO_DECISION, STREAM } from "@muster/contracts";
import type { Nats, StateBucketView } from "@muster/runtime";
import { log } from "../gateway.ts";
import { batchReader } from "./batch-reader.ts";
import { gap, type Source, StreamClient } from "./client.ts";
import { Feed } from "./feed.ts";
import { storedEvents } from "./feed-event.ts";
import { comment, type Form, type Frame, Frames, notice, type Position } from "./frames.ts";

export type StreamRequest = {
  readonly form: Form;
  readonly isWanted: (frame: Frame) => boolean;
  /** Where it goes on; null: with what comes from now on. */
  readonly after: Position | null;
  readonly remoteAddress: string;
  /** Told to it first, as comment lines. */
  readonly remarks: readonly string[];
  readonly hangUp: () => void;
};

export type EventStreams = {
  /** Throws `stream.too-many`. */
  open(request: StreamRequest): Promise<ReadableStream<Uint8Array>>;
  stop(): Promise<void>;
};

type Options = {
  readonly nats: Nats;
  readonly state: StateBucketView;
  readonly clientsMax: number;
  readonly commit: (decide: () => Decision) => Promise<void>;
};

/** Events taken at once. */
const TAKEN_MAX = 256;
const TICK_MS = 250;
/** How long it is followed after the last client has left: clients come back. */
const LINGER_MS = 5_000;
const STOP_WITHIN_MS = 500;

export class Streams implements EventStreams {
  readonly #options: Options;
  readonly #feed: Feed;
  readonly #source: Source;
  readonly #clients = new Set<StreamClient>();
  #opening = 0;
  #stopped = false;
  #ticking: NodeJS.Timeout | null = null;
  #lingering: NodeJS.Timeout | null = null;
  readonly #telling = new Set<Promise<void>>();

  constructor(options: Options) {
    this.#options = options;
    const { nats, state } = options;
    const feed = new Feed(nats, () => {
      for (const client of this.#clients) client.news();
    });
    const frames = new Frames(state);
    const untilRead = batchReader(state);
    this.#feed = feed;
    this.#source = {
      get sequence() {
        return feed.sequence;
      },
      async after(sequence) {
        return feed.after(sequence, TAKEN_MAX) ?? (await storedEvents(nats, STREAM.events, sequence + 1, TAKEN_MAX));
      },
      async frames(event, form) {
        await untilRead(event);
        return frames.of(event, form);
      },
    };
  }

  async open(request: StreamRequest): Promise<ReadableStream<Uint8Array>> {
    const { clientsMax } = this.#options;
    if (this.#stopped || this.#clients.size + this.#opening >= clientsMax) {
      throw new MusterError(
        "stream.too-many",
        `This gateway streams events to ${clientsMax} clients already, as many as it may (--event-streams): ask another gateway, or try again later`,
      );
    }
    this.#opening += 1;
    try {
      await this.#openFeed();
      const { start, greeting } = request.after === null ? this.#now() : await this.#resume(request.after);
      return this.#attach(request, start, request.remarks.map(comment).join("") + greeting).body;
    } finally {
      this.#opening -= 1;
      this.#letGo();
    }
  }

  async #openFeed(): Promise<void> {
    if (this.#lingering !== null) clearTimeout(this.#lingering);
    this.#lingering = null;
    await this.#feed.open();
  }

  #now(): { start: Position; greeting: string } {
    const { sequence } = this.#feed;
    return { start: { sequence, parts: 0 }, greeting: comment(`events after ${sequence}`) };
  }

  /** What a client asks for may be older than what is kept, or newer than what is: then it was told by another stream. */
  async #resume(after: Position): Promise<{ start: Position; greeting: string }> {
    const { state } = await this.#options.nats.jsm.streams.info(STREAM.events);
    const { first_seq: first, last_seq: last } = state;
    if (after.sequence + 1 < first)
      return { start: { sequence: first - 1, parts: 0 }, greeting: comment("resumed") + gap(first) };
    if (after.sequence > last) {
      const { start } = this.#now();
      const reason = `There is no event ${after.sequence} yet: the stream ends with ${last}, and this goes on from there. Was it made anew?`;
      return {
        start,
        greeting: comment("resumed") + notice("muster_stream_gap", { reason, firstSequence: first }, Date.now()),
      };
    }
    return { start: after, greeting: comment(`events after ${after.sequence}`) };
  }

  #attach({ form, isWanted, remoteAddress, hangUp }: StreamRequest, start: Position, greeting: string): StreamClient {
    const id = randomUUID();
    const client = new StreamClient({
      start,
      form,
      isWanted,
      greeting,
      hangUp,
      source: this.#source,
      onGone: () => {
        this.#clients.delete(client);
        this.#tell("muster.stream.detached", id, remoteAddress);
        this.#letGo();
      },
    });
    this.#clients.add(client);
    this.#ticking ??= setInterval(() => {
      for (const each of this.#clients) each.tick();
    }, TICK_MS);
    this.#tell("muster.stream.attached", id, remoteAddress);
    return client;
  }

  /** Told to everybody, and so kept like all events; a client that comes is not kept waiting for it. */
  #tell(type: EventType & `muster.stream.${string}`, client: string, remoteAddress: string): void {
    const event = { type, subject: client, id: client, data: { client, remoteAddress } };
    const telling = this.#options
      .commit(() => ({ ...NO_DECISION, events: [event] }))
      .catch((cause: unknown) =>
        log.warn({ client, error: (cause as Error).message }, "an event stream was not told of"),
      )
      .finally(() => this.#telling.delete(telling));
    this.#telling.add(telling);
  }

  /** Nobody reads: it is not followed any more after a while. */
  #letGo(): void {
    if (this.#clients.size + this.#opening > 0 || this.#lingering !== null) return;
    if (this.#ticking !== null) clearInterval(this.#ticking);
    this.#ticking = null;
    if (this.#stopped) return;
    this.#lingering = setTimeout(() => {
      this.#lingering = null;
      if (this.#clients.size + this.#opening === 0) void this.#feed.close();
    }, LINGER_MS).unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const reason = "This gateway stops: connect again, with Last-Event-ID to go on after the last event.";
    for (const client of this.#clients) {
      client.end(notice("muster_stream_closed", { reason }, Date.now()), STOP_WITHIN_MS);
    }
    if (this.#lingering !== null) clearTimeout(this.#lingering);
    const late = new Promise((resolve) => setTimeout(resolve, 2 * STOP_WITHIN_MS).unref());
    await Promise.race([this.#untilGone(), late]);
    await Promise.race([Promise.all(this.#telling), late]);
    if (this.#ticking !== null) clearInterval(this.#ticking);
    await this.#feed.close();
  }

  async #untilGone(): Promise<void> {
    while (this.#clients.size > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
