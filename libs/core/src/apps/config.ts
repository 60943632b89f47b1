/**
 * What of a spec its instances are made of. Two versions that differ in nothing of it have one config: instances of the older one are
 * good for the newer one, and nobody restarts them.
 */
import { type AppId, type AppSpec, appToken, type StateView, type Version } from "@muster/contracts";
import { isSame } from "./same.ts";

/** Fields that say how an app is deployed, told of and healed, and nothing about the instances themselves. */
const BESIDE_INSTANCES = [
  "instances",
  "labels",
  "dependencies",
  "upgradeStrategy",
  "rollout",
  "killSelection",
  "unreachableStrategy",
  "backoffSeconds",
  "backoffFactor",
  "maxLaunchDelaySeconds",
] as const satisfies readonly (keyof AppSpec)[];

export function needsRestart(before: AppSpec, after: AppSpec): boolean {
  const beside = Object.fromEntries(BESIDE_INSTANCES.map((name) => [name, null]));
  return !isSame({ ...before, ...beside }, { ...after, ...beside });
}

/** The version that first had the config of this one. */
export const configOf = (view: StateView, app: AppId, version: Version): Version =>
  view.kind("version").get(`${appToken(app)}.${version}`)?.value.config ?? version;
