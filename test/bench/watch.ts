/** What a benchmark sees of the buckets while it runs: counts taken from the bytes, so that watching costs next to nothing. */
import { bucketStream, HEALTH_BUCKET, keySubject, STATE_BUCKET } from "@muster/contracts";
import { connectNats, monotonicMs, type Nats, StreamTail } from "@muster/runtime";

/** Counts per key, their sum, and when the sum last changed (monotonic ms). */
export class Tally {
  readonly #counts = new Map<string, number>();
  sum = 0;
  changedAtMs = 0;

  set(key: string, count: number): void {
    const before = this.#counts.get(key) ?? 0;
    if (before === count) return;
    this.#counts.set(key, count);
    this.sum += count - before;
    this.changedAtMs = monotonicMs();
  }
  /** When a key was first counted. */
  get keys(): number {
    return this.#counts.size;
  }
}

export type Watch = { readonly tally: Tally; stop(): Promise<void> };

/** Follows the keys of one kind and counts `needle` in each document. Resolves when all that is stored was read. */
async function follow(nats: Nats, bucket: string, kind: string, needle: string): Promise<Watch> {
  const tally = new Tally();
  const bytes = Buffer.from(needle);
  let caughtUp: () => void = () => undefined;
  const complete = new Promise<void>((resolve) => {
    caughtUp = resolve;
  });
  const tail = new StreamTail(nats, {
    stream: bucketStream(bucket),
    filters: [keySubject(bucket, `${kind}.>`)],
    from: { type: "last-per-subject" },
    onMessage: (message) => tally.set(message.subject, occurrences(message.data, bytes)),
    onCaughtUp: caughtUp,
  });
  await tail.start();
  await complete;
  return { tally, stop: () => tail.stop() };
}

function occurrences(data: Uint8Array, needle: Buffer): number {
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  let count = 0;
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length)) count += 1;
  return count;
}

/** Rows that were placed and not ordered to stop, over all apps. */
export const watchPlaced = (nats: Nats): Promise<Watch> => follow(nats, STATE_BUCKET, "placed", '"goal":"run"');
/** Instances judged to be running. */
export const watchRunning = (nats: Nats): Promise<Watch> => follow(nats, HEALTH_BUCKET, "verdict", '"level":"running"');
/** Agents with open gates. */
export const watchGates = (nats: Nats): Promise<Watch> => follow(nats, STATE_BUCKET, "ledger", '"open":true');

/** A connection of the benchmark's own. */
export const connectBench = (url: string): Promise<Nats> => connectNats({ url }, { name: "bench", waitMs: 10_000 });
