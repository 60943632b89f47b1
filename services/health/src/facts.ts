/** Facts in stream order, many in one batch. The cursor is written with the verdicts, so a restart judges nothing twice. */
import {
  agentShard,
  BATCH_MESSAGES_MAX,
  bucketStream,
  CloudEventSchema,
  type Decision,
  FactSchema,
  instanceId,
  SHARD_COUNT,
  STATE_BUCKET,
  STREAM,
  subjects,
  tokensOf,
} from "@muster/contracts";
import { decideFacts, isTerminal, type NumberedFact } from "@muster/core";
import { backoffMs, type Cluster, createLog, type Performed, pause, type Shards, StreamTail } from "@muster/runtime";
import type { JsMsg } from "@nats-io/jetstream";

const log = createLog("facts");
/** A batch takes 1,000 messages: verdicts, as many endings at worst, and a cursor for each shard. */
const ROUND_WRITES_MAX = BATCH_MESSAGES_MAX - SHARD_COUNT;
const RECORD_WAIT_MS = 2_000;

export type FactsOptions = {
  readonly shards: Pick<Shards, "holds" | "isOurs">;
  readonly commit: (decide: () => Decision | null) => Promise<Performed | null>;
  /** A task without a record ended: it is no orphan any more. */
  readonly onOrphanEnd: (agent: string, instance: string) => void;
};

export function followFacts(cluster: Cluster, { shards, commit, onOrphanEnd }: FactsOptions) {
  let pending: NumberedFact[] = [];
  let running: Promise<void> | null = null;
  let tail: StreamTail | null = null;
  let stopped = false;

  const take = (message: JsMsg) => {
    if (!shards.isOurs(Number(tokensOf(message.subject)[2]))) return;
    const numbered = read(cluster, message);
    if (numbered === null) return;
    pending.push(numbered);
    running ??= run().finally(() => {
      running = null;
    });
  };

  async function run(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    for (let failures = 0; pending.length > 0 && !stopped; ) {
      const facts = pending;
      pending = [];
      let judged = 0;
      try {
        while (judged < facts.length && !stopped) {
          const round = roundOf(facts, judged, cluster.state.sequence);
          await judge(round);
          judged += round.length;
          failures = 0;
        }
      } catch (cause) {
        failures += 1;
        log.warn({ error: (cause as Error).message }, "facts are judged again");
        await pause(backoffMs(failures));
      }
      if (judged < facts.length) pending = [...facts.slice(judged), ...pending];
    }
  }

  async function judge(round: readonly NumberedFact[]): Promise<void> {
    // The record an agent acted on is older than its fact; our view must have read as far to know it.
    if (!(await cluster.state.reached(Math.max(...round.map(({ fact }) => fact.recordSequence)), RECORD_WAIT_MS))) {
      const info = await cluster.nats.jsm.streams.info(bucketStream(STATE_BUCKET));
      // A sequence the stream never had is the agent's mistake; one our view has not read yet is waited for.
      if (
        round.some(
          ({ fact }) => fact.recordSequence > cluster.state.sequence && fact.recordSequence <= info.state.last_seq,
        )
      )
        throw new Error("the view has not read the records of these facts yet");
    }
    await commit(() => {
      const ours = round.filter(({ fact }) => shards.isOurs(agentShard(fact.agent)));
      // A fact that is passed over is lost with the next one's cursor: what we may not judge just now waits.
      if (!ours.every(({ fact }) => shards.holds(agentShard(fact.agent))))
        throw new Error("the lease or the view of this process is not whole");
      return decideFacts(cluster.state, cluster.health, ours);
    });
    for (const { fact } of round) if (isTerminal(fact.state)) onOrphanEnd(fact.agent, fact.instance);
  }

  /** Reads from the oldest cursor of the shards we hold; what others have judged meanwhile is refused by number. */
  async function follow(): Promise<void> {
    const ours = Array.from({ length: SHARD_COUNT }, (_, shard) => shard).filter((shard) => shards.isOurs(shard));
    const cursors = ours.map((shard) => cluster.health.kind("cursor").get(String(shard))?.value.fact ?? 0);
    await tail?.stop();
    if (stopped || ours.length === 0) return;
    tail = new StreamTail(cluster.nats, {
      stream: STREAM.facts,
      filters: [subjects.facts],
      from: { type: "sequence", sequence: Math.min(...cursors) + 1 },
      onMessage: take,
      onCaughtUp: () => undefined,
    });
    await tail.start();
  }

  let following: Promise<void> = Promise.resolve();
  return {
    /** Shards became ours: their facts are read from their cursors on. */
    gain() {
      following = following
        .then(follow)
        .catch((cause: unknown) => log.error({ error: (cause as Error).message }, "cannot follow facts"));
    },
    async stop() {
      stopped = true;
      await following;
      await tail?.stop();
      await running;
    },
  };
}

/** The next facts, as many as a batch holds; those whose records are still to be read wait for the round after. */
function roundOf(facts: readonly NumberedFact[], from: number, readUpTo: number): NumberedFact[] {
  const round: NumberedFact[] = [];
  let writes = 0;
  for (let i = from; i < facts.length; i += 1) {
    const numbered = facts[i] as NumberedFact;
    writes += isTerminal(numbered.fact.state) ? 2 : 1;
    if (writes > ROUND_WRITES_MAX || (round.length > 0 && numbered.fact.recordSequence > readUpTo)) break;
    round.push(numbered);
  }
  return round;
}

/** A fact nobody can read is parked: a poison message stops no line. */
function read(cluster: Cluster, message: JsMsg): NumberedFact | null {
  try {
    const event = CloudEventSchema.parse(message.json());
    const fact = FactSchema.parse(event.data);
    const [, , shard, agent, app, slot, attempt] = message.subject.split(".");
    const told = `${shard}.${agent}.${app}.${slot}.${attempt}`;
    const stated = `${agentShard(fact.agent)}.${fact.agent.replaceAll(".", "=")}.${instanceId(fact)}`;
    if (told !== stated) throw new Error(`the fact is about ${stated}, its subject about ${told}`);
    return { fact, sequence: message.seq, atMs: Date.parse(event.time), trace: event.traceparent ?? null };
  } catch (cause) {
    const error = (cause as Error).message.slice(0, 500);
    log.warn({ subject: message.subject, error }, "a fact that cannot be read is passed over");
    void cluster.graveyard.bury({
      stream: STREAM.facts,
      consumer: "health",
      sequence: message.seq,
      subject: message.subject,
      error,
      body: message.data,
    });
    return null;
  }
}
