/** What is looked for again and again among very many records, kept as the views change: nothing is searched when nothing happens. */
import {
  agentShard,
  agentToken,
  type InstanceDocument,
  type InstanceHead,
  type VerdictDocument,
} from "@muster/contracts";
import { recordKey } from "@muster/core";
import { type Cluster, KeyIndex, monotonicMs } from "@muster/runtime";

/** Another process's verdict may be read before the record it is about: only later is its record certainly gone. */
const READ_WITHIN_MS = 5_000;

export class Records {
  readonly #cluster: Cluster;
  readonly #byAgent: KeyIndex;
  /** Keys of records without a verdict. */
  readonly #unheard = new Set<string>();
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
        if (kind === "verdict" || kind === "ended") this.#noteVerdict(rest, value as { agent: string } | null);
      }),
      state.onComplete(() => this.#readAll()),
      health.onComplete(() => this.#readAll()),
    ];
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

  /** Records nobody has said anything about yet. */
  unheard(): InstanceHead[] {
    return this.#heads(this.#unheard);
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
    const isHeard = health.kind("verdict").has(instance);
    if (record !== null && !isHeard) this.#unheard.add(key);
    else this.#unheard.delete(key);
    if (record !== null) this.#gone.delete(instance);
    else if (isHeard || health.kind("ended").has(instance)) this.#gone.set(instance, 0);
  }

  #noteVerdict(instance: string, verdict: Pick<VerdictDocument, "agent"> | null): void {
    const { state, health } = this.#cluster;
    if (verdict === null) {
      if (!health.kind("verdict").has(instance) && !health.kind("ended").has(instance)) this.#gone.delete(instance);
      return;
    }
    const key = recordKey({ agent: verdict.agent, instance });
    if (state.kind("instance").has(key)) this.#unheard.delete(key);
    else if (!this.#gone.has(instance)) this.#gone.set(instance, monotonicMs() + READ_WITHIN_MS);
  }

  /** Before both views are complete the one says little about the other. */
  #readAll(): void {
    const { state, health } = this.#cluster;
    if (!state.complete || !health.complete) return;
    this.#unheard.clear();
    this.#gone.clear();
    for (const [key, { value }] of state.kind("instance"))
      if (!health.kind("verdict").has(value.instance)) this.#unheard.add(key);
    for (const kind of ["verdict", "ended"] as const)
      for (const [instance, { value }] of health.kind(kind)) this.#noteVerdict(instance, value);
  }
}
