/** What is looked for again and again among very many records, kept as the views change: nothing is searched when nothing happens. */
import {
  agentShard,
  agentToken,
  type EndedDocument,
  type InstanceDocument,
  type InstanceHead,
  type VerdictDocument,
} from "@muster/contracts";
import { recordKey, type Starting } from "@muster/core";
import { type Cluster, KeyIndex, monotonicMs } from "@muster/runtime";

/** Another process's verdict may be read before the record it is about: only later is its record certainly gone. */
const READ_WITHIN_MS = 5_000;

/** Nobody has spoken of it yet, or it is on its way. */
const isStarting = (verdict: VerdictDocument | undefined): boolean =>
  verdict === undefined || ["staging", "starting", "overdue"].includes(verdict.level);

export class Records {
  readonly #cluster: Cluster;
  readonly #byAgent: KeyIndex;
  /** Keys of records that are not known to run, and since when nothing new was heard of each (monotonic ms). */
  readonly #starting = new Map<string, number>();
  /** Instances with a verdict or an ending and no record, and from when on that is certain (monotonic ms). */
  readonly #gone = new Map<string, number>();
  readonly #unsubscribe: readonly (() => void)[];

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    const { state, health } = cluster;
    this.#byAgent = new KeyIndex(state, "instance", (rest) => rest.slice(0, rest.indexOf(".", rest.indexOf(".") + 1)));
    this.#unsubscribe = [
      state.onChange(({ kind, rest, value }) => {
        if (kind === "instance") this.#noteRecord(rest, value as InstanceDocument | null);
      }),
      health.onChange(({ kind, rest, value }) => {
        if (kind === "verdict" || kind === "ended")
          this.#noteVerdict(rest, value as VerdictDocument | EndedDocument | null);
      }),
      state.onComplete(() => this.#readAll()),
      health.onComplete(() => this.#readAll()),
    ];
    this.#readAll();
  }

  /** What was not heard while others judged, or nobody did, is no silence. */
  startClocksAnew(): void {
    this.#readAll();
  }

  close(): void {
    this.#byAgent.close();
    for (const each of this.#unsubscribe) each();
  }

  /** Records of one agent. */
  of(agent: string): InstanceHead[] {
    return this.#heads(this.#byAgent.of(`${agentShard(agent)}.${agentToken(agent)}`));
  }

  /** Records that are not known to run, and for how long this process has heard nothing new of each while its views were whole. */
  starting(): Starting[] {
    const records = this.#cluster.state.kind("instance");
    const now = monotonicMs();
    return [...this.#starting].flatMap(([key, sinceMs]) => {
      const record = records.get(key)?.value;
      return record === undefined ? [] : [{ record, quietMs: now - sinceMs }];
    });
  }

  /** Instances whose record is gone while something is still said of them. */
  gone(): string[] {
    const now = monotonicMs();
    return [...this.#gone].filter(([, fromMs]) => fromMs <= now).map(([instance]) => instance);
  }

  #heads(keys: Iterable<string>): InstanceHead[] {
    const records = this.#cluster.state.kind("instance");
    const heads: InstanceHead[] = [];
    for (const key of keys) {
      const head = records.get(key)?.value;
      if (head !== undefined) heads.push(head);
    }
    return heads;
  }

  #noteRecord(key: string, record: InstanceDocument | null): void {
    const instance = key.slice(key.indexOf(".", key.indexOf(".") + 1) + 1);
    const { health } = this.#cluster;
    const verdict = health.kind("verdict").get(instance)?.value;
    const isHeard = verdict !== undefined;
    if (record === null || !isStarting(verdict)) this.#starting.delete(key);
    else if (!this.#starting.has(key)) this.#starting.set(key, monotonicMs());
    if (record !== null) this.#gone.delete(instance);
    else if (isHeard || health.kind("ended").has(instance)) this.#gone.set(instance, 0);
  }

  #noteVerdict(instance: string, verdict: VerdictDocument | EndedDocument | null): void {
    const { state, health } = this.#cluster;
    if (verdict === null) {
      if (!health.kind("verdict").has(instance) && !health.kind("ended").has(instance)) this.#gone.delete(instance);
      return;
    }
    const key = recordKey({ agent: verdict.agent, instance });
    if (state.kind("instance").has(key)) {
      const now = health.kind("verdict").get(instance)?.value;
      if (!isStarting(now)) this.#starting.delete(key);
      // That it is overdue is our own word, and no news.
      else if (now?.level !== "overdue" || !this.#starting.has(key)) this.#starting.set(key, monotonicMs());
    } else if (!this.#gone.has(instance)) this.#gone.set(instance, monotonicMs() + READ_WITHIN_MS);
  }

  /** Before both views are complete the one says little about the other. */
  #readAll(): void {
    const { state, health } = this.#cluster;
    if (!state.complete || !health.complete) return;
    // Clocks of absence start anew.
    this.#starting.clear();
    this.#gone.clear();
    const now = monotonicMs();
    for (const [key, { value }] of state.kind("instance"))
      if (isStarting(health.kind("verdict").get(value.instance)?.value)) this.#starting.set(key, now);
    for (const kind of ["verdict", "ended"] as const)
      for (const [instance, { value }] of health.kind(kind)) this.#noteVerdict(instance, value);
  }
}
