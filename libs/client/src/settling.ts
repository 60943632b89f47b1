/**
 * A deployment of an app without health checks has succeeded once its instances ran. A program that ends at once has run
 * too: so look whether the same instances still run a moment later.
 */
import { type DeploymentProgress, isOfVersion } from "@muster/contracts";

/** A deployment that succeeded and does not show it for so long was changed again by somebody else. */
const OVERTAKEN_MS = 10_000;

export class Settling {
  readonly #settleMs: number;
  #endedMs: number | null = null;
  #ready = "";
  #sinceMs = 0;

  constructor(settleMs: number) {
    this.#settleMs = settleMs;
  }

  /** Whether there is nothing more to wait for. `nowMs` on a clock that only goes forward. */
  isOver({ deployment, targets, instances }: DeploymentProgress, nowMs: number): boolean {
    if (deployment === null || deployment.state === "running") return false;
    const wanted = targets.reduce((sum, target) => sum + target.instances, 0);
    if (deployment.state !== "succeeded" || this.#settleMs === 0 || wanted === 0) return true;
    const byApp = new Map(targets.map((target) => [target.app, target]));
    const ready = instances.filter((instance) => {
      const { app, state, healthy } = instance;
      const target = byApp.get(app);
      if (target === undefined || !isOfVersion(instance, target.version)) return false;
      if (state !== "running" || instance.ready === false) return false;
      return healthy === true || (healthy === null && !target.hasChecks);
    });
    const ids = ready.map(({ id }) => id).join();
    if (ids !== this.#ready) this.#sinceMs = nowMs;
    this.#ready = ids;
    this.#endedMs ??= nowMs;
    if (ready.length < wanted) return nowMs - this.#endedMs >= OVERTAKEN_MS;
    // A check that passed is proof enough.
    return ready.every((one) => one.healthy === true || one.ready === true) || nowMs - this.#sinceMs >= this.#settleMs;
  }
}
