/** Takes messages from durable work queues, many at a time, and acknowledges what was done. Poison is parked, never fatal. */
import { type ConsumerSpec, HEADER } from "@muster/contracts";
import type { ConsumerMessages, JsMsg } from "@nats-io/jetstream";
import { Acks } from "./acks.ts";
import { backoffMs, pause } from "./clock.ts";
import type { Nats } from "./connect.ts";
import type { Graveyard } from "./graveyard.ts";
import { createLog, type Log } from "./log.ts";

export type Work = {
  readonly subject: string;
  readonly body: Uint8Array;
  readonly sequence: number;
  /** How often it was handed out before. */
  readonly redeliveries: number;
  /** Revision named by a wake-up, or 0. */
  readonly revision: number;
  /** The same in the health bucket. */
  readonly healthRevision: number;
  readonly messageId: string | null;
  readonly trace: string | null;
};

export type WorkQueueOptions = {
  /** Most urgent first: a round is filled in this order, but for the little that is kept for each of the others. */
  readonly consumers: readonly ConsumerSpec[];
  readonly roundMax: number;
  /** Handles a round. When it throws, the round is halved, until one message stands alone with its error. */
  readonly handle: (work: readonly Work[]) => Promise<void>;
};

/** The share of a round kept for each class that has something: the least urgent moves on however much comes before it. */
const KEPT_SHARE = 1 / 16;

/** How many messages a round takes of each class, most urgent first. `pending`: how many each has. */
export function roundShares(pending: readonly number[], roundMax: number): number[] {
  const kept = Math.max(1, Math.floor(roundMax * KEPT_SHARE));
  const shares = pending.map((count) => Math.min(count, kept));
  let left = roundMax - shares.reduce((sum, share) => sum + share, 0);
  return shares.map((share, i) => {
    const more = Math.max(0, Math.min(left, (pending[i] as number) - share));
    left -= more;
    return share + more;
  });
}

type Held = { readonly message: JsMsg; readonly work: Work; readonly spec: ConsumerSpec };
const IDLE_HEARTBEAT_MS = 5_000;
const CONFIRM_MS = 2_000;

export class WorkQueue {
  readonly #nats: Nats;
  readonly #acks: Acks;
  readonly #graveyard: Graveyard;
  readonly #options: WorkQueueOptions;
  readonly #log: Log;
  readonly #pending: Held[][];
  readonly #inHand = new Set<Held>();
  #open: ConsumerMessages[] = [];
  #stopped = false;
  #running: Promise<void> | null = null;
  #keepAlive: NodeJS.Timeout | null = null;

  constructor(nats: Nats, graveyard: Graveyard, options: WorkQueueOptions) {
    this.#nats = nats;
    this.#acks = new Acks(nats.connection);
    this.#graveyard = graveyard;
    this.#options = options;
    this.#log = createLog("work");
    this.#pending = options.consumers.map(() => []);
  }

