/** Instances that people end for good: the app gets smaller by them, whatever it is on its way to. */
import {
  type AppDocument,
  type AppId,
  appToken,
  type DeploymentAction,
  type DeploymentDocument,
  keys,
  type Mix,
  type StateView,
  type Version,
  type Write,
} from "@muster/contracts";
import { configOf } from "../apps/config.ts";
import { mixAt, specOfAction, stagesOf } from "./stages.ts";
import { actionsAt, stepsOf } from "./steps.ts";

/** An app, and the versions of its instances that end, one entry each. */
export type Fewer = { readonly document: AppDocument; readonly victims: readonly Version[] };

export const countLess = (instances: number, { victims }: Fewer): number => Math.max(0, instances - victims.length);

/** Of the two versions that an app stands on, each is to have as many less as it loses; what loses its last one is over. */
export function mixLess(view: StateView, { document, victims }: Fewer): Mix | null {
  const { id, version, mix } = document;
  if (mix === null) return null;
  const config = configOf(view, id, version);
  const kept = mix.kept - victims.filter((each) => each === mix.version).length;
  const fresh = mix.fresh - victims.filter((each) => configOf(view, id, each) === config).length;
  return kept <= 0 ? null : { ...mix, kept, fresh: Math.max(0, fresh) };
}

/**
 * A running deployment goes on, and ends with as many less of each app; so does what it would go back to. A stage that says how many
 * there are to be of each version goes on saying so.
 */
export function shrinkDeployment(view: StateView, before: DeploymentDocument, all: readonly Fewer[]): Write[] {
  const byApp = new Map<AppId, Fewer>(all.map((fewer) => [fewer.document.id, fewer]));
  const shrunk = (action: DeploymentAction): DeploymentAction => {
    const fewer = byApp.get(action.app);
    if (fewer === undefined) return action;
    const { from, to } = action;
    return {
      ...action,
      // Not to nothing: there are no stages where there is nothing to go from, and nobody has left them.
      from:
        from === null
          ? null
          : { ...from, instances: Math.max(countLess(from.instances, fewer), Math.min(1, from.instances)) },
      to: to === null ? null : { ...to, instances: countLess(to.instances, fewer) },
    };
  };
  const told = byApp.get(before.app);
  const deployment: DeploymentDocument = {
    ...before,
    instances: told === undefined ? before.instances : countLess(before.instances, told),
    steps: stepsOf(before).map(({ actions }) => ({ actions: actions.map(shrunk) })),
    // Whatever stood stands no more.
    reachedAtMs: null,
  };
  const apps = all.map((fewer): Write => {
    const { id, instances } = fewer.document;
    const value: AppDocument = {
      ...fewer.document,
      instances: countLess(instances, fewer),
      mix: mixIn(view, deployment, fewer),
    };
    return { key: keys.app(id), value, expect: view.kind("app").get(appToken(id))?.revision ?? 0 };
  });
  const key = keys.deployment(deployment.id);
  return [...apps, { key, value: deployment, expect: view.revision(key) }];
}

function mixIn(view: StateView, deployment: DeploymentDocument, fewer: Fewer): Mix | null {
  const action = actionsAt(deployment).find(({ app }) => app === fewer.document.id);
  const isStage = action !== undefined && action.action !== "scale" && !deployment.isPaused;
  return isStage ? mixAt(action, stagesOf(action, specOfAction(view, action)), deployment.stage) : mixLess(view, fewer);
}
