/** An event as it stands in the stream of events. */
import { bucketStream, type CloudEvent, CloudEventSchema, STATE_BUCKET } from "@muster/contracts";
import type { Nats } from "@muster/runtime";

export type FeedEvent = {
  readonly sequence: number;
  /** `muster.events.app.web.accepted` */
  readonly subject: string;
  /** The CloudEvent. */
  readonly text: string;
  /** Where it stood in the state bucket: whoever has read as far knows the documents of its batch. 0 for what agents state. */
  readonly origin: number;
};

type Message = { readonly subject: string; readonly data: Uint8Array };
type Headers = { get(name: string): string };

const decoder = new TextDecoder();

/** Of a delivered message, or of one that was read from the stream. */
export const feedEvent = (
  message: Message & { readonly headers?: Headers | undefined; readonly header?: Headers | undefined },
  sequence: number,
): FeedEvent => ({
  sequence,
  subject: message.subject,
  text: decoder.decode(message.data),
  origin: originOf((message.headers ?? message.header)?.get("Nats-Stream-Source") ?? ""),
});

/** `KV_muster_state 42 <filter> ...`, as the server notes it; the name may go on after a colon. */
function originOf(source: string): number {
  const [stream = "", sequence] = source.split(" ");
  return stream.split(":")[0] === bucketStream(STATE_BUCKET) ? Number(sequence) : 0;
}

/** null: somebody published what is no CloudEvent. */
export function cloudEventOf({ text }: FeedEvent): CloudEvent | null {
  try {
    const parsed = CloudEventSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

const READ_WITHIN_MS = 10_000;
const NOT_FOUND = 404;

/** At most `max` events from `sequence` on, read from the stream itself; none where there are none (yet). */
export function storedEvents(nats: Nats, stream: string, sequence: number, max: number): Promise<FeedEvent[]> {
  return new Promise((resolve, reject) => {
    const events: FeedEvent[] = [];
    let stop: () => void = () => undefined;
    const finish = (cause: unknown) => {
      clearTimeout(late);
      stop();
      if (cause === undefined || (cause as { code?: unknown }).code === NOT_FOUND) resolve(events);
      else reject(cause);
    };
    const late = setTimeout(() => finish(new Error("the stream of events does not answer")), READ_WITHIN_MS);
    // With a callback: the client leaves a subscription behind for each batch that is iterated over.
    nats.jsm.direct
      .getBatch(stream, {
        seq: sequence,
        batch: max,
        callback: (done, message) => {
          if (done === null) events.push(feedEvent(message, message.seq));
          else finish(done.err);
        },
      })
      .then((batch) => {
        stop = () => batch.stop();
      }, finish);
  });
}
