/**
 * Decisions of many requests in one batch. The server syncs to disk once a batch, whatever its size up to some hundred
 * messages, so requests that come together share that wait. Each is still decided, refused and answered on its own.
 */
import { type Decision, MusterError } from "@muster/contracts";
import { SharedBatch } from "@muster/core";
import { monotonicMs, pause } from "@muster/runtime";

/** A batch takes 1,000 messages; most of what it costs the server it costs once. */
const MESSAGES_MAX = 600;
const BYTES_MAX = 1_000_000;
/** What writes more has a batch of its own: each of those it would ride with could make all of it be decided again. */
const ALONE_MESSAGES = 150;
/** With more, what a batch costs is a small part of what they cost themselves, and that goes on while a batch is under way. */
const COMPANY_MAX = 20;
/** The longest that a batch waits for company, once those before it are answered or it is clear that they will not be soon. */
const COMPANY_MS_MAX = 25;
/** Room for a message's headers beside its body. */
const HEADER_BYTES = 4_096;

type Request = {
  readonly decide: () => Decision;
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
};
/** How many a batch waits for, and when it is too late for them to come again. */
type Company = { readonly count: number; readonly gone: Promise<unknown> };
const NOBODY: Company = { count: 0, gone: Promise.resolve() };
type Group = { readonly decision: Decision; readonly members: readonly Request[] };

/** A batch that landed. The next one need not wait until others are told of it, those who asked for it must. */
export type Committed = { readonly waking: Promise<void> };

export type GroupCommitOptions = {
  /** Commits what the function answers, and asks it again after a lost revision. */
  readonly commit: (decide: () => Decision) => Promise<Committed | null>;
  /** The largest message the server takes. */
  readonly messageBytesMax: () => number;
};

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #pending: Request[] = [];
  #isRunning = false;
  #underWay: readonly Request[] = [];
  #company = NOBODY;
  #onArrival: () => void = () => undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the decision is committed, and those it wakes are woken, or when it was none. Rejects with what `decide` throws, why
   * the batch failed, or the reason of `signal` when that aborts before the decision is in a batch.
   */
  add(decide: () => Decision, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = { decide, resolve, reject };
      this.#pending.push(request);
      signal?.addEventListener("abort", () => this.#giveUp(request, signal.reason), { once: true });
      this.#onArrival();
      if (!this.#isRunning) void this.#run();
    });
  }

  /** A batch on its way is waited for: it may land. */
  #giveUp(request: Request, cause: unknown): void {
    if (this.#underWay.includes(request) || !this.#pending.includes(request)) return;
    this.#drop([request]);
    request.reject(cause);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#pending.length > 0) {
      await this.#gatherCompany();
      const startedAtMs = monotonicMs();
      let members: readonly Request[] = [];
      try {
        const done = await this.#options.commit(() => {
          const group = this.#gather();
          members = group.members;
          this.#underWay = members;
          return group.decision;
        });
        this.#drop(members);
        const told = members;
        const telling = (done?.waking ?? Promise.resolve()).then(() => {
          for (const member of told) member.resolve();
        });
        this.#company = this.#companyAfter(told.length, telling, monotonicMs() - startedAtMs);
      } catch (cause) {
        // Whoever fails before it asks would fail for ever.
        const failed = members.length > 0 ? members : this.#pending;
        this.#drop(failed);
        this.#company = NOBODY;
        await this.#alone(failed, cause);
      }
    }
    this.#isRunning = false;
  }

  /**
   * Clients that ask again as soon as they are answered fall into two groups, each waiting for the other's batch. A batch therefore
   * waits for as many as there were, for no longer than one takes: two halves in one batch cost the server half.
   */
  async #gatherCompany(): Promise<void> {
    const { count, gone } = this.#company;
    const isThere = () => this.#pending.length >= count;
    if (isThere()) return;
    const arrived = new Promise<void>((resolve) => {
      this.#onArrival = () => {
        if (isThere()) resolve();
      };
    });
    await Promise.race([arrived, gone]);
  }

  #companyAfter(members: number, telling: Promise<void>, tookMs: number): Company {
    const count = members + this.#pending.length;
    if (count > COMPANY_MAX) return NOBODY;
    const waitMs = Math.min(tookMs, COMPANY_MS_MAX);
    return {
      count,
      gone: Promise.race([telling, pause(COMPANY_MS_MAX)]).then(() => pause(waitMs)),
    };
  }

  #drop(requests: readonly Request[]): void {
    this.#pending = this.#pending.filter((pending) => !requests.includes(pending));
  }

  /** A batch that the server refused is tried piece by piece, so that what is wrong with one fails that one only. */
  async #alone(members: readonly Request[], cause: unknown): Promise<void> {
    const [only, ...others] = members;
    if (others.length === 0) return only?.reject(cause);
    for (const member of members) {
      await this.#options
        .commit(member.decide)
        .then((done) => done?.waking)
        .then(member.resolve, member.reject);
    }
  }

  /** Decides each waiting request; those that touch what another one touches wait for the next batch. */
  #gather(): Group {
    const members: Request[] = [];
    const batch = new SharedBatch();
    let bytes = 0;
    for (const request of [...this.#pending]) {
      if (batch.messages >= MESSAGES_MAX || bytes >= BYTES_MAX) break;
      const decided = this.#decide(request);
      if (decided === null) continue;
      const { writes, events } = decided.decision;
      const isLarge = writes.length + events.length > ALONE_MESSAGES;
      if (isLarge && members.length > 0) continue;
      if (!batch.take(decided.decision)) continue;
      bytes += decided.bytes;
      members.push(request);
      if (isLarge) break;
    }
    return { decision: batch.merged(), members };
  }

  /** null: there is nothing to commit, and the request has its answer. */
  #decide(request: Request): { readonly decision: Decision; readonly bytes: number } | null {
    try {
      const decision = request.decide();
      if (decision.writes.length > 0 || decision.events.length > 0) {
        const sizes = sizesOf(decision);
        this.#refuseLarge(Math.max(...sizes));
        return { decision, bytes: sizes.reduce((sum, size) => sum + size, 0) };
      }
      request.resolve();
    } catch (cause) {
      request.reject(cause);
    }
    this.#drop([request]);
    return null;
  }

  #refuseLarge(largest: number): void {
    const bytesMax = this.#options.messageBytesMax() - HEADER_BYTES;
    if (largest <= bytesMax) return;
    const message = `The document takes ${largest} bytes as it is stored, the nats-server takes ${bytesMax}: make it smaller, or raise max_payload there`;
    throw new MusterError("document.too-large", message);
  }
}

const sizesOf = ({ writes, events }: Decision): number[] =>
  [...writes.map(({ value }) => value), ...events.map(({ data }) => data)].map((value) =>
    Buffer.byteLength(JSON.stringify(value)),
  );
