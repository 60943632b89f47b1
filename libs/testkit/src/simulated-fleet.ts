/**
 * Thousands of simulated agents in one process, on one connection: they register, beat, hear the launch channel through
 * one subscription, sync when they missed something, and state facts in atomic batches. They run nothing.
 */
import {
  type AgentReport,
  agentToken,
  type CloudEvent,
  cloudEventHeaders,
  HEADER,
  HEARTBEAT_MS,
  instanceId,
  parseInstanceId,
  type SyncReply,
  subjects,
} from "@muster/contracts";
import {
  type BatchMessage,
  backoffMs,
  commitBatch,
  headerIn,
  headerText,
  type Nats,
  pause,
  requestInParts,
} from "@muster/runtime";
import { createInbox, type Msg, type Subscription } from "@nats-io/transport-node";
import { simulatedFact, simulatedReport } from "./simulated.ts";

export type FleetOptions = {
  readonly agents: number;
  /** Agents are called `<name>-00001` and so on. */
  readonly name: string;
  readonly racks: number;
  readonly zones: number;
  /** What is told of a launched task: nothing, or that it runs. The end of a stopped one is always told. */
  readonly facts: "none" | "running";
};

/** What happened so far. */
export type FleetCounts = {
  registered: number;
  synced: number;
  beats: number;
  answers: number;
  launched: number;
  gaps: number;
  factsStored: number;
  /** Heartbeats answered with another agent's nonce. */
  replaced: number;
};

type Agent = { readonly report: AgentReport; readonly token: string; n: number; behind: number; facts: number };
type Launch = Pick<SyncReply["records"][number]["record"], "instance" | "goal" | "version" | "ports" | "trace">;
type Told = { readonly subject: string; readonly event: CloudEvent };

const REGISTRATIONS_AT_ONCE = 256;
const SYNCS_AT_ONCE = 32;
const FACTS_PER_BATCH = 500;
const BEAT_TICK_MS = 20;
/** A heartbeat's answer may overtake the record it counts: only when two say so is something missing. */
const BEHIND_BEATS = 2;

export class SimulatedFleet {
  readonly counts: FleetCounts = {
    registered: 0,
    synced: 0,
    beats: 0,
    answers: 0,
    launched: 0,
    gaps: 0,
    factsStored: 0,
    replaced: 0,
  };
  readonly #nats: Nats;
  readonly #options: FleetOptions;
  readonly #agents: readonly Agent[];
  readonly #byToken: ReadonlyMap<string, Agent>;
  /** Sequence of the last record seen of each instance; per instance the higher one wins. */
  readonly #seen = new Map<string, number>();
  /** Instances whose end was told. */
  readonly #ended = new Set<string>();
  readonly #toSync = new Set<Agent>();
  readonly #inbox = createInbox();
  #subscriptions: Subscription[] = [];
  #beating: NodeJS.Timeout | null = null;
  #outbox: Told[] = [];
  #flushing: Promise<void> | null = null;
  #syncing = 0;
  #stopped = false;
  #deaf = false;

  constructor(nats: Nats, options: FleetOptions) {
    this.#nats = nats;
    this.#options = options;
    this.#agents = Array.from({ length: options.agents }, (_, i) => agentOf(options, i));
    this.#byToken = new Map(this.#agents.map((agent) => [agent.token, agent]));
  }

