/** Facts in stream order, many in one batch. The cursor is written with the verdicts, so a restart judges nothing twice. */
import {
  agentShard,
  bucketStream,
  CloudEventSchema,
  type Decision,
  FactSchema,
  instanceId,
  SHARD_COUNT,
  STATE_BUCKET,
  STREAM,
  tokensOf,
} from "@muster/contracts";
import { decideFacts, isTerminal, type NumberedFact } from "@muster/core";
import { backoffMs, type Cluster, createLog, type Performed, pause, StreamTail } from "@muster/runtime";
import type { JsMsg } from "@nats-io/jetstream";

const log = createLog("facts");
const ROUND_FACTS_MAX = 300;
const RECORD_WAIT_MS = 2_000;

export type FactsOptions = {
  readonly isMine: (agent: string) => boolean;
  readonly commit: (decide: () => Decision | null) => Promise<Performed | null>;
  /** A task without a record ended: it is no orphan any more. */
  readonly onOrphanEnd: (agent: string, instance: string) => void;
};

export function followFacts(cluster: Cluster, { isMine, commit, onOrphanEnd }: FactsOptions) {
  let pending: NumberedFact[] = [];
  let running: Promise<void> | null = null;
  let tail: StreamTail | null = null;
  let stopped = false;
  const held = new Set<number>();

  const take = (message: JsMsg) => {
    if (!held.has(Number(tokensOf(message.subject)[2]))) return;
    const numbered = read(cluster, message);
    if (numbered === null || !isMine(numbered.fact.agent)) return;
    pending.push(numbered);
    running ??= run().finally(() => {
      running = null;
    });
  };

  async function run(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    for (let failures = 0; pending.length > 0 && !stopped; ) {
      const round = pending.slice(0, ROUND_FACTS_MAX);
      try {
        await judge(round);
        pending = pending.slice(round.length);
        failures = 0;
      } catch (cause) {
        failures += 1;
        log.warn({ error: (cause as Error).message }, "facts are judged again");
        await pause(backoffMs(failures));
      }
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
    await commit(() =>
      decideFacts(
        cluster.state,
        cluster.health,
        round.filter(({ fact }) => isMine(fact.agent)),
      ),
    );
    for (const { fact } of round) if (isTerminal(fact.state)) onOrphanEnd(fact.agent, fact.instance);
  }

  /** Reads from the oldest cursor of the shards we hold; what others have judged meanwhile is refused by number. */
  async function follow(shards: readonly number[]): Promise<void> {
    const cursors = shards.map((shard) => cluster.health.kind("cursor").get(String(shard))?.value.fact ?? 0);
    const from = Math.min(...cursors) + 1;
    await tail?.stop();
    if (stopped) return;
    tail = new StreamTail(cluster.nats, {
      stream: STREAM.facts,
      filters: shards.length === SHARD_COUNT ? ["muster.facts.>"] : shards.map((shard) => `muster.facts.${shard}.>`),
      from: { type: "sequence", sequence: from },
      onMessage: take,
      onCaughtUp: () => undefined,
    });
    await tail.start();
  }

  let following: Promise<void> = Promise.resolve();
  return {
    gain(gained: readonly number[]) {
      for (const shard of gained) held.add(shard);
      following = following
        .then(() => follow([...held]))
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
