/** Figures of this process, in the form that Prometheus reads and in that of Dropwizard, which Marathon's `/metrics` has. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export type MetricSources = {
  /** Batches of this process that landed, and those that lost a revision, by bucket. */
  readonly commits: () => Iterable<
    readonly [bucket: string, counts: { readonly committed: number; readonly stale: number }]
  >;
  /** Documents this process knows of, by bucket and kind. */
  readonly documents: () => Iterable<readonly [bucket: string, kind: string, count: number]>;
  /** Living processes. */
  readonly processes: () => number;
};

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<"route" | "method" | "status">;
  readonly #seconds: Histogram<"route">;

  constructor({ commits, documents, processes }: MetricSources) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#requests = new Counter({
      name: "muster_http_requests_total",
      help: "Requests that were answered",
      labelNames: ["route", "method", "status"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "muster_http_request_seconds",
      help: "Time until an answer began",
      labelNames: ["route"],
      buckets: SECONDS,
      registers,
    });
    const batches = new Gauge({
      name: "muster_batches",
      help: "Batches since the process started: committed, or stale and decided again",
      labelNames: ["bucket", "outcome"],
      registers,
      collect() {
        for (const [bucket, { committed, stale }] of commits()) {
          batches.set({ bucket, outcome: "committed" }, committed);
          batches.set({ bucket, outcome: "stale" }, stale);
        }
      },
    });
    const stored = new Gauge({
      name: "muster_documents",
      help: "Documents that this process knows of",
      labelNames: ["bucket", "kind"],
      registers,
      collect() {
        for (const [bucket, kind, count] of documents()) stored.set({ bucket, kind }, count);
      },
    });
    const living = new Gauge({
      name: "muster_processes",
      help: "Processes of the cluster that live",
      registers,
      collect() {
        living.set(processes());
      },
    });
  }

  request(route: string, method: string, status: number, ms: number): void {
    this.#requests.inc({ route, method, status: String(status) });
    this.#seconds.observe({ route }, ms / 1_000);
  }

  /** The text exposition format, version 0.0.4. */
  prometheus(): Promise<string> {
    return this.#registry.metrics();
  }

  /** `{version, gauges, counters, histograms, meters, timers}`; a figure with labels has them in its name. Histograms are told by count and mean. */
  async json(): Promise<Record<string, unknown>> {
    const gauges: Record<string, { value: number }> = {};
    const counters: Record<string, { count: number }> = {};
    const histograms: Record<string, { count: number; mean: number }> = {};
    for (const { name, type, values } of await this.#registry.getMetricsAsJSON()) {
      // The registry types its samples by label; what they are called is said by the metric's type alone.
      const samples = values as readonly {
        value: number;
        labels: Record<string, string | number>;
        metricName?: string;
      }[];
      const sums = new Map(
        samples.flatMap((sample) =>
          sample.metricName === `${name}_sum` ? [[labelled(name, sample.labels), sample.value] as const] : [],
        ),
      );
      for (const { value, labels, metricName } of samples) {
        const key = labelled(name, labels);
        if (String(type) === "counter") counters[key] = { count: value };
        else if (String(type) === "gauge") gauges[key] = { value };
        else if (metricName === `${name}_count`)
          histograms[key] = { count: value, mean: value === 0 ? 0 : (sums.get(key) ?? 0) / value };
      }
    }
    return { version: "4.0.0", gauges, counters, histograms, meters: {}, timers: {} };
  }
}

function labelled(name: string, labels: Readonly<Record<string, string | number>>): string {
  const told = Object.entries(labels).filter(([label]) => label !== "le" && label !== "quantile");
  return told.length === 0 ? name : `${name}{${told.map(([label, value]) => `${label}=${value}`).join(",")}}`;
}
