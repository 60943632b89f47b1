/** Several placement processes on one queue: how much faster, and how often they lose a revision to each other. */
import { startBenchCluster } from "./bench-cluster.ts";
import { isCorrect, natsOf, type Placed, place } from "./place.ts";
import { type Bench, figure } from "./result.ts";

const AGENTS = 5_000;
const INSTANCES = 50_000;
const WORKERS = [1, 2, 4];

export const workers: Bench = async (given, say) => {
  const agents = given.agents ?? AGENTS;
  const instances = given.instances ?? INSTANCES;
  const processes = given.processes ?? 1;
  const counts = given.workers === null ? WORKERS : [given.workers];
  const placed = new Map<number, Placed>();
  let correct = true;
  let nats = {};
  for (const count of counts) {
    say(`--- ${count} placement processes`);
    const cluster = await startBenchCluster({ agents, workers: count, processes, facts: "none" }, say);
    try {
      placed.set(count, await place(cluster, instances, "stored", say));
      correct = (await isCorrect(cluster, say)) && correct;
      nats = natsOf(cluster);
    } finally {
      await cluster.stop();
    }
  }
  const figures = [...placed].flatMap(([count, { rate, conflictShare }]) => [
    [`rate_${count}`, figure(rate, "placements/s")] as const,
    [`conflict_share_${count}`, figure(conflictShare, "share")] as const,
  ]);
  return { parameters: { agents, instances, processes }, figures: Object.fromEntries(figures), correct, nats };
};
