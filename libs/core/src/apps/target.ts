/** An app as it is to be: where the deployment that has it leads, be its turn still to come. What stands now is in its document. */
import type { AppDocument, AppId, DeploymentAction, DeploymentDocument, Stand, StateView } from "@muster/contracts";
import { stepsOf } from "../deployment/steps.ts";
import { type CurrentApp, currentApp, specOf } from "./current.ts";

type Actions = ReadonlyMap<AppId, DeploymentAction>;
const known = new WeakMap<DeploymentDocument, Actions>();

/** What the deployment that has the app does with it; undefined: none that runs. Lists of apps ask for each of a thousand. */
export function runningAction(view: StateView, { id, deployment }: AppDocument): DeploymentAction | undefined {
  const running = deployment === null ? undefined : view.kind("deployment").get(deployment)?.value;
  if (running?.state !== "running") return undefined;
  let actions = known.get(running);
  if (actions === undefined) {
    actions = new Map(stepsOf(running).flatMap((step) => step.actions.map((action) => [action.app, action])));
    known.set(running, actions);
  }
  return actions.get(id);
}

/** Marathon's `lastScalingAt` is the time of a new version as well. */
export const isAsBefore = (document: AppDocument, to: Stand): boolean =>
  document.version === to.version && document.instances === to.instances;

/** Its document as it will be. One that is to go is what it is until it is gone. */
export function targetDocument(view: StateView, document: AppDocument): AppDocument {
  const to = runningAction(view, document)?.to ?? null;
  if (to === null || isAsBefore(document, to)) return document;
  const { startedAtMs } = view.kind("deployment").get(document.deployment ?? "")?.value ?? { startedAtMs: 0 };
  return { ...document, ...to, goal: "run", mix: null, scaledAtMs: startedAtMs };
}

/** What people are shown of an app, and what their changes are merged into. null: there is no such app. */
export function targetApp(view: StateView, app: AppId): CurrentApp | null {
  const current = currentApp(view, app);
  return current === null ? null : targetOf(view, current);
}

export function targetOf(view: StateView, current: CurrentApp): CurrentApp {
  const document = targetDocument(view, current.document);
  return document === current.document ? current : { document, spec: specOf(view, document) };
}
