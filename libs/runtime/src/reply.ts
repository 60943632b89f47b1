/** Requests whose answer may be larger than one message: the reply comes in parts, numbered `k/n` in a header. */
import { HEADER } from "@muster/contracts";
import { createInbox, headers, type Msg, type NatsConnection } from "@nats-io/transport-node";

const PART_BYTES_MAX = 512 * 1024;

/** Answers a request with as many messages as its body needs. */
export function replyInParts(message: Msg, body: string, more: Readonly<Record<string, string>> = {}): void {
  const bytes = Buffer.from(body, "utf8");
  const count = Math.max(1, Math.ceil(bytes.length / PART_BYTES_MAX));
  for (let k = 0; k < count; k += 1) {
    const all = headers();
    for (const [key, value] of Object.entries(more)) all.set(key, value);
    all.set(HEADER.part, `${k + 1}/${count}`);
    message.respond(bytes.subarray(k * PART_BYTES_MAX, (k + 1) * PART_BYTES_MAX), { headers: all });
  }
}

/**
 * Sends a request and joins the parts of its answer.
 * @throws when nobody answers, or a part is missing after `timeoutMs`.
 */
export async function requestInParts(
  connection: NatsConnection,
  subject: string,
  body: string,
  { timeoutMs, headers: given = {} }: { timeoutMs: number; headers?: Readonly<Record<string, string>> },
): Promise<string> {
  const inbox = createInbox();
  const parts = new Map<number, Uint8Array>();
  const all = headers();
  for (const [key, value] of Object.entries(given)) all.set(key, value);
  return await new Promise<string>((resolve, reject) => {
    const subscription = connection.subscribe(inbox, {
      callback: (error, message) => {
        if (error !== null) return finish(error);
        if (message.headers?.code === 503) return finish(new Error(`no responders on ${subject}`));
        const [k = 1, n = 1] = (message.headers?.get(HEADER.part) || "1/1").split("/").map(Number);
        parts.set(k, message.data);
        if (parts.size < n) return;
        const ordered = [...parts.entries()].sort(([a], [b]) => a - b).map(([, data]) => data);
        finish(null, Buffer.concat(ordered).toString("utf8"));
      },
    });
    const timer = setTimeout(() => finish(new Error(`no answer on ${subject} within ${timeoutMs} ms`)), timeoutMs);
    const finish = (error: Error | null, text = "") => {
      clearTimeout(timer);
      subscription.unsubscribe();
      if (error === null) resolve(text);
      else reject(error);
    };
    connection.publish(subject, body, { reply: inbox, headers: all });
  });
}
