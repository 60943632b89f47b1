/** A control plane of one's own for tests: a real nats-server, our streams, and a hand that writes records and answers. */
import {
  bucketStream,
  HEADER,
  type Heartbeat,
  type InstanceDocument,
  type InstanceRef,
  keySubject,
  keys,
  STATE_BUCKET,
  STREAM,
  subjects,
  type TaskEvent,
  TaskEventSchema,
} from "@muster/contracts";
import { commitBatch, connectNats, createLog, type Nats, provision, replyInParts } from "@muster/runtime";
import { startNatsServer } from "@muster/testkit";
import { headers, type Msg, type MsgHdrs } from "@nats-io/transport-node";
import { type Link, watchLink } from "../channel/link.ts";

export type Cluster = {
  /** Stopped with their tasks when the test is over. */
  readonly agents: { stop(options: { keepTasks: boolean }): Promise<void> }[];
  readonly url: string;
  readonly nats: Nats;
  readonly link: Link;
  readonly server: Awaited<ReturnType<typeof startNatsServer>>;
  /** Commits instance records with the agent's next numbers, as placement does. */
  write(...records: InstanceDocument[]): Promise<void>;
  /** Writes any body under an instance's key. */
  writeRaw(ref: InstanceRef, body: string): Promise<void>;
  purge(record: InstanceDocument): Promise<void>;
  /** Counts a record that the agent will not hear of: as if its message was lost. */
  writeUnheard(record: InstanceDocument): void;
  /** As when the agent's ledger was purged and made again. */
  startNumbersAnew(): void;
  facts(): Promise<TaskEvent[]>;
  /** `state` or `state:reason` of every fact about an instance, in order. */
  states(instance: string): Promise<string[]>;
  readonly heartbeats: Heartbeat[];
  /** What heartbeats are answered with; null leaves them unanswered. */
  answer: { incarnation: number; nonce: string } | null;
  syncs: number;
  answersSync: boolean;
};

export async function cluster(t: { after(work: () => Promise<void>): void }, agent = "n1"): Promise<Cluster> {
  const server = await startNatsServer();
  const nats = await connectNats({ url: server.url }, { name: "test", waitMs: 5_000 });
  const agents: { stop(options: { keepTasks: boolean }): Promise<void> }[] = [];
  t.after(async () => {
    // While the server is still there, so that nobody waits for it.
    await Promise.all(agents.map((each) => each.stop({ keepTasks: false })));
    await nats.connection.close();
    await server.stop();
  });
  await provision(nats, { replicas: 1 });
  let n = 0;
  const records = new Map<string, { sequence: number; record: unknown }>();
  const heartbeats: Heartbeat[] = [];
  const subjectOf = (ref: InstanceRef): string => keySubject(STATE_BUCKET, keys.instance(agent, ref));

  const commit = async (
    writes: { ref: InstanceRef; instance: string; body: string; record: unknown }[],
  ): Promise<void> => {
    const messages = writes.map(({ ref, body }) => {
      n += 1;
      return { subject: subjectOf(ref), body, headers: { [HEADER.number]: String(n) } };
    });
    const outcome = await commitBatch(nats.connection, messages);
    if (outcome.type !== "committed") throw new Error(`not committed: ${JSON.stringify(outcome)}`);
    writes.forEach(({ instance, record }, i) => {
      records.set(instance, { sequence: outcome.last - outcome.count + 1 + i, record });
    });
  };

  const self: Cluster = {
    agents,
    link: watchLink(nats.connection, createLog("test")),
    url: server.url,
    nats,
    server,
    heartbeats,
    answer: { incarnation: 0, nonce: "" },
    syncs: 0,
    answersSync: true,
    write: (...all) =>
      commit(all.map((record) => ({ ref: record, instance: record.instance, body: JSON.stringify(record), record }))),
    writeRaw: (ref, body) => commit([{ ref, instance: `${ref.app}${ref.attempt}`, body, record: null }]),
    async purge(record) {
      records.delete(record.instance);
      await nats.js.publish(subjectOf(record), "", {
        headers: purgeHeaders(),
      });
    },
    writeUnheard(record) {
      n += 1;
      records.set(record.instance, { sequence: 1_000_000 + n, record });
    },
    startNumbersAnew() {
      n = 0;
    },
    async facts() {
      const info = await nats.jsm.streams.info(STREAM.facts);
      const found: TaskEvent[] = [];
      for (let seq = info.state.first_seq; seq <= info.state.last_seq && info.state.messages > 0; seq += 1) {
        const message = await nats.jsm.streams.getMessage(STREAM.facts, { seq });
        if (message !== null) found.push(TaskEventSchema.parse(message.json()));
      }
      return found;
    },
    async states(instance) {
      return (await self.facts()).filter((event) => event.data.instance === instance).map((event) => event.data.state);
    },
  };

  nats.connection.subscribe(subjects.heartbeat(agent), {
    callback: (_error, message) => {
      heartbeats.push(message.json());
      if (self.answer !== null) message.respond(JSON.stringify({ n, ...self.answer }));
    },
  });
  const answerSync = async (message: Msg): Promise<void> => {
    self.syncs += 1;
    const info = await nats.jsm.streams.info(bucketStream(STATE_BUCKET));
    const all = [...records.values()].filter((each) => each.record !== null);
    replyInParts(message, JSON.stringify({ n, sequence: info.state.last_seq, records: all }));
  };
  nats.connection.subscribe(subjects.sync(agent), {
    callback: (_error, message) => {
      if (self.answersSync) answerSync(message).catch(() => undefined);
    },
  });
  await nats.connection.flush();
  return self;
}

function purgeHeaders(): MsgHdrs {
  const all = headers();
  all.set("KV-Operation", "PURGE");
  all.set("Nats-Rollup", "sub");
  return all;
}
