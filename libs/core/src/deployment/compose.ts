/**
 * A deployment as it is asked for, in one batch: its document, the apps it locks, their new versions and claims, the end of whatever
 * deployment it overtakes, and what is told of it.
 */
import {
  type AppDocument,
  type AppId,
  type AppSpec,
  type Assertion,
  type Circumstances,
  type Decision,
  type DeploymentAction,
  type DeploymentDocument,
  type GroupChange,
  keys,
  type Mix,
  type Problem,
  type Requester,
  type Stand,
  type StateView,
  type Version,
  type Write,
} from "@muster/contracts";
import { standingVersion } from "../apps/standing.ts";
import { askOf } from "../ask.ts";
import { eligibleAgents } from "../rollout/eligible.ts";
import { entered, newDeployment, startedEvent, stepEvent, unborn } from "./begin.ts";
import { endDeployment } from "./end.ts";
import { specOfAction } from "./stages.ts";

/** Who wants something changed, with everything a decision may not draw itself. */
export type Request = {
  /** Drawn before the decision, one token: a second run finds the deployment of this id and changes nothing. */
  readonly deploymentId: string;
  readonly by: Requester;
  /** Its sequence in the submit stream, or null for a request whose sender waits for the answer. */
  readonly submitted: number | null;
  readonly trace: string | null;
};

/** What becomes of one app. */
export type AppChange = {
  readonly app: AppId;
  readonly action: DeploymentAction["action"];
  /** Null: there is none yet. */
  readonly before: AppDocument | null;
  /** Null: there is to be none. */
  readonly to: Stand | null;
  /** The new version's spec, or null when the version stays. */
  readonly spec: AppSpec | null;
  /** What it is to keep of an older version; absent: what follows from the action. */
  readonly mix?: Mix | null;
  /** Without the stages that its spec asks for. */
  readonly isAtOnce?: boolean;
  /** The version whose instances are good for the new one; absent: its own only. */
  readonly config?: Version;
  /** What else the app lays its hands on: its path, ports, its place in the list of rules. */
  readonly claims: readonly Write[];
  /** What its claims rest on. */
  readonly asserts?: readonly Assertion[];
  /** What must come after all else: whoever has seen it has seen what it is about. */
  readonly last?: readonly Write[];
  readonly warnings: readonly Problem[];
};

export type Shape = Pick<DeploymentDocument, "action" | "group"> & {
  readonly groups?: readonly GroupChange[];
  /** Of the whole; its first app's when absent. */
  readonly version?: Version;
};

/** `steps`: none is empty. */
export function composeDeployment(
  view: StateView,
  request: Request,
  shape: Shape,
  steps: readonly (readonly AppChange[])[],
  { now }: Pick<Circumstances, "now">,
): { readonly decision: Decision; readonly deployment: DeploymentDocument } {
  const { deploymentId, by, trace } = request;
  const { groups = [], ...about } = shape;
  const changes = steps.flat();
  const deployment = newDeployment({
    id: deploymentId,
    ...about,
    groups: [...groups],
    steps: steps.map((step) => ({ actions: step.map((change) => actionOf(view, change)) })),
    startedAtMs: now,
    by,
    trace,
    ...toldOfOne(view, changes),
  });
  const first = new Set(steps[0]);
  const writes = changes.flatMap((change): Write[] => [
    appWrite(view, change, { deploymentId, trace, now, isFirst: first.has(change) }),
    ...versionWrite(view, change, by),
    // After the app and its version: a view that is in the middle of the batch must not know of rules it cannot read.
    ...change.claims,
  ]);
  const overtaken = overtake(view, changes, deployment);
  const key = keys.deployment(deploymentId);
  return {
    decision: {
      writes: [
        ...writes,
        ...overtaken.writes,
        { key, value: deployment, expect: view.revision(key) },
        ...changes.flatMap(({ last = [] }) => last),
      ],
      asserts: [...changes.flatMap(({ asserts = [] }) => asserts), ...overtaken.asserts],
      events: [
        ...overtaken.events,
        ...changes.filter(({ to }) => to !== null).map((change) => accepted(view, request, change)),
        startedEvent(deployment),
        ...(steps.length > 1 ? [stepEvent(view, deployment, "started", null)] : []),
      ],
      wakes: [],
      trace,
    },
    deployment,
  };
}

