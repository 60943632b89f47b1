/**
 * An agent that speaks the real protocol (registration, heartbeats, launch channel, sync, facts) and runs nothing.
 * Many fit in one process; tests decide how its tasks behave.
 */
import {
  type AgentReport,
  cloudEventHeaders,
  type Fact,
  type FactState,
  HEADER,
  HEARTBEAT_MS,
  HeartbeatReplySchema,
  type InstanceDocument,
  InstanceDocumentSchema,
  parseInstanceId,
  SyncReplySchema,
  subjects,
} from "@muster/contracts";
import { type Nats, requestInParts } from "@muster/runtime";
import { headers, type Msg, type Subscription } from "@nats-io/transport-node";
import { simulatedFact, simulatedReport } from "./simulated.ts";

export type SimulatedTask = { readonly record: InstanceDocument; sequence: number; state: FactState };

export type SimulatedAgentOptions = Partial<Omit<AgentReport, "agent">> & {
  readonly agent: string;
  /** What a launched task does: the states it goes through. Default: it runs, and is healthy and ready where it has checks. */
  readonly onLaunch?: (record: InstanceDocument) => readonly FactState[];
};

export class SimulatedAgent {
  readonly agent: string;
  readonly report: AgentReport;
  /** Live tasks by instance id. */
  readonly tasks = new Map<string, SimulatedTask>();
  /** Every start ever made, for oracles. */
  readonly starts: string[] = [];
  readonly #nats: Nats;
  readonly #onLaunch: (record: InstanceDocument) => readonly FactState[];
  readonly #seen = new Map<string, number>();
  readonly #ended = new Set<string>();
  #subscription: Subscription | null = null;
  #heartbeat: NodeJS.Timeout | null = null;
  #n = 0;
  #factNumber = 0;
  #facts: Promise<unknown> = Promise.resolve();

  constructor(nats: Nats, { agent, onLaunch, ...report }: SimulatedAgentOptions) {
    this.#nats = nats;
    this.agent = agent;
    this.#onLaunch =
      onLaunch ??
      (({ run }) => [
        "running",
        ...(run.healthChecks.length > 0 ? (["healthy"] as const) : []),
        ...(run.readinessChecks.length > 0 ? (["ready"] as const) : []),
      ]);
    this.report = simulatedReport(agent, report);
  }

  async start(): Promise<void> {
    this.#subscription = this.#nats.connection.subscribe(subjects.launchesOf(this.agent), {
      callback: (error, message) => {
        if (error === null) this.#launched(message);
      },
    });
    await this.register();
    await this.sync();
    this.#heartbeat = setInterval(() => void this.#beat(), HEARTBEAT_MS);
  }

  /** Falls silent, as when its machine dies; its tasks are remembered for a return. */
  vanish(): void {
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat);
    this.#heartbeat = null;
    this.#subscription?.unsubscribe();
    this.#subscription = null;
  }

  async stop(): Promise<void> {
    this.vanish();
    await this.#facts;
  }

  async register(more: Partial<AgentReport> = {}): Promise<void> {
    const inventory = [...this.tasks.values()].map(({ record }) => ({
      instance: record.instance,
      state: "running" as const,
      resources: record.resources,
      ports: record.ports,
    }));
    Object.assign(this.report, { inventory }, more);
    await this.#nats.js.publish(subjects.resources(this.agent), JSON.stringify(this.report));
  }

  /** Asks for everything that should run here; tried until a worker answers. */
  async sync(): Promise<void> {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      try {
        const reply = SyncReplySchema.parse(
          JSON.parse(await requestInParts(this.#nats.connection, subjects.sync(this.agent), "", { timeoutMs: 2_000 })),
        );
        this.#n = Math.max(this.#n, reply.n);
        for (const { sequence, record } of reply.records) this.#take(record, sequence);
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    }
  }

  /** States a fact about a task; facts go out one by one, in order. */
  state(instance: string, state: FactState, more: Partial<Fact> = {}): void {
    const task = this.tasks.get(instance);
    const ref = parseInstanceId(instance);
    if (task === undefined || ref === null) throw new Error(`${this.agent} runs no ${instance}`);
    this.#factNumber += 1;
    const { version, ports, trace } = task.record;
    const record = { instance, ref, version, ports, trace, sequence: task.sequence };
    const event = simulatedFact(this.report, record, this.#factNumber, state, more);
    task.state = state;
    if (["finished", "failed", "killed", "error"].includes(state)) {
      this.tasks.delete(instance);
      this.#ended.add(instance);
    }
    const all = headers();
    for (const [key, value] of Object.entries(cloudEventHeaders(event))) all.set(key, value);
    this.#facts = this.#facts.then(() =>
      this.#nats.js
        .publish(subjects.fact(this.agent, ref, state), JSON.stringify(event), {
          headers: all,
          timeout: 10_000,
          retries: 5,
        })
        .catch(() => undefined),
    );
  }

  async #beat(): Promise<void> {
    const beat = {
      agent: this.agent,
      incarnation: this.report.incarnation,
      nonce: this.report.nonce,
      n: this.#n,
      live: this.tasks.size,
    };
    try {
      const answer = await this.#nats.connection.request(subjects.heartbeat(this.agent), JSON.stringify(beat), {
        timeout: 900,
      });
      const reply = HeartbeatReplySchema.parse(answer.json());
      if (reply.n > this.#n) await this.sync();
    } catch {
      // A broker that is away is no reason to do anything.
    }
  }

  #launched(message: Msg): void {
    if (message.data.length === 0) return;
    const number = Number(message.headers?.get(HEADER.number));
    const sequence = Number(message.headers?.get("Nats-Sequence"));
    const record = InstanceDocumentSchema.parse(message.json());
    if (number > this.#n + 1) void this.sync();
    else this.#n = Math.max(this.#n, number);
    this.#take(record, sequence);
  }

  #take(record: InstanceDocument, sequence: number): void {
    const { instance, goal } = record;
    if ((this.#seen.get(instance) ?? 0) >= sequence) return;
    this.#seen.set(instance, sequence);
    const live = this.tasks.get(instance);
    if (live !== undefined) live.sequence = sequence;
    if (goal === "stop") {
      if (this.#ended.has(instance)) return;
      if (live === undefined) this.tasks.set(instance, { record, sequence, state: "killing" });
      this.state(instance, "killed", { reason: live === undefined ? "never-started" : "killed-on-request" });
      return;
    }
    if (live !== undefined || this.#ended.has(instance)) return;
    this.tasks.set(instance, { record, sequence, state: "staging" });
    this.starts.push(instance);
    for (const state of this.#onLaunch(record)) this.state(instance, state);
  }
}
