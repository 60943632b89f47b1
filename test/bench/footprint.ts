/** Resident memory of the control plane and its nats-server, with every instance running and judged. */
import { type BenchCluster, startBenchCluster } from "./bench-cluster.ts";
import { isCorrect, natsOf, place } from "./place.ts";
import { type Bench, type Figure, figure } from "./result.ts";

const AGENTS = 10_000;
const INSTANCES = 100_000;
/** What was garbage is mostly given back by then. */
const restMs = (instances: number): number => (instances < 10_000 ? 500 : 10_000);

/** All but the simulated agents and the benchmark itself. */
const counted = (memory: ReadonlyMap<string, number>): [string, number][] =>
  [...memory].filter(([name]) => name !== "fleet" && name !== "bench");

export const footprint: Bench = async (given, say) => {
  const agents = given.agents ?? AGENTS;
  const instances = given.instances ?? INSTANCES;
  const processes = given.processes ?? 1;
  const cluster = await startBenchCluster({ agents, workers: given.workers ?? 1, processes, facts: "running" }, say);
  try {
    const withAgents = await rested(cluster, instances);
    await place(cluster, instances, "running", say);
    const full = await rested(cluster, instances);
    const figures: Record<string, Figure> = {
      total_mb: figure(
        counted(full).reduce((sum, [, mib]) => sum + mib, 0),
        "MiB",
      ),
    };
    for (const [name, mib] of counted(full)) figures[`${name.replaceAll("-", "_")}_mb`] = figure(mib, "MiB");
    const placement = (memory: ReadonlyMap<string, number>) => memory.get("placement-1") ?? 0;
    figures.placement_kb_per_agent = figure(
      ((placement(withAgents) - placement(cluster.memoryBefore)) * 1_024) / agents,
      "KiB",
    );
    figures.placement_kb_per_instance = figure(((placement(full) - placement(withAgents)) * 1_024) / instances, "KiB");
    return {
      parameters: { agents, instances, processes },
      figures,
      correct: await isCorrect(cluster, say),
      nats: natsOf(cluster),
    };
  } finally {
    await cluster.stop();
  }
};

async function rested(cluster: BenchCluster, instances: number): Promise<ReadonlyMap<string, number>> {
  await new Promise((resolve) => setTimeout(resolve, restMs(instances)));
  return cluster.memory();
}
