/**
 * Follows a stream in order without losing or doubling a message, whatever happens to the connection or the consumer.
 * It owns an ephemeral consumer and replaces it, from the last sequence on, on every reconnect, gap or silence.
 *
 * Several filters choose only what is read first of a bucket, filter by filter. What comes later is read whole: a consumer
 * with several filters has nats-server (2.15) hold its index of subjects against all of them for each message, which took
 * most of its time.
 */
import { AckPolicy, type ConsumerMessages, DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { backoffMs, pause } from "./clock.ts";
import type { Nats } from "./connect.ts";
import { deliveryOf } from "./delivery.ts";
import { createLog, type Log } from "./log.ts";
import { readStored } from "./stored.ts";

export type TailFrom =
  /** The last message of each subject, then everything new: how a bucket is read. */
  | { readonly type: "last-per-subject" }
  | { readonly type: "sequence"; readonly sequence: number }
  | { readonly type: "new" };

export type TailOptions = {
  readonly stream: string;
  /** With several of them, messages of other subjects may come too. */
  readonly filters: readonly string[];
  readonly from: TailFrom;
  readonly onMessage: (message: JsMsg, sequence: number) => void;
  /** Called each time everything stored has been seen, first and after every reconnect. */
  readonly onCaughtUp: () => void;
  /** Called when what is known may be old: the connection or the consumer was lost. */
  readonly onBehind?: () => void;
};

const IDLE_HEARTBEAT_MS = 2_000;
const EXPIRES_MS = 30_000;
const CONSUMER_KEPT_MS = 60_000;
const END_PROBE_MS = 1_000;

export class StreamTail {
  readonly #nats: Nats;
  readonly #options: TailOptions;
  readonly #log: Log;
  #messages: ConsumerMessages | null = null;
  #consumerName: string | null = null;
  #generation = 0;
  #stopped = false;
  /** What was stored has been read, filter by filter: from here on by sequence. */
  #hasRead = false;
  /** Sequence of the last message handled. */
  sequence = 0;

  constructor(nats: Nats, options: TailOptions) {
    this.#nats = nats;
    this.#options = options;
    this.#log = createLog("tail").child({ stream: options.stream });
  }

  /** Starts following; resolves when the consumer stands (not when it has caught up). */
  async start(): Promise<void> {
    void this.#watchConnection();
    await this.#restart();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#discard();
  }

  async #watchConnection(): Promise<void> {
    for await (const status of this.#nats.connection.status()) {
      if (this.#stopped) return;
      if (status.type === "disconnect") this.#options.onBehind?.();
      if (status.type === "reconnect") void this.#restart();
    }
  }

  async #discard(): Promise<void> {
    this.#generation += 1;
    const [messages, name] = [this.#messages, this.#consumerName];
    this.#messages = null;
    this.#consumerName = null;
    messages?.stop();
    if (name !== null && !this.#nats.connection.isClosed())
      await this.#nats.jsm.consumers.delete(this.#options.stream, name).catch(() => undefined);
  }

  async #restart(): Promise<void> {
    this.#options.onBehind?.();
    void this.#discard();
    const generation = this.#generation;
    for (let attempt = 0; !this.#stopped && generation === this.#generation; attempt += 1) {
      try {
        await this.#open(generation);
        return;
      } catch (cause) {
        if (this.#nats.connection.isClosed()) return;
        if (attempt % 10 === 4) this.#log.warn({ error: (cause as Error).message }, "cannot follow the stream yet");
        await pause(backoffMs(attempt));
      }
    }
  }

  async #open(generation: number): Promise<void> {
    const { stream, filters, from } = this.#options;
    const isParted = from.type === "last-per-subject" && filters.length > 1;
    if (isParted && !this.#hasRead) await this.#readStored(generation);
    if (this.#stopped || generation !== this.#generation) return;
    const isLater = this.#hasRead || this.sequence > 0;
    const info = await this.#nats.jsm.consumers.add(stream, {
      ...(filters.length === 1 ? { filter_subject: filters[0] as string } : {}),
      ...deliver(isLater ? { type: "sequence", sequence: this.sequence + 1 } : from),
      ack_policy: AckPolicy.None,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanos(CONSUMER_KEPT_MS),
    });
    if (this.#stopped || generation !== this.#generation) {
      await this.#nats.jsm.consumers.delete(stream, info.name).catch(() => undefined);
      return;
    }
    this.#consumerName = info.name;
    let delivered = 0;
    let caughtUp = false;
    const reachEnd = () => {
      if (caughtUp) return;
      caughtUp = true;
      this.#options.onCaughtUp();
    };
    const consumer = this.#nats.js.consumers.getConsumerFromInfo(info);
    const messages = await consumer.consume({
      max_messages: 1_000,
      expires: EXPIRES_MS,
      idle_heartbeat: IDLE_HEARTBEAT_MS,
      callback: (message) => {
        if (generation !== this.#generation) return;
        const { sequence, delivery, pending } = deliveryOf(message);
        if (delivery !== delivered + 1) {
          this.#log.warn({ expected: delivered + 1, got: delivery }, "a gap in the delivery: following anew");
          void this.#restart();
          return;
        }
        delivered = delivery;
        if (sequence > this.sequence) {
          this.sequence = sequence;
          this.#options.onMessage(message, sequence);
        }
        if (pending === 0) reachEnd();
      },
    });
    if (generation !== this.#generation) {
      messages.stop();
      return;
    }
    this.#messages = messages;
    void this.#watchConsumer(messages, generation);
    if (info.num_pending === 0) reachEnd();
    else void this.#awaitEnd(info.name, generation, () => caughtUp, reachEnd);
  }

  /** Reads what is stored under each filter; from there on the stream is followed by sequence. */
  async #readStored(generation: number): Promise<void> {
    const { stream, filters, onMessage } = this.#options;
    // Whatever stood there before is read with what is stored now, or has been replaced by what comes later.
    const { state } = await this.#nats.jsm.streams.info(stream);
    const isOver = () => this.#stopped || generation !== this.#generation;
    const take = (message: JsMsg, sequence: number) => {
      if (!isOver()) onMessage(message, sequence);
    };
    await Promise.all(filters.map((filter) => readStored(this.#nats, { stream, filter, onMessage: take, isOver })));
    if (isOver()) return;
    this.#hasRead = true;
    this.sequence = state.last_seq;
  }

  /** The last pending message may end by its TTL before it is delivered: then only the consumer's own count tells. */
  async #awaitEnd(name: string, generation: number, isCaughtUp: () => boolean, reachEnd: () => void): Promise<void> {
    for (;;) {
      await pause(END_PROBE_MS);
      if (this.#stopped || generation !== this.#generation || isCaughtUp()) return;
      const info = await this.#nats.jsm.consumers.info(this.#options.stream, name).catch(() => null);
      if (info?.num_pending === 0 && info.delivered.stream_seq <= this.sequence && generation === this.#generation)
        reachEnd();
    }
  }

  /** A broken consumer is silent: only its notifications tell. */
  async #watchConsumer(messages: ConsumerMessages, generation: number): Promise<void> {
    for await (const notice of messages.status()) {
      if (this.#stopped || generation !== this.#generation) return;
      switch (notice.type) {
        case "consumer_not_found":
        case "consumer_deleted":
        case "stream_not_found":
        case "heartbeats_missed":
          if (this.#nats.connection.isClosed()) return;
          this.#log.debug({ notice: notice.type }, "following anew");
          void this.#restart();
          return;
        default:
          break;
      }
    }
  }
}

function deliver(from: TailFrom) {
  switch (from.type) {
    case "last-per-subject":
      return { deliver_policy: DeliverPolicy.LastPerSubject };
    case "sequence":
      return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from.sequence };
    case "new":
      return { deliver_policy: DeliverPolicy.New };
  }
}
