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
import type { Subscription } from "@nats-io/transport-node";

/** A tick that comes this much late means that we slept, not that all agents fell silent. */
const LATE_TICK_MS = 1_000;

export class Heartbeats {
  readonly #cluster: Cluster;
  readonly #shards: Shards;
  readonly #reportOf: (agent: string) => AgentReport | null;
  readonly #heardAtMs = new Map<string, number>();
  readonly #told = new Map<string, Liveness>();
  readonly #listeners = new Set<(agent: string) => void>();
  #subscription: Subscription | null = null;
  #lastTickMs = monotonicMs();
  #behind = false;

  constructor(cluster: Cluster, shards: Shards, reportOf: (agent: string) => AgentReport | null) {
    this.#cluster = cluster;
    this.#shards = shards;
    this.#reportOf = reportOf;
  }

  open(): void {
    this.#subscription = this.#cluster.nats.connection.subscribe(subjects.heartbeats, {
      callback: (error, message) => {
        if (error !== null) return;
        const token = message.subject.split(".")[3] ?? "";
        const agent = agentIdOf(token);
        if (!this.#shards.holds(agentShard(agent))) return;
        const beat = HeartbeatSchema.safeParse(jsonOf(message.data));
        if (!beat.success || beat.data.agent !== agent) return;
        const report = this.#reportOf(agent);
        // A fenced or overtaken incarnation may beat on: it is answered, so that it learns of it, but not heard.
        if (report === null || beat.data.nonce === report.nonce) this.hear(agent);
        const reply: HeartbeatReply = {
          n: this.#cluster.state.kind("ledger").get(agentToken(agent))?.value.n ?? 0,
          incarnation: report?.incarnation ?? 0,
          nonce: report?.nonce ?? "",
        };
        message.respond(JSON.stringify(reply));
      },
    });
  }

  close(): void {
    this.#subscription?.unsubscribe();
  }

  hear(agent: string): void {
    this.#heardAtMs.set(agent, monotonicMs());
    if (this.#told.get(agent) !== undefined && this.#told.get(agent) !== "alive") this.#tell(agent, "alive");
  }

  /** All clocks of absence start anew. */
  forgive(): void {
    const now = monotonicMs();
    for (const agent of this.#heardAtMs.keys()) this.#heardAtMs.set(agent, now);
  }

  liveness(agent: string, now = monotonicMs()): Liveness {
    const heardAtMs = this.#heardAtMs.get(agent);
    return heardAtMs === undefined ? "suspect" : livenessOf(now - heardAtMs, HEARTBEAT_MS);
  }

  onChange(listener: (agent: string) => void): void {
    this.#listeners.add(listener);
  }

  tick(agents: Iterable<string>): void {
    const now = monotonicMs();
    const isLate = now - this.#lastTickMs > LATE_TICK_MS;
    this.#lastTickMs = now;
    const isCutOff = !this.#cluster.state.complete || !this.#cluster.health.complete;
    if (isLate || isCutOff || this.#behind) this.forgive();
    this.#behind = isCutOff;
    for (const agent of agents) {
      if (!this.#heardAtMs.has(agent)) this.#heardAtMs.set(agent, now);
      const liveness = this.liveness(agent, now);
      if (liveness !== (this.#told.get(agent) ?? "alive")) this.#tell(agent, liveness);
    }
  }

  #tell(agent: string, liveness: Liveness): void {
    this.#told.set(agent, liveness);
    for (const listener of this.#listeners) listener(agent);
  }
}
