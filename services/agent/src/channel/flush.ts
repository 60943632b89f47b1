/**
 * Brings facts from the journal to the stream: in order, each message or atomic batch resting on our own last fact there.
 * A flush that is repeated therefore stores nothing twice, however long ago the first try was; after any doubt the stream
 * itself is asked what our last fact is.
 *
 * A few facts go one by one: the server stages each batch in files of its own, with half a dozen waits for the disk, which
 * only many facts repay.
 */
import {
  cloudEventHeaders,
  parseInstanceId,
  STREAM,
  subjects,
  type TaskEvent,
  TaskEventSchema,
} from "@muster/contracts";
import {
  type BatchMessage,
  type BatchOutcome,
  backoffMs,
  commitBatch,
  EXPECT,
  type Log,
  type Nats,
  pause,
} from "@muster/runtime";
import { JetStreamApiError } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import type { Journal } from "../journal/journal.ts";
import { FLUSH_ALONE_MAX, FLUSH_FACTS_MAX } from "../limits.ts";
import { parseFactId, type Self } from "../tasks/facts.ts";
import { within } from "../within.ts";
import type { Link } from "./link.ts";

export type FactFlush = {
  /** Looks for facts to send; called whenever there may be some. */
  wake(): void;
  /** Resolves when the outbox is empty, or after so long. */
  empty(withinMs: number): Promise<void>;
  stop(): void;
};

const subjectOf = (agent: string, event: TaskEvent): string => {
  const ref = parseInstanceId(event.data.instance);
  if (ref === null) throw new Error(`a fact about ${event.data.instance}, which is no instance`);
  return subjects.fact(agent, ref, event.data.state);
};

/** As many facts as one batch may hold: it names no subject twice. */
export function batchOf(agent: string, facts: readonly TaskEvent[], expected: number): BatchMessage[] {
  const messages: BatchMessage[] = [];
  const named = new Set<string>();
  for (const event of facts) {
    const subject = subjectOf(agent, event);
    if (named.has(subject)) break;
    named.add(subject);
    const expectation: Record<string, string> =
      messages.length > 0 ? {} : { [EXPECT.revision]: String(expected), [EXPECT.subject]: subjects.factsOf(agent) };
    messages.push({ subject, body: JSON.stringify(event), headers: { ...cloudEventHeaders(event), ...expectation } });
  }
  return messages;
}

const WRONG_LAST_SEQUENCE = 10071;
const STORE_TIMEOUT_MS = 10_000;

async function storeAlone({ js }: Nats, agent: string, event: TaskEvent, expected: number): Promise<BatchOutcome> {
  const all = headers();
  for (const [name, value] of Object.entries(cloudEventHeaders(event))) all.set(name, value);
  try {
    const ack = await js.publish(subjectOf(agent, event), JSON.stringify(event), {
      headers: all,
      expect: { lastSubjectSequence: expected, lastSubjectSequenceSubject: subjects.factsOf(agent) },
      timeout: STORE_TIMEOUT_MS,
    });
    return { type: "committed", last: ack.seq, count: 1 };
  } catch (cause) {
    const { message } = cause as Error;
    if (!(cause instanceof JetStreamApiError)) return { type: "unknown", message };
    if (cause.code === WRONG_LAST_SEQUENCE) return { type: "conflict", code: cause.code, seen: null, message };
    return { type: "refused", code: cause.code, message };
  }
}

export function factFlush({
  nats,
  link,
  journal,
  self,
  log,
}: {
  nats: Nats;
  link: Link;
  journal: Journal;
  self: Self;
  log: Log;
}): FactFlush {
  let running: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;
  /** Facts wait for company no longer. */
  let hurried = false;
  let stopped = false;
  /** Sequence of our last fact in the stream, 0 when it has none, null when that must be asked. */
  let last: number | null = null;

  /** What is last there tells which of our facts are stored: all up to its number, when it is of this work directory. */
  const learn = async (): Promise<void> => {
    const stored = await link.answer(
      nats.jsm.streams.getMessage(STREAM.facts, { last_by_subj: subjects.factsOf(self.agent) }),
    );
    last = stored?.seq ?? 0;
    if (stored === null) return;
    const event = TaskEventSchema.safeParse(stored.json());
    const id = event.success ? parseFactId(event.data.id) : null;
    if (id === null || id.life !== self.life) return;
    journal.skipNumbers(id.number);
    journal.stored(id.number);
  };

  const store = (facts: readonly TaskEvent[], expected: number): Promise<BatchOutcome> =>
    facts.length <= FLUSH_ALONE_MAX
      ? storeAlone(nats, self.agent, facts[0] as TaskEvent, expected)
      : commitBatch(nats.connection, batchOf(self.agent, facts, expected));

  const send = async (facts: readonly TaskEvent[]): Promise<BatchOutcome> => {
    const outcome = await link.answer(store(facts, last as number));
    if (outcome.type === "committed") {
      last = outcome.last;
      journal.stored((facts[outcome.count - 1] as TaskEvent).data.number);
    } else last = null;
    return outcome;
  };

  const dueInMs = (): number => (hurried && journal.outbox(1).length > 0 ? 0 : journal.dueInMs());

  const flush = async (): Promise<void> => {
    for (let attempt = 0; !stopped && dueInMs() <= 0; ) {
      const facts = journal.outbox(FLUSH_FACTS_MAX);
      try {
        await link.up();
        if (last === null) {
          await learn();
          continue;
        }
        const outcome = await send(facts);
        if (outcome.type === "committed") {
          attempt = 0;
          continue;
        }
        // A lost expectation is answered by asking; anything else is waited for.
        if (outcome.type === "conflict" && attempt === 0) {
          attempt = 1;
          continue;
        }
        log.warn({ outcome: outcome.type, why: outcome.message, waiting: facts.length }, "facts were not stored yet");
      } catch (cause) {
        last = null;
        if (attempt % 10 === 3)
          log.warn({ error: (cause as Error).message, waiting: facts.length }, "facts cannot be stored now");
      }
      attempt += 1;
      await pause(backoffMs(attempt, { firstMs: 25, capMs: 2_000 }));
    }
  };

  const wake = (): void => {
    if (stopped || running !== null) return;
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const inMs = dueInMs();
    if (inMs === Number.POSITIVE_INFINITY) return;
    if (inMs > 0) {
      timer = setTimeout(wake, inMs).unref();
      return;
    }
    running = flush().finally(() => {
      running = null;
      // A fact that came while the loop was ending has nobody else to send it.
      wake();
    });
  };

  return {
    wake,
    async empty(withinMs) {
      const deadline = performance.now() + withinMs;
      hurried = true;
      while (journal.outbox(1).length > 0 && performance.now() < deadline) {
        wake();
        await within(Math.max(1, deadline - performance.now()), running ?? Promise.resolve());
      }
    },
    stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}
