/**
 * Posts events to callbacks. Each subscription has a durable consumer of the stream of events that hands out one event at a time
 * and the next one when it is acknowledged: so all gateways take from it, one of them at a time has something, events come in
 * order, and when a gateway is killed another one goes on with the event that was not acknowledged.
 *
 *   created (with its document) -> handed out -> posted -> acknowledged -> handed out ...
 *                                      ^           |
 *                                      +-- pause --+ not taken: longer each time, then suspended, which is told, and tried now and then
 */
import {
  callbackDurable,
  type Decision,
  NO_DECISION,
  STREAM,
  type SubscriptionDocument,
  WORK_ACK_WAIT_MS,
} from "@muster/contracts";
import { isSuspending, marathonEvents, retryAfterMs, subscriptionsOf, wasSuspended } from "@muster/core";
import { backoffMs, type Nats, pause, type StateBucketView } from "@muster/runtime";
import { AckPolicy, type ConsumerMessages, DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { log } from "../gateway.ts";
import { batchReader } from "./batch-reader.ts";
import { cloudEventOf, feedEvent } from "./feed-event.ts";
import { postEvent } from "./post.ts";

export type CallbackOptions = {
  readonly nats: Nats;
  readonly state: StateBucketView;
  readonly commit: (decide: () => Decision) => Promise<void>;
  /** Pause after so many tries of one event. */
  readonly retryAfterMs?: (tries: number) => number;
};

/** Nobody took from it for so long: the events it stands at are gone from the stream, too. */
const CONSUMER_KEPT_MS = 7 * 24 * 3_600_000;
const PULL_MS = 30_000;
const IDLE_HEARTBEAT_MS = 5_000;
const KEEP_ALIVE_MS = WORK_ACK_WAIT_MS / 3;

export class Callbacks {
  readonly #options: CallbackOptions;
  readonly #senders = new Map<string, Sender>();
  readonly #unsubscribe: (() => void)[];
  #stopped = false;

  constructor(options: CallbackOptions) {
    this.#options = options;
    const { state } = options;
    this.#unsubscribe = [
      state.onChange(({ kind }) => {
        if (kind === "subscription") this.#follow();
      }),
      state.onComplete(() => this.#follow()),
    ];
    this.#follow();
  }

  /** One sender for each subscription that there is, and none for others. */
  #follow(): void {
    const { state } = this.#options;
    if (this.#stopped || !state.complete) return;
    const all = new Map(subscriptionsOf(state).map((one) => [callbackDurable(one), one]));
    for (const [name, sender] of this.#senders) {
      if (all.has(name)) continue;
      this.#senders.delete(name);
      void sender.remove();
    }
    for (const [name, subscription] of all)
      if (!this.#senders.has(name)) this.#senders.set(name, new Sender(subscription, this.#options));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await Promise.all([...this.#senders.values()].map((sender) => sender.stop()));
  }
}

/** Posts the events of one subscription, as far as this gateway is handed them. */
class Sender {
  readonly #subscription: SubscriptionDocument;
  readonly #options: CallbackOptions;
  readonly #name: string;
  readonly #untilRead: ReturnType<typeof batchReader>;
  readonly #abort = new AbortController();
  #messages: ConsumerMessages | null = null;
  #inHand: Promise<void> = Promise.resolve();
  readonly #running: Promise<void>;

  constructor(subscription: SubscriptionDocument, options: CallbackOptions) {
    this.#subscription = subscription;
    this.#options = options;
    this.#name = callbackDurable(subscription);
    this.#untilRead = batchReader(options.state);
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#messages?.stop();
    await Promise.all([this.#running, this.#inHand]);
  }

  /** Nobody wants its events any more. Each gateway that sees so removes it. */
  async remove(): Promise<void> {
    await this.stop();
    const { nats } = this.#options;
    if (!nats.connection.isClosed()) await nats.jsm.consumers.delete(STREAM.events, this.#name).catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { connection } = this.#options.nats;
    for (let failures = 0; !this.#abort.signal.aborted && !connection.isClosed(); ) {
      try {
        this.#messages = await this.#consume();
        failures = 0;
        await untilBroken(this.#messages, this.#abort.signal);
        this.#messages.stop();
      } catch (cause) {
        if (failures % 10 === 5) this.#warn("cannot take events for a callback yet", cause);
        await pause(backoffMs(failures));
        failures += 1;
      }
    }
  }

  async #consume(): Promise<ConsumerMessages> {
    const { nats } = this.#options;
    // The same for every gateway, whoever is first; a document without its consumer is so made whole.
    await nats.jsm.consumers.add(STREAM.events, {
      durable_name: this.#name,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#subscription.fromSequence,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(WORK_ACK_WAIT_MS),
      max_ack_pending: 1,
      max_deliver: -1,
      inactive_threshold: nanos(CONSUMER_KEPT_MS),
    });
    const consumer = await nats.js.consumers.get(STREAM.events, this.#name);
    return await consumer.consume({
      max_messages: 1,
      expires: PULL_MS,
      idle_heartbeat: IDLE_HEARTBEAT_MS,
      callback: (message) => {
        this.#inHand = this.#inHand.then(() => this.#take(message));
      },
    });
  }

  async #take(message: JsMsg): Promise<void> {
    const keepAlive = setInterval(() => message.working(), KEEP_ALIVE_MS);
    try {
      if (this.#abort.signal.aborted) return void message.nak();
      const why = await this.#post(message);
      if (why !== null) return await this.#retry(message, why);
      await message.ackAck();
      await this.#tellResumed(message);
    } catch (cause) {
      // Not acknowledged, so it is handed out again, here or elsewhere.
      this.#warn("an event for a callback could not be handled", cause);
    } finally {
      clearInterval(keepAlive);
    }
  }

  /** null when the callback has taken all that the event gives, else why not. */
  async #post(message: JsMsg): Promise<string | null> {
    const { state } = this.#options;
    const event = feedEvent(message, message.seq);
    const told = cloudEventOf(event);
    if (told === null) return null;
    await this.#untilRead(event);
    for (const one of marathonEvents(told, state, "light")) {
      const why = await postEvent(this.#subscription.callbackUrl, JSON.stringify(one), this.#abort.signal);
      if (why !== null) return why;
    }
    return null;
  }

  async #retry(message: JsMsg, why: string): Promise<void> {
    if (this.#abort.signal.aborted) return message.nak();
    const { deliveryCount } = message.info;
    message.nak((this.#options.retryAfterMs ?? retryAfterMs)(deliveryCount));
    if (!isSuspending(deliveryCount)) return;
    const { id, callbackUrl } = this.#subscription;
    log.warn({ callbackUrl, sequence: message.seq, error: why }, "a callback takes no events: it is suspended");
    const data = { id, callbackUrl, sequence: message.seq, deliveries: deliveryCount, message: why };
    await this.#tell({ type: "muster.subscription.suspended", subject: id, id: `${message.seq}`, data });
  }

  async #tellResumed(message: JsMsg): Promise<void> {
    const { deliveryCount } = message.info;
    if (!wasSuspended(deliveryCount)) return;
    const { id, callbackUrl } = this.#subscription;
    log.info({ callbackUrl, sequence: message.seq }, "a callback takes events again");
    const data = { id, callbackUrl, sequence: message.seq, deliveries: deliveryCount };
    await this.#tell({ type: "muster.subscription.resumed", subject: id, id: `${message.seq}`, data });
  }

  #tell(event: Decision["events"][number]): Promise<void> {
    return this.#options.commit(() => ({ ...NO_DECISION, events: [event] }));
  }

  #warn(what: string, cause: unknown): void {
    log.warn({ callbackUrl: this.#subscription.callbackUrl, error: (cause as Error).message }, what);
  }
}

async function untilBroken(messages: ConsumerMessages, signal: AbortSignal): Promise<void> {
  for await (const notice of messages.status()) {
    if (signal.aborted) return;
    if (["consumer_not_found", "consumer_deleted", "stream_not_found", "heartbeats_missed"].includes(notice.type))
      return;
  }
}
