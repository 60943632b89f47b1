/** Bounds that an operator sets: each refuses with a sentence, and holds for requests and published specs alike. */
import { type AppDocument, type Decision, MusterError, type StateView } from "@muster/contracts";

export type GatewayLimits = {
  /** null: any number. */
  readonly apps: number | null;
  readonly instancesPerApp: number;
  readonly bodyBytes: number;
  /** Versions kept of each app. */
  readonly versions: number;
};

/**
 * Throws `app.too-many` or `spec.invalid` where a decision would go beyond a bound. What stands beyond it already may be made
 * smaller. Apps that are created at the same moment do not see each other, so a few more than the bound may come to stand.
 */
export function refuseBeyond(state: StateView, limits: GatewayLimits, { writes }: Decision): void {
  let created = 0;
  for (const { key, value } of writes) {
    if (!key.startsWith("app.") || value === null) continue;
    const { id, instances } = value as AppDocument;
    const before = state.kind("app").get(key.slice("app.".length))?.value;
    if (before === undefined) created += 1;
    if (instances > limits.instancesPerApp && instances > (before?.instances ?? 0)) {
      const message = `${instances} instances are asked for, this cluster allows an app ${limits.instancesPerApp} (--max-instances-per-app)`;
      const problems = [{ path: "/instances", message }];
      throw new MusterError("spec.invalid", `/instances: ${message}: ${id} was not changed`, { problems });
    }
  }
  if (limits.apps !== null && created > 0 && state.kind("app").size + created > limits.apps) {
    const message = `This cluster may hold ${limits.apps} apps, and has ${state.kind("app").size}: delete some, or raise --max-apps`;
    throw new MusterError("app.too-many", message);
  }
}
