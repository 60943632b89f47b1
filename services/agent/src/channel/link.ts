/** Whether the connection stands, and who wants to hear when it stands again. */

import type { Log } from "@muster/runtime";
import type { NatsConnection } from "@nats-io/transport-node";

export type Link = {
  /** Resolves when the connection is there. */
  up(): Promise<void>;
  /** Waits for an answer, or rejects when the connection was lost and is back: what was asked before is not answered any more. */
  answer<T>(asked: Promise<T>): Promise<T>;
  onReconnect(listener: () => void): void;
};

export function watchLink(connection: NatsConnection, log: Log): Link {
  let connected = true;
  const listeners: (() => void)[] = [];
  const waiting = new Set<() => void>();
  let back = Promise.withResolvers<void>();

  void (async () => {
    for await (const status of connection.status()) {
      if (status.type === "disconnect") {
        if (connected) log.warn({ server: status.server }, "the connection is lost: tasks go on, facts wait on disk");
        connected = false;
      } else if (status.type === "reconnect") {
        log.info({ server: status.server }, "connected again");
        connected = true;
        for (const lost of waiting) lost();
        back.resolve();
        back = Promise.withResolvers<void>();
        for (const listener of listeners) listener();
      }
    }
  })();

  return {
    up: () => (connected ? Promise.resolve() : back.promise),
    answer: (asked) =>
      new Promise((resolve, reject) => {
        const lost = () => reject(new Error("the connection was lost"));
        waiting.add(lost);
        // Taken out again: the connection may stand for months.
        asked.then(resolve, reject).finally(() => waiting.delete(lost));
      }),
    onReconnect: (listener) => listeners.push(listener),
  };
}
