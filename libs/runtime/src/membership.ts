/** Who is alive: one lease per process, renewed in time; a holder counts its own deadline from before it sent. */
import {
  bucketStream,
  keySubject,
  LEASE_RENEW_MS,
  LEASE_TTL_MS,
  LEASES_BUCKET,
  type Lease,
  LeaseSchema,
  subjects,
} from "@muster/contracts";
import { headers, type Subscription } from "@nats-io/transport-node";
import { monotonicMs } from "./clock.ts";
import type { Nats } from "./connect.ts";
import { jsonOf } from "./json.ts";
import { createLog } from "./log.ts";
import { StreamTail } from "./tail.ts";

export class Membership {
  readonly process: string;
  readonly #nats: Nats;
  #lease: Lease;
  readonly #ttlMs: number;
  readonly #tail: StreamTail;
  readonly #log = createLog("lease");
  readonly #others = new Map<string, { lease: Lease; heardAtMs: number }>();
  readonly #listeners = new Set<() => void>();
  #deadlineMs = 0;
  #timers: NodeJS.Timeout[] = [];
  #renewing = false;
  #complete = false;
  #abdications: Subscription | null = null;

  constructor(nats: Nats, lease: Lease, { ttlMs = LEASE_TTL_MS }: { ttlMs?: number } = {}) {
    this.process = lease.process;
    this.#nats = nats;
    this.#lease = lease;
    this.#ttlMs = ttlMs;
    this.#tail = new StreamTail(nats, {
      stream: bucketStream(LEASES_BUCKET),
      filters: [keySubject(LEASES_BUCKET, ">")],
      from: { type: "last-per-subject" },
      onMessage: (message) => {
        const key = message.subject.slice(keySubject(LEASES_BUCKET, "").length);
        if (message.data.length === 0) this.#others.delete(key);
        else {
          const parsed = LeaseSchema.safeParse(jsonOf(message.data));
          if (!parsed.success) return;
          const before = this.#others.get(key)?.lease;
          this.#others.set(key, { lease: parsed.data, heardAtMs: monotonicMs() });
          if (before !== undefined && before.abdicated.join() === parsed.data.abdicated.join()) return;
          if (key !== this.process) this.#takeBack(parsed.data.abdicated, before?.abdicated ?? []);
        }
        this.#tell();
      },
      onCaughtUp: () => {
        // Silence while we were away says nothing about the others.
        const now = monotonicMs();
        for (const other of this.#others.values()) other.heardAtMs = now;
        this.#complete = true;
        this.#tell();
      },
      onBehind: () => {
        this.#complete = false;
      },
    });
  }

  async open(): Promise<void> {
    await this.#renew();
    await this.#tail.start();
    this.#abdications = this.#nats.connection.subscribe(subjects.abdicate(this.process), {
      callback: (error, message) => {
        if (error === null) void this.#abdicate(message.string()).then((done) => message.respond(String(done)));
      },
    });
    this.#timers = [
      setInterval(() => void this.#renew(), Math.min(LEASE_RENEW_MS, this.#ttlMs / 3.3)),
      setInterval(() => this.#expire(), this.#ttlMs / 4),
    ];
  }

  /** Gives the lease up, so that others need not wait for it to end. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#deadlineMs = 0;
    if (!this.#nats.connection.isClosed()) this.#abdications?.unsubscribe();
    await this.#tail.stop();
    const all = headers();
    all.set("KV-Operation", "PURGE");
    all.set("Nats-Rollup", "sub");
    all.set("Nats-TTL", "10s");
    await this.#nats.js
      .publish(keySubject(LEASES_BUCKET, this.process), "", { headers: all, timeout: 1_000 })
      .catch(() => undefined);
  }

  /** True while our own lease certainly stands. */
  get isHeld(): boolean {
    return monotonicMs() < this.#deadlineMs;
  }
  get complete(): boolean {
    return this.#complete;
  }

  /** Living processes that run `service`, ourselves included, in a fixed order. */
  processesOf(service: string): string[] {
    return this.leases()
      .filter((lease) => lease.services.includes(service))
      .map((lease) => lease.process)
      .sort();
  }

  /** Those of them that are to share its work: one that has abdicated does so only where nobody else is left. */
  sharersOf(service: string): string[] {
    const processes = this.processesOf(service);
    const abdicated = new Set(
      this.leases().flatMap((lease) => (lease.abdicated.includes(service) ? [lease.process] : [])),
    );
    const sharers = processes.filter((process) => !abdicated.has(process));
    return sharers.length > 0 ? sharers : processes;
  }

  /** Adds to what our lease tells of us, at once. */
  async say(more: Pick<Lease, "http">): Promise<void> {
    this.#lease = { ...this.#lease, ...more };
    await this.#renew();
  }

  leases(): Lease[] {
    const others = [...this.#others.entries()].filter(([key]) => key !== this.process).map(([, other]) => other.lease);
    return this.isHeld ? [this.#lease, ...others] : others;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #abdicate(service: string): Promise<boolean> {
    if (!this.#lease.services.includes(service)) return false;
    this.#lease = { ...this.#lease, abdicated: [...new Set([...this.#lease.abdicated, service])] };
    this.#log.info({ service }, "abdicated: others take over");
    await this.#renew();
    this.#tell();
    return true;
  }

  /** One at a time is left out: when another process abdicates after us, we share the work again. */
  #takeBack(now: readonly string[], before: readonly string[]): void {
    const again = new Set(now.filter((service) => !before.includes(service)));
    if (!this.#lease.abdicated.some((service) => again.has(service))) return;
    this.#lease = { ...this.#lease, abdicated: this.#lease.abdicated.filter((service) => !again.has(service)) };
    void this.#renew();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  async #renew(): Promise<void> {
    if (this.#renewing) return;
    this.#renewing = true;
    const sentAtMs = monotonicMs();
    try {
      await this.#nats.js.publish(keySubject(LEASES_BUCKET, this.process), JSON.stringify(this.#lease), {
        timeout: 1_000,
      });
      this.#deadlineMs = sentAtMs + this.#ttlMs * 0.9;
    } catch (cause) {
      this.#log.debug({ error: (cause as Error).message }, "the lease was not renewed");
    } finally {
      this.#renewing = false;
    }
  }

  #expire(): void {
    if (!this.#complete) return;
    const now = monotonicMs();
    for (const [key, other] of this.#others) {
      if (now - other.heardAtMs <= this.#ttlMs) continue;
      this.#others.delete(key);
      this.#tell();
    }
  }
}
