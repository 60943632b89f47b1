/** One change of one app: what is asked, what stands in its way, and the deployment that brings it about. */
import {
  type AppDocument,
  type AppId,
  appToken,
  type Circumstances,
  type Decision,
  type EventDraft,
  MusterError,
  NO_DECISION,
  type Problem,
  type StateView,
  type Version,
} from "@muster/contracts";
import { type AppChange, composeDeployment, type Request } from "../deployment/compose.ts";
import type { CurrentApp } from "./current.ts";
import { targetOf } from "./target.ts";

/** Who wants an app changed. */
export type Asked = Request & {
  readonly app: AppId;
  /** Overtakes a running deployment, and goes on with an app that is being deleted. */
  readonly force: boolean;
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
export type Step = Pick<
  AppChange,
  "action" | "isAtOnce" | "spec" | "config" | "claims" | "asserts" | "last" | "warnings"
> & {
  readonly goal: AppDocument["goal"];
  readonly version: Version;
  readonly instances: number;
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
  const last = current === null ? 0 : Math.max(current.document.version, targetOf(view, current).document.version);
  let version = Math.max(now, last + 1);
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
  { goal, version, instances, ...step }: Step,
  at: Circumstances,
): Change {
  const before = current?.document ?? null;
  const to = goal === "deleted" ? null : { version, instances };
  const change: AppChange = { app: asked.app, before, to, ...step };
  const { decision } = composeDeployment(view, asked, { action: step.action, group: null }, [[change]], at);
  return {
    decision,
    answer: { version, deployment: asked.deploymentId, isNew: before === null, warnings: step.warnings },
  };
}

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