  /** Subscribes, registers all agents, has each ask what it should run, and begins to beat. */
  async start(): Promise<void> {
    const { connection } = this.#nats;
    this.#subscriptions = [
      connection.subscribe(subjects.launches, {
        callback: (error, message) => {
          if (error === null) this.#launched(message);
        },
      }),
      connection.subscribe(`${this.#inbox}.*`, {
        callback: (error, message) => {
          if (error === null) this.#answered(message);
        },
      }),
    ];
    await inParallel(this.#agents, REGISTRATIONS_AT_ONCE, (agent) => this.#register(agent));
    const startedAt = performance.now();
    let sent = 0;
    this.#beating = setInterval(() => {
      // As many as are due by now, so that a late tick is made up for and the beats stay even.
      const due = Math.floor(((performance.now() - startedAt) / HEARTBEAT_MS) * this.#agents.length);
      const count = Math.min(due - sent, this.#agents.length);
      for (let i = 0; i < count; i += 1) this.#beat((due - count + i) % this.#agents.length);
      sent = due;
    }, BEAT_TICK_MS);
    await inParallel(this.#agents, SYNCS_AT_ONCE, (agent) => this.#sync(agent));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#beating !== null) clearInterval(this.#beating);
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    await this.#flushing;
  }

  /** While `work` runs, nothing that is launched is heard: as when messages are lost. */
  async deafFor(work: () => Promise<void>): Promise<void> {
    this.#deaf = true;
    await work();
    this.#deaf = false;
  }

  async #register({ report }: Agent): Promise<void> {
    await this.#nats.js.publish(subjects.resources(report.agent), JSON.stringify(report), {
      expect: { lastSubjectSequence: 0 },
      timeout: 30_000,
    });
    this.counts.registered += 1;
  }

  #beat(index: number): void {
    const { report, n } = this.#agents[index] as Agent;
    const { agent, incarnation, nonce } = report;
    this.counts.beats += 1;
    this.#nats.connection.publish(
      subjects.heartbeat(agent),
      JSON.stringify({ agent, incarnation, nonce, n, live: 0 }),
      { reply: `${this.#inbox}.${index}` },
    );
  }

  #answered(message: Msg): void {
    const agent = this.#agents[Number(message.subject.slice(this.#inbox.length + 1))];
    if (agent === undefined || message.data.length === 0) return;
    this.counts.answers += 1;
    const { n, nonce } = message.json<{ n: number; nonce: string }>();
    if (nonce !== "" && nonce !== agent.report.nonce) this.counts.replaced += 1;
    agent.behind = n > agent.n ? agent.behind + 1 : 0;
    if (agent.behind >= BEHIND_BEATS) this.#wantSync(agent);
  }

  #wantSync(agent: Agent): void {
    if (this.#stopped || this.#toSync.has(agent)) return;
    this.#toSync.add(agent);
    if (this.#syncing >= SYNCS_AT_ONCE) return;
    this.#syncing += 1;
    void (async () => {
      for (const next of this.#toSync) {
        this.#toSync.delete(next);
        await this.#sync(next);
      }
    })().finally(() => {
      this.#syncing -= 1;
    });
  }

  /** Asks for everything that should run; tried until a worker answers. */
  async #sync(agent: Agent): Promise<void> {
    for (let attempt = 0; !this.#stopped; attempt += 1) {
      try {
        const text = await requestInParts(this.#nats.connection, subjects.sync(agent.report.agent), "", {
          timeoutMs: 5_000,
        });
        const { n, records } = JSON.parse(text) as SyncReply;
        agent.n = Math.max(agent.n, n);
        agent.behind = 0;
        for (const { sequence, record } of records) this.#take(agent, record, sequence);
        this.counts.synced += 1;
        return;
      } catch {
        await pause(backoffMs(attempt, { firstMs: 250, capMs: 2_000 }));
      }
    }
  }

  #launched(message: Msg): void {
    const tokens = message.subject.split(".");
    const agent = this.#byToken.get(tokens[3] as string);
    if (agent === undefined || message.data.length === 0 || this.#deaf) return;
    const head = headerText(message);
    const number = Number(headerIn(head, HEADER.number));
    if (number > agent.n + 1) {
      this.counts.gaps += 1;
      this.#wantSync(agent);
    }
    agent.n = Math.max(agent.n, number);
    // Where nothing is told of what runs, the body need not be read to know it.
    if (this.#options.facts === "none" && !Buffer.from(message.data).includes('"goal":"stop"')) {
      this.counts.launched += 1;
      return;
    }
    this.#take(agent, message.json<Launch>(), Number(headerIn(head, "Nats-Sequence")));
  }

  #take(agent: Agent, record: Launch, sequence: number): void {
    const { instance, goal } = record;
    if ((this.#seen.get(instance) ?? 0) >= sequence) return;
    const isKnown = this.#seen.has(instance);
    this.#seen.set(instance, sequence);
    if (this.#ended.has(instance)) return;
    if (goal === "stop") {
      this.#ended.add(instance);
      this.#tell(agent, record, sequence, "killed");
      return;
    }
    if (isKnown) return;
    this.counts.launched += 1;
    if (this.#options.facts === "running") this.#tell(agent, record, sequence, "running");
  }

  #tell(agent: Agent, record: Launch, sequence: number, state: "running" | "killed"): void {
    const ref = parseInstanceId(record.instance);
    if (ref === null) throw new Error(`${record.instance} is no instance`);
    agent.facts += 1;
    const { version, ports, trace } = record;
    const about = { ref, instance: instanceId(ref), version, ports, trace, sequence };
    const event = simulatedFact(agent.report, about, agent.facts, state);
    this.#outbox.push({ subject: subjects.fact(agent.report.agent, ref, state), event });
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = null;
    });
  }

  /** One batch in flight, so that the facts of an instance keep their order. */
  async #flush(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    for (let attempt = 0; this.#outbox.length > 0; ) {
      const batch = batchOf(this.#outbox);
      const outcome = await commitBatch(this.#nats.connection, batch);
      if (outcome.type === "committed") {
        this.#outbox = this.#outbox.slice(batch.length);
        this.counts.factsStored += batch.length;
        attempt = 0;
      } else if (this.#stopped) return;
      else {
        attempt += 1;
        await pause(backoffMs(attempt, { firstMs: 10, capMs: 1_000 }));
      }
    }
  }
}

function agentOf({ name, racks, zones }: FleetOptions, i: number): Agent {
  const agent = `${name}-${String(i + 1).padStart(5, "0")}`;
  const rack = `rack-${i % racks}`;
  const zone = `zone-${i % zones}`;
  const report = simulatedReport(agent, { attributes: { rack: { type: "text", value: rack } }, region: "sim", zone });
  return { report, token: agentToken(agent), n: 0, behind: 0, facts: 0 };
}

/** The first facts, up to one that would name a subject twice. */
function batchOf(outbox: readonly Told[]): BatchMessage[] {
  const named = new Set<string>();
  const messages: BatchMessage[] = [];
  for (const { subject, event } of outbox) {
    if (named.has(subject) || messages.length >= FACTS_PER_BATCH) break;
    named.add(subject);
    messages.push({ subject, body: JSON.stringify(event), headers: cloudEventHeaders(event) });
  }
  return messages;
}

async function inParallel<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: Math.min(atOnce, items.length) }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}
