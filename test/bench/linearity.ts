/**
 * Does placing stay as fast with more agents, and with more instances there already? Last rate over first rate, up to when
 * all is stored, while agents report what runs. On a machine that others use too, the cpu it takes says more than the rate.
 */
import { startBenchCluster } from "./bench-cluster.ts";
import { isCorrect, natsOf, place } from "./place.ts";
import { type Bench, figure, type Say } from "./result.ts";

const AGENTS = 5_000;
const INSTANCES = 50_000;
/** Instances there already, as a multiple of those that are placed on top. */
const BEFORE = 2;

type Rate = {
  readonly rate: number;
  /** Milliseconds of cpu for each placement, services and nats-server together. */
  readonly cpuMs: number;
  readonly correct: boolean;
  readonly nats: ReturnType<typeof natsOf>;
};

/** Places `before` instances, and measures how fast further ones are placed. */
async function rateAt(
  agents: number,
  before: number,
  { instances, workers, processes }: { instances: number; workers: number; processes: number },
  say: Say,
): Promise<Rate> {
  say(`--- ${agents} agents, ${before} instances before`);
  const cluster = await startBenchCluster({ agents, workers, processes, facts: "running" }, say);
  try {
    if (before > 0) await place(cluster, before, "running", say);
    const { rate, cpu } = await place(cluster, instances, "stored", say);
    const ours = [...cpu].filter(([name]) => name !== "fleet" && name !== "bench");
    const cpuMs = (ours.reduce((sum, [, seconds]) => sum + seconds, 0) * 1_000) / instances;
    return { rate, cpuMs, correct: await isCorrect(cluster, say), nats: natsOf(cluster) };
  } finally {
    await cluster.stop();
  }
}

export const linearity: Bench = async (given, say) => {
  const agents = given.agents ?? AGENTS;
  const instances = given.instances ?? INSTANCES;
  const load = { instances, workers: given.workers ?? 1, processes: given.processes ?? 1 };
  const few = await rateAt(Math.ceil(agents / 5), 0, load, say);
  const some = await rateAt(agents, 0, load, say);
  const many = await rateAt(agents * 2, 0, load, say);
  const full = await rateAt(agents, instances * BEFORE, load, say);
  return {
    parameters: { agents, ...load, instances_before: instances * BEFORE },
    figures: {
      agents_ratio: figure(many.rate / few.rate, "ratio"),
      instances_ratio: figure(full.rate / some.rate, "ratio"),
      agents_cpu_ratio: figure(few.cpuMs / many.cpuMs, "ratio"),
      instances_cpu_ratio: figure(some.cpuMs / full.cpuMs, "ratio"),
      cpu_per_placement: figure(some.cpuMs, "ms"),
      [`rate_${Math.ceil(agents / 5)}_agents`]: figure(few.rate, "placements/s"),
      [`rate_${agents}_agents`]: figure(some.rate, "placements/s"),
      [`rate_${agents * 2}_agents`]: figure(many.rate, "placements/s"),
      rate_with_instances_before: figure(full.rate, "placements/s"),
    },
    correct: [few, some, many, full].every(({ correct }) => correct),
    nats: some.nats,
  };
};
