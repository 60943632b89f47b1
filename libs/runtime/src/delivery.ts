/** The numbers of a delivery, taken from its reply subject: the client takes all of it apart for each, which counts among thousands. */
import type { JsMsg } from "@nats-io/jetstream";

export type Delivery = {
  /** Where it stands in its stream. */
  readonly sequence: number;
  /** Counts what its consumer delivered, from 1 on. */
  readonly delivery: number;
  /** How many more the consumer has just now. */
  readonly pending: number;
};

/** `$JS.ACK.<stream>.<consumer>.<n>.<sequence>.<delivery>.<time>.<pending>` */
const REPLY = /^\$JS\.ACK\.[^.]+\.[^.]+\.\d+\.(\d+)\.(\d+)\.\d+\.(\d+)$/;

export function deliveryOf(message: JsMsg): Delivery {
  // The client has the reply subject, though its types do not say so.
  const numbers = REPLY.exec((message as { reply?: string }).reply ?? "");
  if (numbers !== null)
    return { sequence: Number(numbers[1]), delivery: Number(numbers[2]), pending: Number(numbers[3]) };
  // Where the server says more in it, the client knows how to read it.
  const { streamSequence, deliverySequence, pending } = message.info;
  return { sequence: streamSequence, delivery: deliverySequence, pending };
}
