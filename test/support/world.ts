/** A small world written straight into the state bucket, and workers whose decisions can be made now and committed later. */
import {
  type AgentWord,
  appToken,
  type Decision,
  type EndedDocument,
  keys,
  type LedgerDocument,
  NO_DECISION,
  type OfferDocument,
  type Resources,
  readApp,
  type WantedRow,
  type Write,
} from "@muster/contracts";
import { decideRound, emptyLedger } from "@muster/core";
import type { Cluster } from "@muster/runtime";
import { until } from "@muster/testkit";
import { openTestCluster } from "./control-plane.ts";

const CAPACITY: Resources = { cpuMillis: 4_000, memoryMib: 4_096, diskMib: 4_096, gpus: 0 };
const VERSION = 1_000;

export class Worker {
  readonly cluster: Cluster;
  constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  /** Decides on what this worker sees now; nothing is written yet. */
  decide(app: string): Decision {
    return decideRound(
      { state: this.cluster.state, health: this.cluster.health, apps: [app], trace: () => null },
      { now: Date.now(), dice: () => 0.5 },
    ).decision;
  }

  /** Commits a decision that may have grown old. True when it landed. */
  async commit(decision: Decision): Promise<boolean> {
    const done = await this.cluster.stateCommitter.commit(() => decision, "/test/worker");
    return done?.outcome.type === "committed";
  }
}

/** The same decision with some of its revisions left out: what would happen if nothing protected it. */
export function careless(decision: Decision, keep: (key: string) => boolean): Decision {
  return {
    ...decision,
    writes: decision.writes.map((write) => (keep(write.key) ? write : { ...write, expect: null })),
    asserts: decision.asserts.filter((assertion) => keep(assertion.key)),
  };
}

export class World {
  readonly a: Worker;
  readonly b: Worker;
  readonly #url: string;
  readonly #replicas: number;

  private constructor(url: string, replicas: number, a: Worker, b: Worker) {
    this.#url = url;
    this.#replicas = replicas;
    this.a = a;
    this.b = b;
  }

  static async open(url: string, replicas = 1): Promise<World> {
    const [a, b] = [
      await openTestCluster(url, ["placement"], replicas),
      await openTestCluster(url, ["placement"], replicas),
    ];
    return new World(url, replicas, new Worker(a), new Worker(b));
  }

  async close(): Promise<void> {
    await this.a.cluster.close();
    await this.b.cluster.close();
  }

  /** Writes and waits until both workers have read it. */
  async write(writes: readonly Write[], bucket: "state" | "health" = "state"): Promise<void> {
    const { cluster } = this.a;
    const committer = bucket === "state" ? cluster.stateCommitter : cluster.healthCommitter;
    const done = await committer.commit(() => ({ ...NO_DECISION, writes }), "/test/world");
    if (done?.outcome.type !== "committed") throw new Error("the world could not be written");
    await this.agree();
  }

  /** Both workers have read all there is. */
  async agree(): Promise<void> {
    const info = await this.a.cluster.nats.jsm.streams.info("KV_muster_state");
    for (const { cluster } of [this.a, this.b])
      await until(() => cluster.state.sequence >= info.state.last_seq || cluster.state.complete, {
        what: "a view that has caught up",
      });
    for (const { cluster } of [this.a, this.b]) await cluster.state.reached(info.state.last_seq, 500);
  }

  async agent(name: string, more: Partial<OfferDocument> = {}): Promise<void> {
    const offer: OfferDocument = {
      agent: name,
      hostname: name,
      address: "127.0.0.1",
      capacity: CAPACITY,
      ports: [{ first: 31_000, last: 31_099 }],
      attributes: {},
      role: "*",
      region: null,
      zone: null,
      runtimes: ["process", "docker"],
      custom: { scalars: {}, sets: {} },
      images: [],
      gate: { open: true, reason: "open", sinceMs: 1, incarnation: 1 },
      incarnation: 1,
      ...more,
    };
    const ledger = emptyLedger(name, { open: true, reason: "open", sinceMs: 1, incarnation: 1 });
    await this.write([
      { key: keys.offer(name), value: offer, expect: null },
      { key: keys.ledger(name), value: ledger, expect: null },
    ]);
  }

  async app(app: string, spec: Record<string, unknown>, rows: readonly WantedRow[]): Promise<void> {
    const reading = readApp({ id: app, cmd: "sleep 1000", cpus: 1, mem: 64, ...spec });
    await this.write([
      {
        key: keys.app(app),
        value: {
          id: app,
          version: VERSION,
          instances: rows.length,
          goal: "run",
          deployment: null,
          createdAtMs: 1,
          scaledAtMs: 1,
          trace: null,
        },
        expect: null,
      },
      {
        key: keys.version(app, VERSION),
        value: { app, version: VERSION, spec: reading.spec, by: { who: "test", from: "test" } },
        expect: null,
      },
    ]);
    await this.want(app, rows);
  }

  want(app: string, rows: readonly WantedRow[]): Promise<void> {
    const nextAttempt = Math.max(0, ...rows.map((row) => row.attempt)) + 1;
    return this.write([
      { key: keys.wanted(app), value: { app, rows, nextAttempt, backoffs: [], trace: null }, expect: null },
    ]);
  }

  word(agent: string, goal: AgentWord["goal"]): Promise<void> {
    return this.write([
      { key: keys.agent(agent), value: { agent, goal, fencedIncarnation: 1, atMs: 1 }, expect: null },
    ]);
  }

  /** As health writes it on an agent's terminal fact. */
  async end(app: string, row: { slot: number; attempt: number }, agent: string): Promise<void> {
    const instance = `${appToken(app)}.${row.slot}.${row.attempt}`;
    const ended: EndedDocument = {
      instance,
      agent,
      version: VERSION,
      fact: 1,
      state: "finished",
      exitCode: 0,
      signal: null,
      reason: "exited",
      message: "",
      atMs: 1,
      trace: null,
    };
    await this.write([{ key: keys.ended({ app, ...row }), value: ended, expect: null }], "health");
    for (const { cluster } of [this.a, this.b])
      await until(() => cluster.health.kind("ended").has(instance), { what: "the ended document" });
  }

  placed(app: string) {
    return this.a.cluster.state.kind("placed").get(appToken(app))?.value.rows ?? [];
  }
  ledger(agent: string): LedgerDocument {
    return this.a.cluster.state.kind("ledger").get(agent)?.value as LedgerDocument;
  }
  records(): string[] {
    return [...this.a.cluster.state.kind("instance").values()]
      .map(({ value }) => `${value.instance}@${value.agent}:${value.goal}`)
      .sort();
  }
  /** A third pair of eyes that reads everything from the start. */
  async fresh<T>(look: (cluster: Cluster) => T): Promise<T> {
    const cluster = await openTestCluster(this.#url, [], this.#replicas);
    try {
      return look(cluster);
    } finally {
      await cluster.close();
    }
  }
}

export const run = (slot: number, attempt: number): WantedRow => ({
  slot,
  attempt,
  version: VERSION,
  goal: "run",
  agent: null,
});
export const stop = (slot: number, attempt: number): WantedRow => ({ ...run(slot, attempt), goal: "stop" });
