/**
 * Makes plans in a thread of their own: a rehearsal may take seconds, and whoever asks something else meanwhile is answered at
 * once. The thread keeps the documents it was given, so that the next plan costs only what has changed since.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import {
  type AppId,
  type Entry,
  type ErrorCode,
  MusterError,
  type Plan,
  type Problem,
  type ReadApp,
} from "@muster/contracts";
import type { PlanOptions, Scene, Shelves } from "@muster/core";

/** Long beyond every plan that was ever measured: what takes longer is given up, with its thread. */
const PLAN_WITHIN_MS = 10_000;
/** More than these would outlast their askers' patience. */
const PLANS_WAITING_MAX = 8;
/** Documents handed over in one go: about a millisecond. */
const CHUNK_DOCUMENTS = 200;
const IDLE_KEPT_MS = 60_000;
const THREAD_MEMORY_MIB = 1_024;

export type Bucket = "state" | "health";
export type Put = readonly [rest: string, value: unknown, revision: number];
export type ToThread =
  | {
      readonly type: "documents";
      readonly bucket: Bucket;
      readonly kind: string;
      readonly put: readonly Put[];
      readonly drop: readonly string[];
    }
  | {
      readonly type: "plan";
      readonly reading: ReadApp;
      readonly options: PlanOptions;
      readonly now: number;
    };
export type FromThread =
  | { readonly type: "plan"; readonly plan: Plan }
  | {
      readonly type: "refusal";
      readonly code: ErrorCode;
      readonly message: string;
      readonly problems: readonly Problem[];
      readonly deployments: readonly string[];
    };

export type PlannerOptions = {
  /** What the app's plan rests on, as of now. */
  readonly sceneOf: (app: AppId) => Scene;
  readonly now: () => number;
  readonly withinMs?: number;
};

export class Planner {
  readonly #options: PlannerOptions;
  #thread: Thread | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #isStopped = false;
  #idle: NodeJS.Timeout | null = null;

  constructor(options: PlannerOptions) {
    this.#options = options;
  }

  /** One after the other. Throws what `planApp` and `sceneOf` throw, `request.too-many` when too many wait. */
  async plan(reading: ReadApp, options: PlanOptions): Promise<Plan> {
    if (this.#waiting >= PLANS_WAITING_MAX)
      throw new MusterError("request.too-many", "This gateway is making other plans: try again in a moment");
    this.#waiting += 1;
    const mine = this.#last.then(() => this.#make(reading, options));
    this.#last = mine.then(
      () => this.#rest(),
      () => this.#rest(),
    );
    return await mine;
  }

  /** What is being planned is given up. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#endThread();
    await this.#last;
  }

  async #make(reading: ReadApp, options: PlanOptions): Promise<Plan> {
    if (this.#idle !== null) clearTimeout(this.#idle);
    if (this.#isStopped) throw new MusterError("cluster.not-ready", "This gateway is stopping: ask another one");
    const { sceneOf, now, withinMs = PLAN_WITHIN_MS } = this.#options;
    const scene = sceneOf(reading.spec.id);
    if (this.#thread?.hasEnded !== false) this.#thread = new Thread();
    const thread = this.#thread;
    await thread.show(scene);
    if (this.#isStopped) await thread.end();
    const giveUp = setTimeout(() => void this.#endThread(), withinMs);
    try {
      return await thread.plan({ type: "plan", reading, options, now: now() });
    } finally {
      clearTimeout(giveUp);
    }
  }

  #rest(): void {
    this.#waiting -= 1;
    if (this.#waiting === 0 && !this.#isStopped)
      this.#idle = setTimeout(() => void this.#endThread(), IDLE_KEPT_MS).unref();
  }

  async #endThread(): Promise<void> {
    if (this.#idle !== null) clearTimeout(this.#idle);
    const thread = this.#thread;
    this.#thread = null;
    await thread?.end();
  }
}

class Thread {
  readonly #worker = new Worker(new URL("./plan-thread.ts", import.meta.url), {
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: THREAD_MEMORY_MIB },
  });
  /** Revisions of what it holds, by bucket and kind. */
  readonly #shown = new Map<string, Map<string, number>>();
  #answer: { resolve(plan: Plan): void; reject(cause: unknown): void } | null = null;
  hasEnded = false;

  constructor() {
    this.#worker.on("message", (message: FromThread) => {
      if (message.type === "plan") this.#answer?.resolve(message.plan);
      else this.#answer?.reject(new MusterError(message.code, message.message, message));
      this.#answer = null;
    });
    this.#worker.on("error", (cause) => this.#fail(cause));
    this.#worker.on("exit", () => this.#fail(null));
    this.#worker.unref();
  }

  /** Hands over what has changed, a little at a time. */
  async show({ state, health }: Scene): Promise<void> {
    await this.#showBucket("state", state);
    await this.#showBucket("health", health);
  }

  plan(message: ToThread): Promise<Plan> {
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
      if (this.hasEnded) this.#fail(null);
      else this.#worker.postMessage(message);
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  async #showBucket(bucket: Bucket, shelves: Shelves): Promise<void> {
    for (const [kind, documents] of shelves) {
      const name = `${bucket}.${kind}`;
      const shown = this.#shown.get(name) ?? new Map<string, number>();
      this.#shown.set(name, shown);
      const drop = [...shown.keys()].filter((rest) => !documents.has(rest));
      for (const rest of drop) shown.delete(rest);
      const put = changed(documents, shown);
      // The first message of a kind goes even when it is empty: the thread then knows the kind.
      for (let from = 0; from === 0 || from < put.length; from += CHUNK_DOCUMENTS) {
        const chunk = put.slice(from, from + CHUNK_DOCUMENTS);
        this.#worker.postMessage({ type: "documents", bucket, kind, put: chunk, drop: from === 0 ? drop : [] });
        if (chunk.length === CHUNK_DOCUMENTS) await nextTurn();
      }
    }
  }

  #fail(cause: unknown): void {
    this.hasEnded = true;
    const message = "The plan took too long and was given up; nothing was changed";
    this.#answer?.reject(new MusterError("internal", message, cause === null ? {} : { cause }));
    this.#answer = null;
  }
}

function changed(documents: ReadonlyMap<string, Entry<unknown>>, shown: Map<string, number>): Put[] {
  const put: Put[] = [];
  for (const [rest, { value, revision }] of documents) {
    if (shown.get(rest) === revision) continue;
    shown.set(rest, revision);
    put.push([rest, value, revision]);
  }
  return put;
}
