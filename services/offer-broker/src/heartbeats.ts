/** Answers heartbeats and notes silence. Time while the broker itself was away, stopped or cut off, does not count. */
import {
  type AgentReport,
  agentIdOf,
  agentShard,
  agentToken,
  HEARTBEAT_MS,
  type HeartbeatReply,
  HeartbeatSchema,
  subjects,
} from "@muster/contracts";
import { type Liveness, livenessOf } from "@muster/core";
import { type Cluster, jsonOf, monotonicMs, type Shards } from "@muster/runtime";
import type { Msg, Subscription } from "@nats-io/transport-node";

/** A tick that comes this much late means that we slept, not that all agents fell silent. */
const LATE_TICK_MS = 1_000;

/** What is known of one agent's beats, and what its names are: they are asked for at each of ten thousand beats a second. */
type Pulse = {
  readonly agent: string;
  readonly token: string;
  readonly shard: number;
  heardAtMs: number;
  told: Liveness;
};

export class Heartbeats {
  readonly #cluster: Cluster;
  readonly #shards: Pick<Shards, "holds">;
  readonly #reportOf: (agent: string) => AgentReport | null;
  /** Agents that were heard at least once, by token. */
  readonly #pulses = new Map<string, Pulse>();
  readonly #listeners = new Set<(agent: string) => void>();
  #subscription: Subscription | null = null;
  #lastTickMs = monotonicMs();
  #behind = false;

  constructor(cluster: Cluster, shards: Pick<Shards, "holds">, reportOf: (agent: string) => AgentReport | null) {
    this.#cluster = cluster;
    this.#shards = shards;
    this.#reportOf = reportOf;
  }

  open(): void {
    this.#subscription = this.#cluster.nats.connection.subscribe(subjects.heartbeats, {
      callback: (error, message) => {
        if (error === null) this.#answer(message);
      },
    });
  }

  close(): void {
    this.#subscription?.unsubscribe();
  }

  #answer(message: Msg): void {
    const token = message.subject.slice(message.subject.lastIndexOf(".") + 1);
    const pulse = this.#pulses.get(token);
    const agent = pulse?.agent ?? agentIdOf(token);
    if (!this.#shards.holds(pulse?.shard ?? agentShard(agent))) return;
    const beat = HeartbeatSchema.safeParse(jsonOf(message.data));
    if (!beat.success || beat.data.agent !== agent) return;
    const report = this.#reportOf(agent);
    // A fenced or overtaken incarnation may beat on: it is answered, so that it learns of it, but not heard.
    if (report === null || beat.data.nonce === report.nonce) this.hear(agent);
    const reply: HeartbeatReply = {
      n: this.#cluster.state.get("ledger", token)?.value.n ?? 0,
      incarnation: report?.incarnation ?? 0,
      nonce: report?.nonce ?? "",
    };
    message.respond(JSON.stringify(reply));
  }

  hear(agent: string): void {
    const token = agentToken(agent);
    const pulse = this.#pulses.get(token);
    if (pulse === undefined) {
      this.#pulses.set(token, { agent, token, shard: agentShard(agent), heardAtMs: monotonicMs(), told: "alive" });
      return;
    }
    pulse.heardAtMs = monotonicMs();
    if (pulse.told !== "alive") this.#tell(pulse, "alive");
  }

  /** All clocks of absence start anew. */
  forgive(): void {
    const now = monotonicMs();
    for (const pulse of this.#pulses.values()) pulse.heardAtMs = now;
  }

  liveness(agent: string): Liveness {
    const pulse = this.#pulses.get(agentToken(agent));
    return pulse === undefined ? "suspect" : livenessOf(monotonicMs() - pulse.heardAtMs, HEARTBEAT_MS);
  }

  onChange(listener: (agent: string) => void): void {
    this.#listeners.add(listener);
  }

  /** Looks who is silent, among agents that the cluster follows. */
  tick(): void {
    const now = monotonicMs();
    const isLate = now - this.#lastTickMs > LATE_TICK_MS;
    this.#lastTickMs = now;
    const isCutOff = !this.#cluster.state.complete || !this.#cluster.health.complete;
    if (isLate || isCutOff || this.#behind) this.forgive();
    this.#behind = isCutOff;
    for (const pulse of this.#pulses.values()) {
      const liveness = livenessOf(now - pulse.heardAtMs, HEARTBEAT_MS);
      if (liveness !== pulse.told && this.#isFollowed(pulse)) this.#tell(pulse, liveness);
    }
  }

  #isFollowed({ agent, token }: Pulse): boolean {
    return this.#reportOf(agent) !== null && this.#cluster.state.get("ledger", token) !== undefined;
  }

  #tell(pulse: Pulse, liveness: Liveness): void {
    pulse.told = liveness;
    for (const listener of this.#listeners) listener(pulse.agent);
  }
}
