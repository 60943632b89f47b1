/**
 * A worker alone answers a wish as soon as its view shows it. The wake-up published for it all the same is what a crash leaves
 * behind; otherwise it finds the work done. With several workers the queue says who answers, or they would all decide alike.
 */
import { type AppId, appIdOf, subjects } from "@muster/contracts";
import { type Cluster, createLog, Rounds, type Service, type Work } from "@muster/runtime";
import { onWakeUps, type Worker } from "./handlers.ts";

const ROUND_APPS_MAX = 64;
const log = createLog("wishes");

export function answerWishes(worker: Worker): Service {
  const { cluster } = worker;
  const rounds = new Rounds({
    name: "wishes",
    roundMax: ROUND_APPS_MAX,
    async handle(apps) {
      if (!cluster.state.complete || !cluster.health.complete) return;
      // What fails here is the wake-up's to try again, and to park.
      await onWakeUps(worker, (apps as AppId[]).map(asWork)).catch((cause: Error) =>
        log.debug({ apps: apps.slice(0, 5), error: cause.message }, "left to the wake-up"),
      );
    },
  });
  const unsubscribe = cluster.state.onChange(({ kind, rest, value }) => {
    if (kind === "wanted" && value !== null && isAlone(cluster)) rounds.mark(appIdOf(rest));
  });
  return {
    async stop() {
      unsubscribe();
      await rounds.stop();
    },
  };
}

const isAlone = ({ membership }: Cluster): boolean => membership.processesOf("placement").length === 1;

const asWork = (app: AppId): Work => ({
  subject: subjects.wake("normal", app),
  body: new Uint8Array(),
  sequence: 0,
  redeliveries: 0,
  revision: 0,
  healthRevision: 0,
  messageId: null,
  trace: null,
});
