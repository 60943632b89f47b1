/**
 * Commit, then wake, then (by the caller) acknowledge. In this order: a crash after the commit redelivers the message,
 * which finds its work done; a wake-up before the commit would look at the world as it was.
 */
import {
  type AppId,
  BATCH_MESSAGES_MAX,
  type Decision,
  HEADER,
  HEALTH_BUCKET,
  subjects,
  type Wake,
  type WakeClass,
} from "@muster/contracts";
import { headers } from "@nats-io/transport-node";
import { type BatchMessage, commitBatch } from "./batch.ts";
import { backoffMs, pause } from "./clock.ts";
import type { Committer } from "./committer.ts";
import type { Nats } from "./connect.ts";
import { createLog } from "./log.ts";

const STALE_TRIES_MAX = 200;
const WAKE_TRIES_MAX = 8;
const log = createLog("perform");

export type Performed = {
  readonly decision: Decision;
  /** Revision of each key written. */
  readonly revisions: ReadonlyMap<string, number>;
  /** How often it was decided again. */
  readonly tries: number;
  /** Resolves when its wake-ups are sent, or given up. */
  readonly waking: Promise<void>;
};

/**
 * Decides and commits until a batch lands or there is nothing (more) to decide. Null: nothing to do.
 * `waitForWakes`: resolve when they are sent, as whoever acknowledges something afterwards must. Others may go on meanwhile.
 */
export async function perform(
  nats: Nats,
  committer: Committer,
  source: string,
  decide: () => Decision | null,
  { waitForWakes = true }: { waitForWakes?: boolean } = {},
): Promise<Performed | null> {
  for (let tries = 1; ; tries += 1) {
    const done = await committer.commit(decide, source);
    if (done === null) return null;
    if (done.outcome.type === "committed") {
      const { revisions } = done.outcome;
      const header = committer.bucket === HEALTH_BUCKET ? HEADER.healthRevision : HEADER.revision;
      const waking = wakeAll(
        nats,
        done.decision.wakes.map((wake) => ({
          ...wake,
          revisions: { [header]: String(revisions.get(wake.key) ?? 0) },
          trace: wake.trace ?? done.decision.trace,
        })),
      );
      if (waitForWakes) await waking;
      const sent = waking.catch((cause: unknown) =>
        log.warn({ error: (cause as Error).message }, "wake-ups were not sent"),
      );
      return { decision: done.decision, revisions, tries, waking: sent };
    }
    if (tries >= STALE_TRIES_MAX) throw new Error(`lost ${tries} revisions in a row`);
    if (tries > 3) await pause(backoffMs(tries - 3, { firstMs: 2, capMs: 100 }));
  }
}

/** "Look at this app." */
export type WakeUp = {
  readonly wakeClass: WakeClass;
  readonly app: AppId;
  /** Revisions that whoever is woken must have read, as headers. */
  readonly revisions: Readonly<Record<string, string>>;
  readonly trace: string | null;
};

/** Many at once, synced to disk once. */
export async function wakeAll(nats: Nats, wakes: readonly WakeUp[]): Promise<void> {
  for (let at = 0; at < wakes.length; at += BATCH_MESSAGES_MAX) {
    const some = wakes.slice(at, at + BATCH_MESSAGES_MAX);
    const messages = new Map(some.map((wake) => [subjects.wake(wake.wakeClass, wake.app), messageOf(wake)]));
    // One by one where there is one, and where the server takes no batch.
    const isDone =
      messages.size > 1 && (await commitBatch(nats.connection, [...messages.values()])).type === "committed";
    if (!isDone)
      await Promise.all(
        some.map(({ wakeClass, app, revisions, trace }) => wakeUp(nats, { wakeClass, app }, revisions, trace)),
      );
  }
}

function messageOf({ wakeClass, app, revisions, trace }: WakeUp): BatchMessage {
  const headers = { ...revisions, ...(trace === null ? {} : { [HEADER.traceparent]: trace }) };
  return { subject: subjects.wake(wakeClass, app), body: "", headers };
}

/** "Look at this app." A lost one costs time only, so after some tries it is let go: whoever waits looks again. */
export async function wakeUp(
  nats: Nats,
  wake: Pick<Wake, "wakeClass" | "app">,
  revisions: Readonly<Record<string, string>>,
  trace: string | null,
): Promise<void> {
  const all = headers();
  for (const [name, revision] of Object.entries(revisions)) all.set(name, revision);
  if (trace !== null) all.set(HEADER.traceparent, trace);
  for (let attempt = 0; attempt < WAKE_TRIES_MAX; attempt += 1) {
    try {
      await nats.js.publish(subjects.wake(wake.wakeClass, wake.app), "", { headers: all, timeout: 2_000 });
      return;
    } catch (cause) {
      if (attempt === WAKE_TRIES_MAX - 1)
        log.warn({ app: wake.app, error: (cause as Error).message }, "a wake-up was not taken");
      await pause(backoffMs(attempt, { firstMs: 100, capMs: 2_000 }));
    }
  }
}
