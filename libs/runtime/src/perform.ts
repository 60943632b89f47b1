/**
 * Commit, then wake, then (by the caller) acknowledge. In this order: a crash after the commit redelivers the message,
 * which finds its work done; a wake-up before the commit would look at the world as it was.
 */
import { type Decision, HEADER, HEALTH_BUCKET, subjects, type Wake } from "@muster/contracts";
import { headers } from "@nats-io/transport-node";
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
};

/** Decides and commits until a batch lands or there is nothing (more) to decide. Null: nothing to do. */
export async function perform(
  nats: Nats,
  committer: Committer,
  source: string,
  decide: () => Decision | null,
): Promise<Performed | null> {
  for (let tries = 1; ; tries += 1) {
    const done = await committer.commit(decide, source);
    if (done === null) return null;
    if (done.outcome.type === "committed") {
      const { revisions } = done.outcome;
      const header = committer.bucket === HEALTH_BUCKET ? HEADER.healthRevision : HEADER.revision;
      await Promise.all(
        done.decision.wakes.map((wake) =>
          wakeUp(nats, wake, { [header]: String(revisions.get(wake.key) ?? 0) }, wake.trace ?? done.decision.trace),
        ),
      );
      return { decision: done.decision, revisions, tries };
    }
    if (tries >= STALE_TRIES_MAX) throw new Error(`lost ${tries} revisions in a row`);
    if (tries > 3) await pause(backoffMs(tries - 3, { firstMs: 2, capMs: 100 }));
  }
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
