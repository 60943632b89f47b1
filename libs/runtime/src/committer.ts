/**
 * Turns a decision into one atomic batch and applies it to the view at once. A committer has one batch in flight: what was decided on an older view loses here, by revision, and is decided again.
 */
import { randomUUID } from "node:crypto";
import {
  type Assertion,
  agentToken,
  appToken,
  cloudEvent,
  cloudEventHeaders,
  type Decision,
  EVENT_TTL_MS,
  EVENTS,
  type EventDraft,
  HEADER,
  keySubject,
  keys,
  MARKER_TTL_MS,
  storedForm,
  type Write,
} from "@muster/contracts";
import { type BatchMessage, commitBatch, EXPECT } from "./batch.ts";
import { backoffMs, pause } from "./clock.ts";
import type { Nats } from "./connect.ts";
import { createLog, type Log } from "./log.ts";
import type { BucketView, Kinds } from "./view.ts";

/** `stale`: nothing was written, or nobody knows; the view has meanwhile passed what the decision had not seen. */
export type CommitOutcome =
  | { readonly type: "committed" /** Revision of each key written. */; readonly revisions: ReadonlyMap<string, number> }
  | { readonly type: "stale" };

const BUSY_TRIES_MAX = 40;
const VIEW_WAIT_MS = 5_000;

type Draft = { readonly key: string; readonly message: BatchMessage; readonly write: Write | null };

export class Committer {
  readonly #nats: Nats;
  readonly #view: BucketView<Kinds>;
  readonly bucket: string;
  readonly #process: string;
  readonly #log: Log;
  #last: Promise<unknown> = Promise.resolve();
  #carriers = 0;
  /** Batches that landed, and those that lost a revision. */
  readonly counts: { committed: number; stale: number };

  constructor(nats: Nats, view: BucketView<Kinds>, process: string, counts = { committed: 0, stale: 0 }) {
    this.counts = counts;
    this.#nats = nats;
    this.#view = view;
    this.bucket = view.bucket;
    this.#process = process;
    this.#log = createLog("committer").child({ bucket: view.bucket });
  }

