/** How long a restarted control plane needs to read the buckets and place again; nats-server and agents stay. */
import { appToken, STATE_BUCKET, subjects } from "@muster/contracts";
import { monotonicMs } from "@muster/runtime";
import { until } from "@muster/testkit";
import { type BenchCluster, startBenchCluster } from "./bench-cluster.ts";
import { benchApp, isCorrect, natsOf, place } from "./place.ts";
import { type Bench, figure, percentile } from "./result.ts";

const AGENTS = 10_000;
const INSTANCES = 100_000;
const WITHIN_MS = 120_000;

const isStored = async ({ nats }: BenchCluster, kind: string, app: string): Promise<boolean> =>
  (await nats.jsm.streams.getMessage(`KV_${STATE_BUCKET}`, {
    last_by_subj: `$KV.${STATE_BUCKET}.${kind}.${appToken(app)}`,
  })) !== null;

const submit = (cluster: BenchCluster, app: string) =>
  cluster.nats.js.publish(subjects.submitApp, JSON.stringify(benchApp(app, 1)));

/** Stops some services, starts them again, and counts from there until the app is placed that waited for them. */
async function restart(cluster: BenchCluster, names: readonly string[], app: string, waitFor: string | null) {
  const services = names.map((name) => cluster.services.get(name)).filter((service) => service !== undefined);
  await Promise.all(services.map((service) => service.terminate()));
  await submit(cluster, app);
  if (waitFor !== null)
    await until(() => isStored(cluster, waitFor, app), { withinMs: WITHIN_MS, what: `${waitFor} of ${app}` });
  const startedAtMs = monotonicMs();
  for (const service of services) service.start();
  await until(() => isStored(cluster, "placed", app), { withinMs: WITHIN_MS, everyMs: 5, what: `${app} to be placed` });
  return (monotonicMs() - startedAtMs) / 1_000;
}

export const replay: Bench = async (given, say) => {
  const agents = given.agents ?? AGENTS;
  const instances = given.instances ?? INSTANCES;
  const samples = given.samples ?? 3;
  const processes = given.processes ?? 1;
  const cluster = await startBenchCluster({ agents, workers: 1, processes, facts: "running" }, say);
  try {
    await place(cluster, instances, "running", say);
    const [placement, all]: [number[], number[]] = [[], []];
    for (let i = 0; i < samples; i += 1) {
      placement.push(await restart(cluster, ["placement-1"], `/replay-placement-${i}`, "wanted"));
      all.push(await restart(cluster, [...cluster.services.keys()], `/replay-all-${i}`, null));
      say(`placement ${placement.at(-1)?.toFixed(2)} s, all services ${all.at(-1)?.toFixed(2)} s`);
    }
    return {
      parameters: { agents, instances, processes, samples },
      figures: {
        placement_seconds: figure(percentile(placement, 0.5), "s"),
        all_seconds: figure(percentile(all, 0.5), "s"),
      },
      correct: await isCorrect(cluster, say),
      nats: natsOf(cluster),
    };
  } finally {
    await cluster.stop();
  }
};
