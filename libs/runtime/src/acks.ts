/** Acknowledgements that are confirmed by the server, many at once and through one subscription. */
import type { JsMsg } from "@nats-io/jetstream";
import { createInbox, type NatsConnection } from "@nats-io/transport-node";

const ACK = Buffer.from("+ACK");

export class Acks {
  readonly #connection: NatsConnection;
  readonly #inbox = createInbox();
  readonly #waiting = new Map<string, () => void>();
  #sent = 0;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#waiting.get(message.subject)?.();
      },
    });
  }

  /** Resolves when the server has confirmed all of them, or after so long: what it does not know of comes again. */
  confirm(messages: readonly JsMsg[], withinMs: number): Promise<void> {
    if (messages.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const left = new Set<string>();
      const finish = () => {
        clearTimeout(late);
        for (const reply of left) this.#waiting.delete(reply);
        resolve();
      };
      const late = setTimeout(finish, withinMs);
      for (const message of messages) {
        this.#sent += 1;
        const reply = `${this.#inbox}.${this.#sent}`;
        left.add(reply);
        this.#waiting.set(reply, () => {
          this.#waiting.delete(reply);
          left.delete(reply);
          if (left.size === 0) finish();
        });
        // The client has the subject to answer to, though its types do not say so.
        this.#connection.publish((message as { reply?: string }).reply ?? "", ACK, { reply });
      }
    });
  }
}
