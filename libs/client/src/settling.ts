/**
 * A deployment of an app without health checks has succeeded once its instances ran. A program that ends at once has run
 * too: so look whether the same instances still run a moment later.
 */
import type { DeploymentProgress } from "./follow.ts";

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
  isOver({ deployment, instances, hasChecks }: DeploymentProgress, nowMs: number): boolean {
    if (deployment === null || deployment.state === "running") return false;
    if (deployment.state !== "succeeded" || this.#settleMs === 0) return true;
    if (deployment.action === "delete" || deployment.instances === 0) return true;
    const running = instances.filter(({ state, version }) => state === "running" && version === deployment.version);
    const ready = running.filter(
      ({ healthy, ready }) => ready !== false && (healthy === true || (healthy === null && !hasChecks)),
    );
    const ids = ready.map(({ id }) => id).join();
    if (ids !== this.#ready) this.#sinceMs = nowMs;
    this.#ready = ids;
    this.#endedMs ??= nowMs;
    if (ready.length < deployment.instances) return nowMs - this.#endedMs >= OVERTAKEN_MS;
    // A check that passed is proof enough.
    return ready.every((one) => one.healthy === true || one.ready === true) || nowMs - this.#sinceMs >= this.#settleMs;
  }
}
