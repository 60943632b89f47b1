/**
 * One change of one app as one batch: the app, its new version, its claims, the deployment that brings it about, the end
 * of the deployment it overtakes, and what is told of it. The deployer takes it from there, so nobody is woken.
 */
import {
  type AppDocument,
  type AppId,
  type AppSpec,
  appToken,
  type Circumstances,
  DEPLOYMENT_HISTORY_MS,
  type Decision,
  type DeploymentDocument,
  type EventDraft,
  keys,
  MusterError,
  NO_DECISION,
  type Problem,
  type Requester,
  type StateView,
  type Version,
  type Write,
} from "@muster/contracts";
import { askOf } from "../ask.ts";
import { eligibleAgents } from "../rollout/eligible.ts";
import type { CurrentApp } from "./current.ts";

/** Who wants an app changed, with everything a decision may not draw itself. */
export type Asked = {
  readonly app: AppId;
  /** Drawn before the decision, one token: a second run finds the deployment of this id and changes nothing. */
  readonly deploymentId: string;
  /** Overtakes a running deployment, and goes on with an app that is being deleted. */
  readonly force: boolean;
  readonly by: Requester;
  /** Its sequence in the submit stream, or null for a request whose sender waits for the answer. */
  readonly submitted: number | null;
  readonly trace: string | null;
};

export type Answer = {
  /** The app's version from now on. */
  readonly version: Version;
  /** The deployment that brings it about; null: everything stands as asked. */
  readonly deployment: string | null;
  readonly isNew: boolean;
  readonly warnings: readonly Problem[];
};

export type Change = { readonly decision: Decision; readonly answer: Answer };

/** What becomes of the app. */
export type Step = {
  readonly action: DeploymentDocument["action"];
  readonly goal: AppDocument["goal"];
  readonly version: Version;
  readonly instances: number;
  /** The new version's spec, or null when the version stays. */
  readonly spec: AppSpec | null;
  /** What else the app lays its hands on: its path, ports, its place in the list of rules. */
  readonly claims: readonly Write[];
  readonly warnings: readonly Problem[];
};

/** The answer of a request that was carried out already, as after a crash before it was acknowledged; else null. */
export function carriedOut(view: StateView, asked: Asked): Change | null {
  const done = view.kind("deployment").get(asked.deploymentId)?.value;
  if (done === undefined) return null;
  const answer = { version: done.version, deployment: done.id, isNew: done.fromVersion === null, warnings: [] };
  return { decision: NO_DECISION, answer };
}

/** Throws `app.locked` or `app.deleting` unless the request is forced. */
export function refuseLocked({ document }: CurrentApp, asked: Asked): void {
  if (asked.force) return;
  const { deployment } = document;
  if (document.goal === "deleted") throw deletingApp(document, asked);
  if (deployment === null) return;
  const message = `App ${asked.app} is being changed by deployment ${deployment}: wait until it has ended, or override it ${forcing(asked)}`;
  throw new MusterError("app.locked", message, { deployments: [deployment] });
}

export function deletingApp({ id, deployment }: AppDocument, asked: Asked): MusterError {
  const message = `App ${id} is being deleted: wait until its last instance has ended, or go on with the same app ${forcing(asked)}`;
  return new MusterError("app.deleting", message, { deployments: deployment === null ? [] : [deployment] });
}

/** What is published cannot be forced; a request can. */
const forcing = ({ submitted }: Asked): string =>
  submitted === null ? "with ?force=true" : "by a PUT with ?force=true";

/** Milliseconds since the epoch, later than the version before and no one's yet, whatever the clock says. */
export function nextVersion(view: StateView, app: AppId, current: CurrentApp | null, now: number): Version {
  let version = Math.max(now, (current?.document.version ?? 0) + 1);
  while (view.kind("version").has(`${appToken(app)}.${version}`)) version += 1;
  return version;
}

/** Everything stands as asked. Whoever published a spec still hears of it; whoever waits for an answer reads it there. */
export function noChange({ document }: CurrentApp, asked: Asked, warnings: readonly Problem[]): Change {
  const { version, deployment, instances } = document;
  const events: EventDraft[] =
    asked.submitted === null ? [] : [accepted(asked, { version, instances }, { deployment, action: "none", warnings })];
  return {
    decision: { ...NO_DECISION, events, trace: asked.trace },
    answer: { version, deployment, isNew: false, warnings },
  };
}

