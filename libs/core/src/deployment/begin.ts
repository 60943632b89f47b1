/** How a deployment begins, and how it enters each of its steps: what is written of it and of its apps. */
import {
  type AppDocument,
  type AppId,
  appToken,
  DEPLOYMENT_BEGINNING,
  type DeploymentAction,
  type DeploymentDocument,
  type EventDraft,
  keys,
  type Mix,
  type StateView,
  type Version,
  type Write,
} from "@muster/contracts";
import { isAsBefore } from "../apps/target.ts";
import { marathonAction } from "./marathon-action.ts";
import { mixAt, specOfAction, stageCount, stagesOf } from "./stages.ts";
import { actionsAt, affectedApps, stepsOf } from "./steps.ts";

export type Beginning = Pick<DeploymentDocument, "id" | "action" | "steps" | "startedAtMs" | "by" | "trace"> &
  Partial<Pick<DeploymentDocument, "group" | "groups" | "rollsBack" | "version" | "instances">>;

/** A deployment at its first step. */
export function newDeployment(beginning: Beginning): DeploymentDocument {
  const first = beginning.steps[0]?.actions[0];
  const stand = first?.to ?? first?.from ?? { version: beginning.startedAtMs, instances: 0 };
  return {
    ...DEPLOYMENT_BEGINNING,
    app: first?.app ?? "/",
    fromVersion: first?.from?.version ?? null,
    version: stand.version,
    instances: first?.to === null ? 0 : stand.instances,
    ...beginning,
  };
}

/** The app as a step of the deployment wants it from now on. */
export function entered(
  document: AppDocument,
  action: DeploymentAction,
  spec: Parameters<typeof stagesOf>[1],
  now: number,
): AppDocument {
  const { to } = action;
  if (to === null) return { ...document, goal: "deleted", instances: 0, mix: null };
  return {
    ...document,
    ...to,
    goal: "run",
    mix: action.action === "scale" ? scaledMix(document, to.instances) : mixAt(action, stagesOf(action, spec), 0),
    scaledAtMs: isAsBefore(document, to) ? document.scaledAtMs : now,
  };
}

/** An app that was left half way stays there when it is scaled: the version that was to come grows or shrinks first. */
function scaledMix({ mix, version }: AppDocument, instances: number): Mix | null {
  if (mix === null || mix.version === version || instances === 0) return null;
  const kept = Math.min(mix.kept, instances);
  return kept === 0 ? null : { ...mix, fresh: instances - kept, kept };
}

/** Writes that set the apps of the deployment's present step on their way, but those that belong to another deployment by now. */
export function enterStep(state: StateView, deployment: DeploymentDocument, now: number): Write[] {
  return actionsAt(deployment).flatMap((action): Write[] => {
    const entry = state.kind("app").get(appToken(action.app));
    if (entry === undefined || entry.value.deployment !== deployment.id) return [];
    const value = entered(entry.value, action, specOfAction(state, action), now);
    return [{ key: keys.app(action.app), value, expect: entry.revision }];
  });
}

/** What a deployment's events say of it. */
const told = ({ id, app, version }: DeploymentDocument) => ({ app, version, deployment: id, id });

const toldActions = (actions: readonly DeploymentAction[]) =>
  actions.map(({ action, app }) => ({ action: marathonAction(action), app }));

export const startedEvent = (deployment: DeploymentDocument): EventDraft => ({
  type: "muster.deployment.started",
  subject: deployment.id,
  id: `${deployment.id}-started`,
  data: {
    ...told(deployment),
    action: deployment.action,
    instances: deployment.instances,
    apps: [...affectedApps(deployment)],
    steps: stepsOf(deployment).map(({ actions }) => ({ actions: toldActions(actions) })),
  },
});

/** `outcome`: of the step or stage that the deployment is at. */
export function stepEvent(
  state: StateView,
  deployment: DeploymentDocument,
  outcome: "started" | "succeeded" | "failed",
  message: string | null,
): EventDraft {
  const { id, step, stage, trace } = deployment;
  const actions = actionsAt(deployment);
  return {
    type: "muster.deployment.step",
    subject: id,
    // One word for each: whoever decides it again after a lost batch says the same.
    id: `${id}-${step}-${stage}-${outcome}`,
    data: {
      ...told(deployment),
      step: step + 1,
      steps: stepsOf(deployment).length,
      stage: stage + 1,
      stages: stageCount(state, actions),
      outcome,
      actions: toldActions(actions),
      message,
    },
    trace,
  };
}

/** How a step came out. An only step says nothing that the end of its deployment does not say. */
export const stepOutcome = (
  state: StateView,
  deployment: DeploymentDocument,
  outcome: "succeeded" | "failed",
  message: string | null,
): EventDraft[] => (stepsOf(deployment).length > 1 ? [stepEvent(state, deployment, outcome, message)] : []);

export const endedEvent = (deployment: DeploymentDocument): EventDraft => ({
  type: "muster.deployment.ended",
  subject: deployment.id,
  id: `${deployment.id}-ended`,
  data: {
    ...told(deployment),
    action: deployment.action,
    state: deployment.state,
    message: deployment.message,
    ...(deployment.rolledBackBy === null ? {} : { rolledBackBy: deployment.rolledBackBy }),
  },
  trace: deployment.trace,
});

/** An app that is to come: it stands with no instance until its step. */
export const unborn = (id: AppId, version: Version, now: number): AppDocument => ({
  id,
  version,
  instances: 0,
  goal: "run",
  deployment: null,
  mix: null,
  createdAtMs: now,
  scaledAtMs: now,
  trace: null,
});