  start(): void {
    const ackWaitMs = Math.min(...this.#options.consumers.map((spec) => spec.ackWaitMs));
    this.#keepAlive = setInterval(() => {
      for (const held of [...this.#pending.flat(), ...this.#inHand]) held.message.working();
    }, ackWaitMs / 3);
    for (const [i, spec] of this.#options.consumers.entries()) void this.#consume(spec, this.#pending[i] as Held[]);
  }

  /** Takes nothing new and waits for the round in hand. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const messages of this.#open) messages.stop();
    for (const held of this.#pending.flat()) held.message.nak();
    for (const pending of this.#pending) pending.length = 0;
    await this.#running;
    if (this.#keepAlive !== null) clearInterval(this.#keepAlive);
  }

  /** Consumes for ever; a consumer that went silent or away is opened again. */
  async #consume(spec: ConsumerSpec, pending: Held[]): Promise<void> {
    for (let attempt = 0; !this.#stopped && !this.#nats.connection.isClosed(); ) {
      try {
        const consumer = await this.#nats.js.consumers.get(spec.stream, spec.durable);
        const messages = await consumer.consume({
          max_messages: this.#options.roundMax,
          expires: 30_000,
          idle_heartbeat: IDLE_HEARTBEAT_MS,
          callback: (message) => {
            attempt = 0;
            pending.push({ message, spec, work: workOf(message) });
            this.#run();
          },
        });
        this.#open.push(messages);
        if (this.#stopped) messages.stop();
        await this.#untilBroken(messages);
        messages.stop();
        this.#open = this.#open.filter((open) => open !== messages);
      } catch (cause) {
        attempt += 1;
        if (attempt % 10 === 5)
          this.#log.warn({ queue: spec.durable, error: (cause as Error).message }, "cannot take work yet");
        await pause(backoffMs(attempt));
      }
    }
  }

  async #untilBroken(messages: ConsumerMessages): Promise<void> {
    for await (const notice of messages.status()) {
      if (this.#stopped) return;
      if (["consumer_not_found", "consumer_deleted", "stream_not_found", "heartbeats_missed"].includes(notice.type))
        return;
    }
  }

  #run(): void {
    if (this.#running !== null) return;
    this.#running = this.#rounds().finally(() => {
      this.#running = null;
      if (!this.#stopped && this.#pending.some((pending) => pending.length > 0)) this.#run();
    });
  }

  async #rounds(): Promise<void> {
    // One turn of the loop later all messages that arrived together are here.
    await new Promise((resolve) => setImmediate(resolve));
    while (!this.#stopped) {
      const round: Held[] = [];
      const shares = roundShares(
        this.#pending.map((pending) => pending.length),
        this.#options.roundMax,
      );
      for (const [i, pending] of this.#pending.entries()) round.push(...pending.splice(0, shares[i]));
      if (round.length === 0) return;
      for (const held of round) this.#inHand.add(held);
      await this.#handle(round);
      for (const held of round) this.#inHand.delete(held);
    }
  }

  async #handle(round: readonly Held[]): Promise<void> {
    try {
      await this.#options.handle(round.map((held) => held.work));
    } catch (cause) {
      if (round.length > 1) {
        const half = Math.ceil(round.length / 2);
        await this.#handle(round.slice(0, half));
        await this.#handle(round.slice(half));
        return;
      }
      await this.#fail(round[0] as Held, cause as Error);
      return;
    }
    // Confirmed, not only sent: a wake-up published right afterwards must not meet the old message.
    await this.#acks.confirm(
      round.map((held) => held.message),
      CONFIRM_MS,
    );
  }

  async #fail({ message, work, spec }: Held, cause: Error): Promise<void> {
    this.#log.error(
      { subject: work.subject, redeliveries: work.redeliveries, error: cause.message, stack: cause.stack },
      "a message could not be handled",
    );
    if (work.redeliveries + 1 < spec.maxDeliver) {
      message.nak(backoffMs(work.redeliveries, { firstMs: 200, capMs: 5_000 }));
      return;
    }
    const buried = await this.#graveyard.bury({
      stream: spec.stream,
      consumer: spec.durable,
      sequence: work.sequence,
      subject: work.subject,
      error: cause.message,
      body: work.body,
    });
    if (buried) message.term(cause.message.slice(0, 100));
    else message.nak(5_000);
  }
}

function workOf(message: JsMsg): Work {
  const headers = message.headers;
  return {
    subject: message.subject,
    body: message.data,
    sequence: message.seq,
    redeliveries: Math.max(0, message.info.deliveryCount - 1),
    revision: Number(headers?.get(HEADER.revision) ?? 0) || 0,
    healthRevision: Number(headers?.get(HEADER.healthRevision) ?? 0) || 0,
    messageId: headers?.get("Nats-Msg-Id") || null,
    trace: headers?.get(HEADER.traceparent) || null,
  };
}