export function changeApp(
  view: StateView,
  asked: Asked,
  current: CurrentApp | null,
  step: Step,
  { now }: Circumstances,
): Change {
  const { app, deploymentId, by, trace } = asked;
  const { action, goal, version, instances, warnings } = step;
  const told = { version, instances: instancesTold(view, app, step) };
  const before = current?.document ?? null;
  const document: AppDocument = {
    id: app,
    version,
    instances,
    goal,
    deployment: deploymentId,
    createdAtMs: before?.createdAtMs ?? now,
    scaledAtMs: before === null || before.instances !== instances ? now : before.scaledAtMs,
    trace,
  };
  const deployment: DeploymentDocument = {
    id: deploymentId,
    app,
    action,
    fromVersion: before?.version ?? null,
    ...told,
    state: "running",
    startedAtMs: now,
    endedAtMs: null,
    by,
    message: null,
    trace,
  };
  const overtaken = before?.deployment == null ? null : overtake(view, before.deployment, deployment);
  const versionKey = keys.version(app, version);
  const writes: Write[] = [
    { key: keys.app(app), value: document, expect: view.revision(keys.app(app)) },
    ...(step.spec === null
      ? []
      : [{ key: versionKey, value: { app, version, spec: step.spec, by }, expect: view.revision(versionKey) }]),
    // After the app and its version: a view that is in the middle of the batch must not know of rules it cannot read.
    ...step.claims,
    ...(overtaken?.writes ?? []),
    { key: keys.deployment(deploymentId), value: deployment, expect: view.revision(keys.deployment(deploymentId)) },
  ];
  const events: EventDraft[] = [
    ...(overtaken?.events ?? []),
    ...(goal === "deleted" ? [] : [accepted(asked, told, { deployment: deploymentId, action, warnings })]),
    {
      type: "muster.deployment.started",
      subject: deploymentId,
      id: `${deploymentId}-started`,
      data: { app, ...told, deployment: deploymentId, id: deploymentId, action },
    },
  ];
  return {
    decision: { writes, asserts: [], events, wakes: [], trace },
    answer: { version, deployment: deploymentId, isNew: before === null, warnings },
  };
}

/** An app on every agent is told with as many instances as there are agents for it just now. */
const instancesTold = (view: StateView, app: AppId, { spec, version, instances }: Step): number =>
  spec?.placement.isGlobal ? eligibleAgents(view, askOf(app, version, spec)).agents.size : instances;

type Told = { readonly deployment: string | null; readonly action: string; readonly warnings: readonly Problem[] };

const accepted = (
  { app, deploymentId, submitted }: Asked,
  { version, instances }: { readonly version: Version; readonly instances: number },
  { deployment, action, warnings }: Told,
): EventDraft => ({
  type: "muster.app.accepted",
  subject: app,
  id: `${deploymentId}-accepted`,
  data: {
    app,
    version,
    deployment,
    instances,
    action,
    understood: warnings.map((warning) => ({ ...warning })),
    submitted,
  },
});

/** Ends the deployment that stands in the way. One that has ended or is gone needs no ending. */
function overtake(
  view: StateView,
  id: string,
  by: DeploymentDocument,
): { writes: readonly Write[]; events: readonly EventDraft[] } | null {
  const entry = view.kind("deployment").get(id);
  if (entry === undefined || entry.value.state !== "running") return null;
  const { app, version, action } = entry.value;
  const message = `overtaken by deployment ${by.id}`;
  const value: DeploymentDocument = { ...entry.value, state: "superseded", endedAtMs: by.startedAtMs, message };
  return {
    writes: [{ key: keys.deployment(id), value, expect: entry.revision, ttlMs: DEPLOYMENT_HISTORY_MS }],
    events: [
      {
        type: "muster.deployment.ended",
        subject: id,
        id: `${id}-ended`,
        data: { app, version, deployment: id, id, action, state: "superseded", message },
      },
    ],
  };
}
