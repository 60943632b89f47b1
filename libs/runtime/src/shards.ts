/**
 * Which shards of a service are ours: rendezvous hashing over the living processes says who should hold one, the term in the
 * state bucket says who does. Every write of a sharded service asserts its term, so a deposed holder's batch fails.
 */
import { type Assertion, hash32, keys, SHARD_COUNT, type StateView, type Write } from "@muster/contracts";
import type { Committer } from "./committer.ts";
import { createLog } from "./log.ts";
import type { Membership } from "./membership.ts";
import type { BucketView, Kinds } from "./view.ts";

/** FNV alone leaves names that differ in their end alike in their high bits; this spreads them (MurmurHash3's finalizer). */
function mixed(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Highest random weight: a process that comes or goes moves only its own share. `shard`: its number, or a name of what is shared. */
export function shardOwner(shard: number | string, processes: readonly string[]): string | null {
  let best: string | null = null;
  let bestWeight = -1;
  for (const process of processes) {
    const weight = mixed(hash32(`${process}/${shard}`));
    if (weight > bestWeight || (weight === bestWeight && best !== null && process < best))
      [best, bestWeight] = [process, weight];
  }
  return best;
}

const RETRY_MS = 500;

export class Shards {
  readonly #service: string;
  readonly #membership: Membership;
  readonly #view: BucketView<Kinds>;
  readonly #committer: Committer;
  readonly #listeners = new Set<(gained: readonly number[]) => void>();
  readonly #log;
  #held: ReadonlySet<number> = new Set();
  #claiming = false;
  #wasHeld = false;
  #timer: NodeJS.Timeout | null = null;
  #unsubscribe: (() => void)[] = [];

  constructor(service: string, membership: Membership, view: BucketView<Kinds>, committer: Committer) {
    this.#service = service;
    this.#membership = membership;
    this.#view = view;
    this.#committer = committer;
    this.#log = createLog("shards").child({ service });
  }

  open(): void {
    this.#unsubscribe = [
      this.#membership.onChange(() => void this.#claim()),
      this.#view.onChange((change) => {
        if (change.kind === "term" && change.rest.startsWith(`${this.#service}.`)) this.#update();
      }),
      this.#view.onComplete(() => void this.#claim()),
    ];
    this.#timer = setInterval(() => void this.#claim(), RETRY_MS);
    void this.#claim();
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#held = new Set();
  }

  /** True while we may act for the shard: our lease stands, our view is complete and the term names us. */
  holds(shard: number): boolean {
    return this.#held.has(shard) && this.#membership.isHeld && this.#view.complete;
  }

  /** True while the term names us, though we may not act just now: nobody else will until another one takes it over. */
  isOurs(shard: number): boolean {
    return this.#held.has(shard);
  }

  /** What every write about this shard asserts. */
  assertion(shard: number): Assertion {
    const key = keys.term(this.#service, shard);
    return { key, revision: this.#view.revision(key) };
  }

  /** Told the shards that became ours. */
  onGain(listener: (gained: readonly number[]) => void): void {
    this.#listeners.add(listener);
  }

  #terms() {
    return (this.#view as unknown as StateView).kind("term");
  }

  #update(): void {
    const held = new Set<number>();
    for (let shard = 0; shard < SHARD_COUNT; shard += 1)
      if (this.#terms().get(`${this.#service}.${shard}`)?.value.holder === this.#membership.process) held.add(shard);
    const gained = [...held].filter((shard) => !this.#held.has(shard));
    this.#held = held;
    if (gained.length > 0) for (const listener of this.#listeners) listener(gained);
  }

  async #claim(): Promise<void> {
    const isHeld = this.#membership.isHeld;
    // What was not done while the lease had lapsed is looked at again.
    if (isHeld && !this.#wasHeld && this.#held.size > 0)
      for (const listener of this.#listeners) listener([...this.#held]);
    this.#wasHeld = isHeld;
    if (this.#claiming || !this.#view.complete || !this.#membership.isHeld || !this.#membership.complete) return;
    this.#claiming = true;
    try {
      const done = await this.#committer.commit(() => {
        const writes = this.#claims();
        return writes.length === 0 ? null : { writes, asserts: [], events: [], wakes: [], trace: null };
      }, `muster/${this.#service}`);
      if (done?.outcome.type === "committed")
        this.#log.info({ shards: done.decision.writes.length }, "took over shards");
      this.#update();
    } catch (cause) {
      this.#log.debug({ error: (cause as Error).message }, "could not take over shards yet");
    } finally {
      this.#claiming = false;
    }
  }

  #claims(): Write[] {
    const processes = this.#membership.sharersOf(this.#service);
    const me = this.#membership.process;
    const writes: Write[] = [];
    for (let shard = 0; shard < SHARD_COUNT; shard += 1) {
      if (shardOwner(shard, processes) !== me) continue;
      const key = keys.term(this.#service, shard);
      const term = this.#terms().get(`${this.#service}.${shard}`);
      if (term?.value.holder === me) continue;
      writes.push({
        key,
        expect: this.#view.revision(key),
        value: { holder: me, epoch: (term?.value.epoch ?? 0) + 1 },
      });
    }
    return writes;
  }
}