const actionOf = (view: StateView, { app, action, before, to, isAtOnce }: AppChange): DeploymentAction => ({
  app,
  action,
  from: before === null ? null : { version: standingVersion(view, before), instances: before.instances },
  to,
  isStaged: !(action === "update" || action === "scale" || isAtOnce === true),
});

/** An app on every agent is told with as many instances as there are agents for it just now. */
function toldOfOne(view: StateView, changes: readonly AppChange[]): Partial<Pick<DeploymentDocument, "instances">> {
  const [only, ...others] = changes;
  return only === undefined || others.length > 0 ? {} : { instances: instancesTold(view, only) };
}

const instancesTold = (view: StateView, { app, to, spec }: AppChange): number =>
  to !== null && spec?.placement.isGlobal
    ? eligibleAgents(view, askOf(app, to.version, spec)).agents.size
    : (to?.instances ?? 0);

type Entering = {
  readonly deploymentId: string;
  readonly trace: string | null;
  readonly now: number;
  readonly isFirst: boolean;
};

/** An app of a later step is locked, and stands as it stood until its turn comes; a new one has no instance until then. */
function appWrite(view: StateView, change: AppChange, { deploymentId, trace, now, isFirst }: Entering): Write {
  const { app, before, to, spec } = change;
  const standing: AppDocument = {
    ...(before ?? unborn(app, to?.version ?? now, now)),
    deployment: deploymentId,
    trace,
  };
  const action = actionOf(view, change);
  const value = isFirst ? entered(standing, action, spec ?? specOfAction(view, action), now) : standing;
  if (isFirst && change.mix !== undefined) value.mix = change.mix;
  return { key: keys.app(app), value, expect: view.revision(keys.app(app)) };
}

function versionWrite(view: StateView, { app, to, spec, config }: AppChange, by: Requester): Write[] {
  if (spec === null || to === null) return [];
  const key = keys.version(app, to.version);
  return [{ key, value: { app, version: to.version, spec, by, config: config ?? null }, expect: view.revision(key) }];
}

const accepted = (
  view: StateView,
  { deploymentId, submitted }: Request,
  change: AppChange,
): Decision["events"][number] => ({
  type: "muster.app.accepted",
  subject: change.app,
  id: `${deploymentId}-accepted`,
  data: {
    app: change.app,
    version: change.to?.version ?? 0,
    deployment: deploymentId,
    instances: instancesTold(view, change),
    action: change.action,
    understood: change.warnings.map((warning) => ({ ...warning })),
    submitted,
  },
});

/** Ends every deployment that stands in the way. One that has ended or is gone needs no ending. */
function overtake(view: StateView, changes: readonly AppChange[], by: DeploymentDocument) {
  const mine = new Set(changes.map(({ app }) => app));
  const ids = new Set(changes.flatMap(({ before }) => (before?.deployment == null ? [] : [before.deployment])));
  // One that an app names and nobody has seen is about to be read: its app came first, and must not be taken from it unseen.
  const asserts = [...ids].flatMap((id): Assertion[] =>
    view.kind("deployment").has(id) ? [] : [{ key: keys.deployment(id), revision: view.revision(keys.deployment(id)) }],
  );
  const ended = [...ids].flatMap((id) => {
    const standing = view.kind("deployment").get(id)?.value;
    if (standing === undefined || standing.state !== "running") return [];
    const message = `overtaken by deployment ${by.id}`;
    return [endDeployment(view, standing, { state: "superseded", message, now: by.startedAtMs }, mine)];
  });
  return { asserts, writes: ended.flatMap(({ writes }) => writes), events: ended.flatMap(({ events }) => events) };
}
