/** Answers agents that missed something: everything that should run there, consistent at one sequence of the state stream. */
import {
  agentIdOf,
  agentToken,
  bucketStream,
  InstanceDocumentSchema,
  keySubject,
  keys,
  type LedgerDocument,
  LedgerDocumentSchema,
  STATE_BUCKET,
  type SyncReply,
  subjects,
  tokensOf,
} from "@muster/contracts";
import { type Cluster, createLog, replyInParts } from "@muster/runtime";
import { AckPolicy, DeliverPolicy, type StoredMsg } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/transport-node";

const log = createLog("sync");
const STREAM_NAME = bucketStream(STATE_BUCKET);
/** nats-server answers a multi-subject direct read for at most so many subjects. */
const DIRECT_SUBJECTS_MAX = 1_000;
const READ_TIMEOUT_MS = 5_000;

type Stored = { readonly subject: string; readonly sequence: number; readonly body: unknown };

export function answerSyncs(cluster: Cluster): { stop(): void } {
  const subscription = cluster.nats.connection.subscribe(subjects.syncs, {
    queue: "placement",
    callback: (error, message) => {
      if (error !== null) return;
      answer(cluster, message).catch((cause: unknown) =>
        log.warn({ subject: message.subject, error: (cause as Error).message }, "a sync request was not answered"),
      );
    },
  });
  return { stop: () => subscription.unsubscribe() };
}

async function answer(cluster: Cluster, message: Msg): Promise<void> {
  const token = tokensOf(message.subject)[3];
  if (token === undefined || message.reply === undefined) return;
  const agent = agentIdOf(token);
  const stored = await read(cluster, agent);
  const ledger = stored.find(({ subject }) => subject === keySubject(STATE_BUCKET, keys.ledger(agent)));
  const records = stored
    .filter((item) => item !== ledger)
    .flatMap(({ sequence, body }) => {
      const record = InstanceDocumentSchema.safeParse(body);
      return record.success ? [{ sequence, record: record.data }] : [];
    });
  const n = LedgerDocumentSchema.safeParse(ledger?.body).data?.n ?? 0;
  const reply: SyncReply = { n, sequence: Math.max(0, ...stored.map(({ sequence }) => sequence)), records };
  replyInParts(message, JSON.stringify(reply));
}

async function read(cluster: Cluster, agent: string): Promise<Stored[]> {
  const filters = [keySubject(STATE_BUCKET, keys.ledger(agent)), keySubject(STATE_BUCKET, keys.instancesOf(agent))];
  const count = instanceCount(cluster.state.kind("ledger").get(agentToken(agent))?.value.instances ?? {});
  return count < DIRECT_SUBJECTS_MAX / 2 ? await readDirect(cluster, filters) : await readConsumer(cluster, filters);
}

async function readDirect(cluster: Cluster, filters: string[]): Promise<Stored[]> {
  const found: Stored[] = [];
  try {
    for await (const message of await cluster.nats.jsm.direct.getLastMessagesFor(STREAM_NAME, { multi_last: filters }))
      take(found, message);
  } catch (cause) {
    if (!/no results|not found/i.test((cause as Error).message)) throw cause;
  }
  return found;
}

/** What the ledger counts; records of a removed agent may be more, and then come in a second answer. */
function instanceCount(instances: LedgerDocument["instances"]): number {
  let count = 0;
  for (const versions of Object.values(instances)) for (const each of Object.values(versions)) count += each;
  return count;
}

/** A large agent: a short-lived consumer. The ledger comes with it, so its number is never ahead of the records. */
async function readConsumer(cluster: Cluster, filters: string[]): Promise<Stored[]> {
  const { js, jsm } = cluster.nats;
  const info = await jsm.consumers.add(STREAM_NAME, {
    filter_subjects: filters,
    deliver_policy: DeliverPolicy.LastPerSubject,
    ack_policy: AckPolicy.None,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: 10_000_000_000,
  });
  const found: Stored[] = [];
  try {
    const consumer = js.consumers.getConsumerFromInfo(info);
    while (found.length < info.num_pending) {
      const batch = await consumer.fetch({ max_messages: 1_000, expires: READ_TIMEOUT_MS });
      let got = 0;
      for await (const message of batch) {
        got += 1;
        found.push({
          subject: message.subject,
          sequence: message.seq,
          body: message.data.length === 0 ? null : message.json(),
        });
        if (message.info.pending === 0) return found.filter(({ body }) => body !== null);
      }
      if (got === 0) break;
    }
    return found.filter(({ body }) => body !== null);
  } finally {
    await jsm.consumers.delete(STREAM_NAME, info.name).catch(() => undefined);
  }
}

function take(found: Stored[], message: StoredMsg): void {
  if (message.data.length === 0) return;
  try {
    found.push({ subject: message.subject, sequence: message.seq, body: message.json() });
  } catch {
    log.warn({ subject: message.subject }, "a record that cannot be read is left out of a sync");
  }
}