  /** Another one on the same view, with a batch of its own in flight: it decides while this one waits. They count together. */
  sibling(name: string): Committer {
    return new Committer(this.#nats, this.#view, `${this.#process}-${name}`, this.counts);
  }

  /**
   * Commits one decision, made by `decide` at the moment the batch before it has landed.
   * @throws when the server refuses the batch for another reason than a revision: the caller halves it.
   */
  commit(
    decide: () => Decision | null,
    source: string,
  ): Promise<{ decision: Decision; outcome: CommitOutcome } | null> {
    const run = this.#last.then(async () => {
      const decision = decide();
      if (decision === null || (decision.writes.length === 0 && decision.events.length === 0)) return null;
      const outcome = await this.#commit(decision, source);
      this.counts[outcome.type] += 1;
      return { decision, outcome };
    });
    this.#last = run.catch(() => undefined);
    return run;
  }

  async #commit(decision: Decision, source: string): Promise<CommitOutcome> {
    const drafts = this.#draft(decision, source);
    const messages = drafts.map((draft) => draft.message);
    const values = drafts.map((draft) => draft.write?.value ?? null);
    for (let attempt = 0; ; attempt += 1) {
      const batch = randomUUID();
      const forget = this.#view.sending(batch, values);
      const outcome = await commitBatch(this.#nats.connection, messages, batch).finally(forget);
      switch (outcome.type) {
        case "committed": {
          const first = outcome.last - outcome.count + 1;
          for (const [i, draft] of drafts.entries())
            if (draft.write !== null)
              this.#view.apply(draft.key, draft.write.value, first + i, draft.write.ttlMs ?? null);
          return { type: "committed", revisions: new Map(drafts.map((draft, i) => [draft.key, first + i])) };
        }
        case "conflict":
          if (outcome.seen === 0) this.#view.forgetMarkers(drafts.map((draft) => draft.key));
          else if (outcome.seen !== null) await this.#view.reached(outcome.seen, VIEW_WAIT_MS);
          else await pause(5);
          return { type: "stale" };
        case "busy":
          if (attempt >= BUSY_TRIES_MAX) throw new Error(`the state stream takes no batches: ${outcome.message}`);
          await pause(backoffMs(attempt, { firstMs: 5, capMs: 500 }));
          continue;
        case "unknown":
          this.#log.warn({ error: outcome.message }, "nobody said whether a batch landed: looking");
          await this.#settle();
          return { type: "stale" };
        case "refused":
          throw new Error(`the server refused a batch of ${drafts.length}: ${outcome.message} (${outcome.code})`);
      }
    }
  }

  /** Reads up to whatever the stream holds by now, so that a batch that did land is seen before the next decision. */
  async #settle(): Promise<void> {
    for (let attempt = 0; attempt < 30; attempt += 1) {
      try {
        const info = await this.#nats.jsm.streams.info(`KV_${this.#view.bucket}`);
        // Keys outside the view's filters advance the stream too, so being complete is as good as having read it.
        if (this.#view.complete && (await this.#view.reached(info.state.last_seq, 200))) return;
        if (this.#view.complete && attempt > 3) return;
      } catch {
        await pause(backoffMs(attempt, { firstMs: 100, capMs: 1_000 }));
      }
    }
  }

  #draft(decision: Decision, source: string): Draft[] {
    const about = { source, atMs: Date.now(), traceparent: decision.trace };
    const events = decision.events.map((event) => this.#eventDraft(event, about));
    const writes = decision.writes.map((write) => this.#writeDraft(write));
    const loose = writes.filter((draft) => draft.write?.expect === null);
    const bound = writes.filter((draft) => draft.write?.expect !== null);
    const written = new Set(decision.writes.map((write) => write.key));
    const asserts = decision.asserts.filter((assertion) => !written.has(assertion.key));
    const free = [...loose, ...events];
    while (free.length < asserts.length) free.push(this.#carrierDraft());
    // Assertions travel before the writes: inside a batch they would otherwise meet what it has just written. Events travel after
    // them where they can, so that whoever hears of a change can read it.
    const first = Math.max(loose.length, asserts.length);
    const early = free.slice(0, first).map((draft, i) => carry(draft, asserts[i], this.#view.bucket));
    return [...early, ...bound, ...free.slice(first)];
  }

  #writeDraft(write: Write): Draft {
    const headers: Record<string, string> = {};
    if (write.expect !== null) headers[EXPECT.revision] = String(write.expect);
    if (write.number !== undefined) headers[HEADER.number] = String(write.number);
    if (write.value === null) {
      headers["KV-Operation"] = "PURGE";
      headers["Nats-Rollup"] = "sub";
      headers["Nats-TTL"] = `${MARKER_TTL_MS / 1_000}s`;
    } else if (write.ttlMs !== undefined) headers["Nats-TTL"] = `${Math.ceil(write.ttlMs / 1_000)}s`;
    const body = write.value === null ? "" : JSON.stringify(storedForm(write.key, write.value));
    return { key: write.key, write, message: { subject: keySubject(this.#view.bucket, write.key), body, headers } };
  }

  #eventDraft(draft: EventDraft, about: { source: string; atMs: number; traceparent: string | null }): Draft {
    const { kind, name } = EVENTS[draft.type];
    const token =
      kind === "app" ? appToken(draft.subject) : kind === "agent" ? agentToken(draft.subject) : draft.subject;
    const key = keys.event(kind, token, name, draft.id);
    const event = cloudEvent(draft, {
      ...about,
      traceparent: draft.trace === undefined ? about.traceparent : draft.trace,
    });
    const headers = { ...cloudEventHeaders(event), "Nats-TTL": `${EVENT_TTL_MS / 1_000}s` };
    return {
      key,
      write: null,
      message: { subject: keySubject(this.#view.bucket, key), body: JSON.stringify(event), headers },
    };
  }

  #carrierDraft(): Draft {
    this.#carriers = (this.#carriers + 1) % 1_000;
    const key = keys.carrier(this.#process, this.#carriers);
    return {
      key,
      write: null,
      message: { subject: keySubject(this.#view.bucket, key), body: "", headers: { "Nats-TTL": "60s" } },
    };
  }
}

function carry(draft: Draft, assertion: Assertion | undefined, bucket: string): Draft {
  if (assertion === undefined) return draft;
  const headers = {
    ...draft.message.headers,
    [EXPECT.revision]: String(assertion.revision),
    [EXPECT.subject]: keySubject(bucket, assertion.key),
  };
  return { ...draft, message: { ...draft.message, headers } };
}
