/**
 * Says what this agent is, by compare-and-set on its own subject: of two agents with one id the one that registered
 * last goes on, the other notices at its next word and stops. Its tasks are left alone: they may be the other's.
 */
import { type AgentReport, AgentReportSchema, STREAM, subjects } from "@muster/contracts";
import { backoffMs, type Log, type Nats, pause } from "@muster/runtime";
import { JetStreamApiError } from "@nats-io/jetstream";
import type { Identity } from "../journal/identity.ts";
import { AgentStop } from "../stop.ts";
import type { Link } from "./link.ts";

/** Reports end by themselves after some days; a quiet agent says it again before. */
const REPEAT_MS = 3_600_000;
const WRONG_LAST_SEQUENCE = 10071;

export type Registration = {
  /** Publishes the report; resolves when it is stored. Calls that come meanwhile share one more. @throws AgentStop replaced */
  publish(): Promise<void>;
  stop(): void;
};

export const replacedBy = (agent: string, incarnation: number): AgentStop =>
  new AgentStop("replaced", `another agent with id ${agent} registered as incarnation ${incarnation}: this one stops`);

export function registration({
  nats,
  link,
  identity,
  report,
  log,
  onReplaced,
}: {
  nats: Nats;
  link: Link;
  identity: Identity;
  report: () => AgentReport;
  log: Log;
  onReplaced: (stop: AgentStop) => void;
}): Registration {
  const { agent } = report();
  const subject = subjects.resources(agent);
  /** Revision of our own last report; null before the first one is known to be stored. */
  let own: number | null = null;
  let stopped = false;
  let next: Promise<void> | null = null;
  let current: Promise<unknown> = Promise.resolve();

  /** The revision to rest on, after looking at who spoke last. */
  const basis = async (): Promise<number> => {
    const stored = await link.answer(nats.jsm.streams.getMessage(STREAM.resources, { last_by_subj: subject }));
    if (stored === null) return 0;
    const parsed = AgentReportSchema.safeParse(stored.json());
    if (parsed.success && parsed.data.nonce !== identity.nonce) {
      if (own !== null) throw replacedBy(agent, parsed.data.incarnation);
      identity.outgrow(parsed.data.incarnation);
    }
    return stored.seq;
  };

  const publishOnce = async (): Promise<void> => {
    for (let attempt = 0; !stopped; attempt += 1) {
      try {
        await link.up();
        const revision = attempt === 0 && own !== null ? own : await basis();
        const stored = nats.js.publish(subject, JSON.stringify(report()), {
          expect: { lastSubjectSequence: revision },
        });
        const ack = await link.answer(stored);
        if (own === null) log.info({ agent, incarnation: identity.incarnation }, "registered");
        own = ack.seq;
        return;
      } catch (cause) {
        if (cause instanceof AgentStop) {
          onReplaced(cause);
          throw cause;
        }
        if (cause instanceof JetStreamApiError && cause.code === WRONG_LAST_SEQUENCE) continue;
        if (attempt % 10 === 2) log.warn({ error: (cause as Error).message }, "the agent cannot register yet");
        await pause(backoffMs(attempt, { firstMs: 50, capMs: 2_000 }));
      }
    }
  };

  const publish = (): Promise<void> => {
    next ??= (async () => {
      await current;
      next = null;
      const work = publishOnce();
      current = work.catch(() => {});
      return work;
    })();
    return next;
  };

  const timer = setInterval(() => void publish().catch(() => {}), REPEAT_MS).unref();
  return {
    publish,
    stop() {
      stopped = true;
      clearInterval(timer);
    },
  };
}
