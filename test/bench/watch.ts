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

/** Follows the keys of one kind, with a count taken of each document. Resolves when all that is stored was read. */
async function follow(nats: Nats, bucket: string, kind: string, count: (data: Buffer) => number): Promise<Watch> {
  const tally = new Tally();
  let caughtUp: () => void = () => undefined;
  const complete = new Promise<void>((resolve) => {
    caughtUp = resolve;
  });
  const tail = new StreamTail(nats, {
    stream: bucketStream(bucket),
    filters: [keySubject(bucket, `${kind}.>`)],
    from: { type: "last-per-subject" },
    onMessage: ({ subject, data }) =>
      tally.set(subject, count(Buffer.from(data.buffer, data.byteOffset, data.byteLength))),
    onCaughtUp: caughtUp,
  });
  await tail.start();
  await complete;
  return { tally, stop: () => tail.stop() };
}

const says = (text: string) => (data: Buffer) => (data.includes(text) ? 1 : 0);
/** Row sets begin with how many they are. */
const rows = (data: Buffer) => Number(/"rows":\{"count":(\d+)/.exec(data.toString("latin1", 0, 500))?.[1] ?? 0);

/** Rows that were placed, over all apps. */
export const watchPlaced = (nats: Nats): Promise<Watch> => follow(nats, STATE_BUCKET, "placed", rows);
/** Instances judged to be running. */
export const watchRunning = (nats: Nats): Promise<Watch> =>
  follow(nats, HEALTH_BUCKET, "verdict", says('"level":"running"'));
/** Agents with open gates. */
export const watchGates = (nats: Nats): Promise<Watch> => follow(nats, STATE_BUCKET, "ledger", says('"open":true'));

/** A connection of the benchmark's own. */
export const connectBench = (url: string): Promise<Nats> => connectNats({ url }, { name: "bench", waitMs: 10_000 });
