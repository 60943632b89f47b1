/** Reads what a stream holds under one filter, the last message of each subject, and is done. */
import { AckPolicy, type ConsumerMessages, DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { pause } from "./clock.ts";
import type { Nats } from "./connect.ts";
import { deliveryOf } from "./delivery.ts";

const EXPIRES_MS = 30_000;
const IDLE_HEARTBEAT_MS = 2_000;
const CONSUMER_KEPT_MS = 10_000;
const END_PROBE_MS = 1_000;

export type StoredOptions = {
  readonly stream: string;
  readonly filter: string;
  readonly onMessage: (message: JsMsg, sequence: number) => void;
  /** True when nobody wants the rest any more. */
  readonly isOver: () => boolean;
};

/** Resolves when all of it was handed over, or it is over. @throws when something was missed: then it is read anew. */
export async function readStored(nats: Nats, { stream, filter, onMessage, isOver }: StoredOptions): Promise<void> {
  const info = await nats.jsm.consumers.add(stream, {
    filter_subject: filter,
    deliver_policy: DeliverPolicy.LastPerSubject,
    ack_policy: AckPolicy.None,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: nanos(CONSUMER_KEPT_MS),
  });
  let messages: ConsumerMessages | null = null;
  try {
    if (info.num_pending === 0) return;
    await new Promise<void>((resolve, reject) => {
      let delivered = 0;
      let last = 0;
      let isDone = false;
      const finish = (error: Error | null) => {
        isDone = true;
        if (error === null) resolve();
        else reject(error);
      };
      const take = (message: JsMsg) => {
        if (isDone) return;
        const { sequence, delivery, pending } = deliveryOf(message);
        if (delivery !== delivered + 1) return finish(new Error(`delivery ${delivered + 1} of ${filter} did not come`));
        [delivered, last] = [delivery, sequence];
        onMessage(message, sequence);
        if (pending === 0) finish(null);
      };
      const follow = async () => {
        const options = { max_messages: 1_000, expires: EXPIRES_MS, idle_heartbeat: IDLE_HEARTBEAT_MS };
        messages = await nats.js.consumers.getConsumerFromInfo(info).consume({ ...options, callback: take });
        // The last pending message may end by its TTL before it is delivered: then only the consumer's own count tells.
        while (!isDone) {
          await pause(END_PROBE_MS);
          if (isOver()) return finish(null);
          if (isDone) return;
          const now = await nats.jsm.consumers.info(stream, info.name);
          if (now.num_pending === 0 && now.delivered.stream_seq <= last) finish(null);
        }
      };
      follow().catch(finish);
    });
  } finally {
    (messages as ConsumerMessages | null)?.stop();
    if (!nats.connection.isClosed()) void nats.jsm.consumers.delete(stream, info.name).catch(() => undefined);
  }
}
