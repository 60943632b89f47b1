/** Does placing stay as fast with more agents, and with more instances there already? Last rate over first rate. */
import { startBenchCluster } from "./bench-cluster.ts";
import { isCorrect, natsOf, place } from "./place.ts";
import { type Bench, figure, type Say } from "./result.ts";

const AGENTS = 5_000;
const INSTANCES = 50_000;
/** Instances there already, as a multiple of those that are placed on top. */
const BEFORE = 2;

type Rate = { readonly rate: number; readonly correct: boolean; readonly nats: ReturnType<typeof natsOf> };

/** Places `before` instances, and measures how fast further ones are placed. */
async function rateAt(
  agents: number,
  before: number,
  { instances, workers, processes }: { instances: number; workers: number; processes: number },
  say: Say,
): Promise<Rate> {
  say(`--- ${agents} agents, ${before} instances before`);
  const cluster = await startBenchCluster({ agents, workers, processes, facts: "none" }, say);
  try {
    if (before > 0) await place(cluster, before, "stored", say);
    const { rate } = await place(cluster, instances, "stored", say);
    return { rate, correct: await isCorrect(cluster, say), nats: natsOf(cluster) };
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
      [`rate_${Math.ceil(agents / 5)}_agents`]: figure(few.rate, "placements/s"),
      [`rate_${agents}_agents`]: figure(some.rate, "placements/s"),
      [`rate_${agents * 2}_agents`]: figure(many.rate, "placements/s"),
      rate_with_instances_before: figure(full.rate, "placements/s"),
    },
    correct: [few, some, many, full].every(({ correct }) => correct),
    nats: some.nats,
  };
};
