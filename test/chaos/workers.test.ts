/** Placement workers come, go and die while a large cluster is being filled: nothing is lost, doubled or over-committed. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type BenchCluster, startBenchCluster } from "../bench/bench-cluster.ts";
import { faultsIn } from "../bench/check.ts";
import { place } from "../bench/place.ts";
import { serviceProcess } from "../support/processes.ts";

const AGENTS = 500;
const INSTANCES = 20_000;
const PAUSE_MS = 400;
const silent = () => undefined;
const folder = await mkdtemp(join(tmpdir(), "muster-workers-"));
let cluster: BenchCluster | null = null;

after(async () => {
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Until `isOver`: kill -9 the first worker and start it again, add a third one and take it away in good order. */
async function disturb(running: BenchCluster, isOver: () => boolean): Promise<number> {
  const [first] = [...running.services].filter(([name]) => name.startsWith("placement-")).map(([, worker]) => worker);
  assert.ok(first !== undefined);
  const guest = serviceProcess("placement", "placement-guest", [`--nats-url=${running.url}`], folder);
  const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  let deaths = 0;
  for (let turn = 0; turn < 200 && !isOver(); turn += 1) {
    guest.start();
    await pause();
    await first.kill();
    deaths += 1;
    await pause();
    first.start();
    await pause();
    await (turn % 2 === 0 ? guest.terminate() : guest.kill());
  }
  await guest.terminate();
  return deaths;
}

test("20,000 instances are placed once each while workers are added and killed", async (t) => {
  cluster = await startBenchCluster({ agents: AGENTS, workers: 2, facts: "none" }, silent);
  let isOver = false;
  const disturbance = disturb(cluster, () => isOver);
  // Workers that are dead just now can be asked nothing.
  const uncounted = { ...cluster, cpu: () => new Map(), batches: async () => ({ committed: 0, stale: 0 }) };
  const { seconds } = await place(uncounted, INSTANCES, "stored", silent).finally(() => {
    isOver = true;
  });
  const deaths = await disturbance;
  t.diagnostic(`${INSTANCES} placed in ${seconds.toFixed(1)} s, a worker killed ${deaths} times meanwhile`);
  assert.ok(deaths >= 2, `workers died ${deaths} times while the work was going on`);
  assert.deepEqual(await faultsIn(cluster.url), []);
});
