/**
 * What this agent is to run, from two sources that race: records as they are committed, each carrying the agent's next
 * number, and complete answers to a sync request. Per instance the higher stream sequence wins. A gap in the numbers, a
 * start, a reconnect or a heartbeat that counted further asks for an answer; what an answer does not name is not ended.
 */
import { HEADER, instanceId, parseInstanceId, subjects } from "@muster/contracts";
import { backoffMs, type Log, type Nats, pause, requestInParts } from "@muster/runtime";
import type { Msg } from "@nats-io/transport-node";
import { z } from "zod";
import type { Supervisor } from "../tasks/supervisor.ts";
import type { Link } from "./link.ts";
import { answered, hasGap, heard, NO_NUMBERS, type Numbers } from "./numbers.ts";
import { readRecord, refOfSubject } from "./records.ts";

/** SyncReply with its records not read yet: they are read one by one. */
const AnswerSchema = z.object({
  n: z.int(),
  sequence: z.int(),
  records: z.array(z.object({ sequence: z.int(), record: z.looseObject({ instance: z.string() }) })),
});

const SYNC_TIMEOUT_MS = 5_000;
/** Many agents notice a restart of the server together; they need not all ask in the same moment. */
const JITTER_MS = 200;
/** So many answers in a row that count less than was seen are no late ones. */
const LOWER_BEATS = 5;

export type LaunchChannel = {
  /** Records counted so far; what the heartbeat says. */
  readonly n: number;
  /** A heartbeat's answer counted this many. */
  counted(n: number): void;
  /** Asks for everything; resolves when an answer was taken in. */
  sync(options: { jitter: boolean }): Promise<void>;
  stop(): void;
};

export function launchChannel({
  nats,
  link,
  agent,
  supervisor,
  log,
}: {
  nats: Nats;
  link: Link;
  agent: string;
  supervisor: Supervisor;
  log: Log;
}): LaunchChannel {
  let numbers: Numbers = NO_NUMBERS;
  let highest = 0;
  let wanted = false;
  let lower = 0;
  let stopped = false;
  let syncing: Promise<void> | null = null;

  const isBehind = (): boolean => hasGap(numbers) || highest > numbers.seen;

  const onMessage = (message: Msg): void => {
    const ref = refOfSubject(message.subject);
    const sequence = Number(message.headers?.get("Nats-Sequence"));
    if (ref === null || !(sequence > 0)) {
      log.warn({ subject: message.subject }, "a message on the launch channel is no instance record");
      return;
    }
    if (message.data.length === 0) {
      supervisor.purged(instanceId(ref), sequence);
      return;
    }
    take(sequence, ref, parseJson(message.string()));
    const n = Number(message.headers?.get(HEADER.number));
    if (!(n > 0)) return;
    numbers = heard(numbers, n);
    if (isBehind()) void run(true);
  };

  const take = (sequence: number, ref: NonNullable<ReturnType<typeof refOfSubject>>, body: unknown): void => {
    const read = readRecord(agent, ref, body);
    if (read.type === "record") supervisor.accept(sequence, read.record);
    else {
      log.error({ instance: instanceId(ref), why: read.why }, "an instance record cannot be read");
      supervisor.refuse(sequence, ref, read.why);
    }
  };

  const takeAnswer = (text: string): void => {
    const answer = AnswerSchema.parse(JSON.parse(text));
    const named = new Set<string>();
    for (const { sequence, record } of answer.records.toSorted((a, b) => a.sequence - b.sequence)) {
      named.add(record.instance);
      const ref = parseInstanceId(record.instance);
      if (ref === null) log.error({ instance: record.instance }, "an answer names what is no instance");
      else take(sequence, ref, record);
    }
    supervisor.synced(answer.sequence, named);
    numbers = answered(numbers, answer.n);
    highest = Math.max(highest, answer.n);
  };

  const ask = async (): Promise<void> => {
    for (let attempt = 0; !stopped && (wanted || isBehind()); attempt += 1) {
      // An answer serves those who wanted one before it was asked for.
      const asked = wanted;
      wanted = false;
      try {
        await link.up();
        const request = requestInParts(nats.connection, subjects.sync(agent), "", { timeoutMs: SYNC_TIMEOUT_MS });
        takeAnswer(await link.answer(request));
        if (!isBehind()) continue;
      } catch (cause) {
        wanted ||= asked;
        if (attempt % 5 === 2)
          log.warn({ error: (cause as Error).message }, "nobody says yet what this agent is to run");
      }
      await pause(backoffMs(attempt, { firstMs: 1_000, capMs: 10_000 }));
    }
  };

  /** One request at a time. When the missing record came by itself during the pause, nobody needs to be asked. */
  const run = (jitter: boolean): Promise<void> => {
    syncing ??= (async () => {
      if (jitter) await pause(Math.random() * JITTER_MS);
      await ask();
    })().finally(() => {
      syncing = null;
      if (!stopped && (wanted || isBehind())) void run(true);
    });
    return syncing;
  };

  const subscription = nats.connection.subscribe(subjects.launchesOf(agent), {
    callback: (error, message) => {
      if (error !== null) log.warn({ error: error.message }, "the launch channel has a fault");
      else onMessage(message);
    },
  });

  return {
    get n() {
      return numbers.seen;
    },
    counted(n) {
      lower = n < numbers.seen ? lower + 1 : 0;
      if (lower >= LOWER_BEATS) {
        // The ledger began anew, as after its agent was removed: numbers that come again must not be taken for old ones.
        log.warn({ counted: n, seen: numbers.seen }, "the numbers of records have started anew");
        numbers = { seen: n, ahead: new Set() };
        highest = n;
        wanted = true;
      }
      highest = Math.max(highest, n);
      if (wanted || isBehind()) void run(true);
    },
    sync({ jitter }) {
      wanted = true;
      return run(jitter);
    },
    stop() {
      stopped = true;
      subscription.unsubscribe();
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
