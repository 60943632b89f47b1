/**
 * From the submit of large apps to the last placement stored (`place-durable`), or to the last instance reported running
 * and judged so (`place-running`). nats-server syncs each write to disk; agents are simulated, in a process of their own.
 */
import { APP_INSTANCES_MAX, subjects } from "@muster/contracts";
import { monotonicMs } from "@muster/runtime";
import { until } from "@muster/testkit";
import { type BenchCluster, startBenchCluster } from "./bench-cluster.ts";
import { faultsIn } from "./check.ts";
import { type Bench, type BenchOptions, type Figure, figure, percentile, type Say } from "./result.ts";
import { watchPlaced, watchRunning } from "./watch.ts";

const AGENTS = 5_000;
const INSTANCES = 50_000;
/** Slower than this, in placements a second, is given up. */
const RATE_MIN = 100;
const SETTLE_MS = 30_000;

export type Placed = {
  readonly seconds: number;
  readonly rate: number;
  /** Of the batches that placement sent, the share that lost a revision. */
  readonly conflictShare: number;
  readonly cpu: ReadonlyMap<string, number>;
};

let drawn = 0;

/** Submits apps of at most 5,000 instances each, `instances` in all, and waits until the last one is there. */
export async function place(
  cluster: BenchCluster,
  instances: number,
  upTo: "stored" | "running",
  say: Say,
): Promise<Placed> {
  const watch = upTo === "stored" ? await watchPlaced(cluster.nats) : await watchRunning(cluster.nats);
  try {
    const goal = watch.tally.sum + instances;
    const before = { cpu: cluster.cpu(), batches: await cluster.batches() };
    const startedAtMs = monotonicMs();
    await Promise.all(
      shares(instances).map((count) => {
        drawn += 1;
        return cluster.nats.js.publish(subjects.submitApp, JSON.stringify(benchApp(`/bench-${drawn}`, count)));
      }),
    );
    let toldAtMs = startedAtMs;
    await until(
      () => {
        if (monotonicMs() - toldAtMs > 2_000) {
          const { launched, factsStored } = cluster.fleet.counts();
          const seconds = ((monotonicMs() - startedAtMs) / 1_000).toFixed(1);
          say(`${seconds} s: ${goal - watch.tally.sum} to go; ${launched} launches heard, ${factsStored} facts stored`);
          toldAtMs = monotonicMs();
        }
        return watch.tally.sum >= goal;
      },
      { withinMs: 60_000 + (instances / RATE_MIN) * 1_000, everyMs: 5, what: `${instances} instances ${upTo}` },
    );
    const seconds = (watch.tally.changedAtMs - startedAtMs) / 1_000;
    const after = { cpu: cluster.cpu(), batches: await cluster.batches() };
    const committed = after.batches.committed - before.batches.committed;
    const stale = after.batches.stale - before.batches.stale;
    say(
      `${instances} ${upTo} in ${seconds.toFixed(2)} s: ${Math.round(instances / seconds)}/s; ${committed} batches, ${stale} lost`,
    );
    return {
      seconds,
      rate: instances / seconds,
      conflictShare: stale / Math.max(1, committed + stale),
      cpu: new Map([...after.cpu].map(([name, used]) => [name, used - (before.cpu.get(name) ?? 0)])),
    };
  } finally {
    await watch.stop();
  }
}

/** Ten apps where that is enough, none larger than an app may be. */
export function shares(instances: number): number[] {
  const apps = Math.min(instances, Math.max(10, Math.ceil(instances / APP_INSTANCES_MAX)));
  return Array.from(
    { length: apps },
    (_, i) => Math.floor(((i + 1) * instances) / apps) - Math.floor((i * instances) / apps),
  );
}

export const benchApp = (id: string, instances: number) => ({ id, cmd: "sleep 1000", cpus: 0.05, mem: 16, instances });

/** Waits until nothing is being placed any more, and says what is wrong with what stands in the buckets. */
export async function isCorrect(cluster: BenchCluster, say: Say): Promise<boolean> {
  let faults = await faultsIn(cluster.url);
  // A batch of the last moment may still be under way while the buckets are read.
  const deadline = monotonicMs() + SETTLE_MS;
  while (faults.length > 0 && monotonicMs() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    faults = await faultsIn(cluster.url);
  }
  for (const fault of faults.slice(0, 20)) say(`wrong: ${fault}`);
  return faults.length === 0;
}

export const natsOf = (cluster: BenchCluster) => ({
  version: cluster.nats.connection.info?.version ?? "unknown",
  sync_interval: "always",
  replicas: 1,
});

/** Seconds of cpu by process since `before`. */
export const cpuSince = (
  cluster: Pick<BenchCluster, "cpu">,
  before: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> =>
  new Map([...cluster.cpu()].map(([name, seconds]) => [name, seconds - (before.get(name) ?? 0)]));

export const cpuFigures = (cpu: ReadonlyMap<string, number>): Record<string, Figure> =>
  Object.fromEntries([...cpu].map(([name, used]) => [`cpu_${name.replaceAll("-", "_")}`, figure(used, "s")]));

/** One cluster, one load, checked. */
async function sample(
  options: { agents: number; instances: number; workers: number; processes: number },
  upTo: "stored" | "running",
  say: Say,
): Promise<{ placed: Placed; correct: boolean; nats: ReturnType<typeof natsOf> }> {
  const facts = upTo === "stored" ? "none" : "running";
  const cluster = await startBenchCluster({ ...options, facts }, say);
  try {
    const placed = await place(cluster, options.instances, upTo, say);
    return { placed, correct: await isCorrect(cluster, say), nats: natsOf(cluster) };
  } finally {
    await cluster.stop();
  }
}

const bench =
  (upTo: "stored" | "running"): Bench =>
  async (given: BenchOptions, say) => {
    const options = {
      agents: given.agents ?? AGENTS,
      instances: given.instances ?? INSTANCES,
      workers: given.workers ?? 1,
      processes: given.processes ?? 1,
    };
    const count = given.samples ?? 1;
    const samples = [];
    for (let i = 0; i < count; i += 1) samples.push(await sample(options, upTo, say));
    const rates = samples.map(({ placed }) => placed.rate);
    const rate = percentile(rates, 0.5);
    const median = samples.find(({ placed }) => placed.rate === rate) ?? samples[0];
    return {
      parameters: { ...options, samples: count, apps: shares(options.instances).length },
      figures: {
        rate: figure(rate, "placements/s"),
        seconds: figure(median?.placed.seconds ?? Number.NaN, "s"),
        conflict_share: figure(median?.placed.conflictShare ?? Number.NaN, "share"),
        ...cpuFigures(median?.placed.cpu ?? new Map()),
      },
      correct: samples.every(({ correct }) => correct),
      nats: median?.nats ?? {},
    };
  };

export const placeDurable = bench("stored");
export const placeRunning = bench("running");
