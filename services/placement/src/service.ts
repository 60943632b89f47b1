/** Placement: where each wanted instance runs, and the release of what ended. Any number of workers; compare-and-set decides. */
import {
  consumerSpecs,
  type HealthKind,
  ROUND_INSTANCES_MAX,
  type StateKind,
  WAKE_CLASSES,
  wakeDurable,
} from "@muster/contracts";
import { type Cluster, type Service, type SettingValues, WorkQueue } from "@muster/runtime";
import { followCures } from "./cures.ts";
import { followFleet } from "./fleet.ts";
import { onWakeUps, workerOf } from "./handlers.ts";
import type { settings } from "./settings.ts";
import { answerSyncs } from "./sync.ts";
import { answerWishes } from "./wishes.ts";

export const kinds = {
  state: [
    "app",
    "version",
    "agent",
    "wanted",
    "placed",
    "waiting",
    "rules",
    "neighbour",
    "hold",
    "offer",
    "ledger",
  ] as StateKind[],
  health: ["ended"] as HealthKind[],
};

export async function startPlacement(
  cluster: Cluster,
  settingValues: SettingValues<typeof settings> = { strategy: "spread", envVarsPrefix: "" },
): Promise<Service> {
  const followed = followFleet(cluster);
  const worker = workerOf(cluster, followed, settingValues);
  const queue = new WorkQueue(cluster.nats, cluster.graveyard, {
    consumers: WAKE_CLASSES.flatMap((wakeClass) =>
      consumerSpecs.filter((spec) => spec.durable === wakeDurable(wakeClass)),
    ),
    roundMax: Math.min(64, ROUND_INSTANCES_MAX),
    handle: (work) => onWakeUps(worker, work),
  });
  const cures = followCures(cluster, followed.fleet);
  const wishes = answerWishes(worker);
  const syncs = answerSyncs(cluster);
  queue.start();
  return {
    async stop() {
      cures.stop();
      await wishes.stop();
      await queue.stop();
      syncs.stop();
      followed.stop();
    },
  };
}
