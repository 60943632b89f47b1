/** Bounds that an operator sets: each refuses with a sentence, and holds for requests and published specs alike. */
import {
  type AppDocument,
  type AppId,
  type Decision,
  type DeploymentDocument,
  MusterError,
  type StateView,
} from "@muster/contracts";

export type GatewayLimits = {
  /** null: any number. */
  readonly apps: number | null;
  readonly instancesPerApp: number;
  readonly runningDeployments: number;
  readonly bodyBytes: number;
  /** Versions kept of each app. */
  readonly versions: number;
};

/** Deployments that run, counted as their documents change. */
export function countRunning(view: Watched): () => number {
  const running = new Set<string>();
  const note = (id: string, deployment: DeploymentDocument | null) =>
    deployment?.state === "running" ? running.add(id) : running.delete(id);
  for (const [id, { value }] of view.kind("deployment")) note(id, value);
  view.onChange(({ kind, rest, value }) => {
    if (kind === "deployment") note(rest, value as DeploymentDocument | null);
  });
  return () => running.size;
}

type Watched = StateView & {
  onChange(
    listener: (change: { readonly kind: string; readonly rest: string; readonly value: unknown }) => void,
  ): unknown;
};

/**
 * Throws `deployment.too-many`, `app.too-many` or `spec.invalid` where a decision would go beyond a bound. What stands beyond it already may be made
 * smaller. Apps that are created at the same moment do not see each other, so a few more than the bound may come to stand.
 */
export function refuseBeyond(state: StateView, limits: GatewayLimits, running: number, { writes }: Decision): void {
  let created = 0;
  let [begun, ended] = [0, 0];
  for (const { key, value } of writes) {
    if (value === null) continue;
    if (key.startsWith("deployment.")) {
      const deployment = value as DeploymentDocument;
      refuseInstances(limits, deployment);
      if (deployment.state !== "running") ended += 1;
      else if (!state.kind("deployment").has(deployment.id)) begun += 1;
    }
    if (!key.startsWith("app.")) continue;
    const { id, instances } = value as AppDocument;
    const before = state.kind("app").get(key.slice("app.".length))?.value;
    if (before === undefined) created += 1;
    if (instances > limits.instancesPerApp && instances > (before?.instances ?? 0))
      throw tooMany(limits, id, instances);
  }
  if (begun > ended && running + begun - ended > limits.runningDeployments) {
    const message = `${running} deployments run, this cluster allows ${limits.runningDeployments} at once: wait until some have ended, or raise --max-running-deployments`;
    throw new MusterError("deployment.too-many", message);
  }
  if (limits.apps !== null && created > 0 && state.kind("app").size + created > limits.apps) {
    const message = `This cluster may hold ${limits.apps} apps, and has ${state.kind("app").size}: delete some, or raise --max-apps`;
    throw new MusterError("app.too-many", message);
  }
}

/** Apps of later steps stand in the deployment only. */
function refuseInstances(limits: GatewayLimits, { state, steps }: DeploymentDocument): void {
  if (state !== "running") return;
  for (const { app, from, to } of steps.flatMap(({ actions }) => actions))
    if (to !== null && to.instances > limits.instancesPerApp && to.instances > (from?.instances ?? 0))
      throw tooMany(limits, app, to.instances);
}

function tooMany({ instancesPerApp }: GatewayLimits, app: AppId, instances: number): MusterError {
  const message = `${instances} instances are asked for, this cluster allows an app ${instancesPerApp} (--max-instances-per-app)`;
  const problems = [{ path: "/instances", message }];
  return new MusterError("spec.invalid", `/instances: ${message}: ${app} was not changed`, { problems });
}
