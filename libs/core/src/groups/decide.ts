/** Changes of many apps at once, of a whole group above all: one deployment in steps, so that each app starts after all it needs. */
import {
  type AppId,
  type AppSpec,
  appToken,
  type Circumstances,
  type Decision,
  type DeploymentDocument,
  type GroupWish,
  keys,
  MusterError,
  NO_DECISION,
  type Problem,
  type ReadGroup,
  type StateView,
} from "@muster/contracts";
import { isoTime } from "../apps/time.ts";
import type { Request } from "../deployment/compose.ts";
import { stepsOf } from "../deployment/steps.ts";
import { assemble } from "./assemble.ts";
import { type Difference, destinedIn, difference, idOf } from "./differ.ts";
import { type AppTarget, removalTarget, type Target, targetOf } from "./target.ts";
import { groupVersionOf, hasGroup, unknownGroup } from "./tree.ts";

export type TreeAsked = Request & {
  /** Overtakes running deployments of the apps that change. */
  readonly force: boolean;
  /** Keys of versions that were written beforehand by this very request. */
  readonly prepared?: ReadonlySet<string>;
};

export type TreeAnswer = {
  readonly version: number;
  /** The deployment that brings it about; null: everything stands as asked. */
  readonly deployment: string | null;
  readonly steps: DeploymentDocument["steps"];
  readonly warnings: readonly Problem[];
};

export type TreeDecision = { readonly decision: Decision; readonly answer: TreeAnswer };

/** POST. Throws `group.exists`, `app.exists`, and what an update throws. */
export function decideGroupCreate(
  view: StateView,
  asked: TreeAsked,
  reading: ReadGroup,
  at: Circumstances,
): TreeDecision {
  const { wish } = reading;
  if (wish.kind !== "tree") {
    const message = `a group that is created has no past and no size: send "${wish.kind === "scale" ? "scaleBy" : "version"}" by PUT`;
    throw new MusterError("spec.invalid", message, { problems: [{ path: "", message }] });
  }
  const done = carriedOut(view, asked);
  if (done !== null) return done;
  if (hasGroup(view, wish.id))
    throw new MusterError("group.exists", `Group ${wish.id} is already created. Use PUT to change this group.`);
  if (view.kind("app").has(appToken(wish.id)))
    throw new MusterError("app.exists", `An app with id [${wish.id}] already exists.`);
  return decideGroup(view, asked, reading, at);
}

/**
 * PUT: creates the group or brings it to what is asked. What stands or will stand as asked is left alone. Throws `app.locked` and
 * `app.deleting` with every deployment that stands in the way, `app.exists`, `group.unknown`, and `spec.invalid` for a cycle.
 */
export function decideGroup(
  view: StateView,
  asked: TreeAsked,
  { wish, warnings }: Pick<ReadGroup, "wish" | "warnings">,
  at: Circumstances,
): TreeDecision {
  const done = carriedOut(view, asked);
  if (done !== null) return done;
  return decideTarget(view, asked, wish.id, { ...targetOf(view, wish, destinedIn(view)), warnings }, at);
}

/** Everything in the group ends, whoever depends on something first; then the group is gone. Throws `group.unknown`, `app.locked`. */
export function decideGroupDelete(view: StateView, asked: TreeAsked, group: AppId, at: Circumstances): TreeDecision {
  const done = carriedOut(view, asked);
  if (done !== null) return done;
  if (!hasGroup(view, group)) throw unknownGroup(group);
  return decideTarget(view, asked, group, { ...removalTarget(view, group), warnings: [] }, at);
}

export type AppsReading = { readonly apps: readonly AppTarget[]; readonly warnings: readonly Problem[] };

/** PUT and PATCH of a list of apps. `read` sees each app as it will stand. Throws as `decideGroup` does, and what `read` throws. */
export function decideApps(
  view: StateView,
  asked: TreeAsked,
  read: (current: (app: AppId) => AppSpec | null) => AppsReading,
  at: Circumstances,
): TreeDecision {
  const done = carriedOut(view, asked);
  if (done !== null) return done;
  const destined = destinedIn(view);
  const reading = read((app) => {
    const document = view.kind("app").get(appToken(app))?.value;
    return document === undefined || document.id !== app ? null : destined(document);
  });
  return decideTarget(view, asked, null, { ...reading, groups: [], gone: [] }, at);
}

function decideTarget(
  view: StateView,
  asked: TreeAsked,
  group: AppId | null,
  target: Target & { readonly warnings: readonly Problem[] },
  at: Circumstances,
): TreeDecision {
  const open = target.apps.flatMap((app) => difference(view, app, "end") ?? []);
  const changes = withOvertaken(view, target.apps, open);
  refuseLocked(changes, asked);
  const assembled = assemble(view, asked, { group, target, changes }, at);
  if (assembled !== null) return assembled;
  const locks = new Set(target.apps.map(({ app }) => view.kind("app").get(appToken(app))?.value.deployment ?? null));
  const [only = null, ...others] = locks;
  return {
    decision: { ...NO_DECISION, trace: asked.trace },
    answer: {
      version: group === null ? newest(view, target.apps) : groupVersionOf(view, group),
      deployment: others.length > 0 ? null : only,
      steps: [],
      warnings: target.warnings,
    },
  };
}

const newest = (view: StateView, apps: readonly AppTarget[]): number =>
  Math.max(0, ...apps.map(({ app }) => view.kind("app").get(appToken(app))?.value.version ?? 0));

/** What would have come to stand as asked by a deployment that is overtaken now is to be changed as well, from where it stands. */
function withOvertaken(view: StateView, targets: readonly AppTarget[], open: readonly Difference[]): Difference[] {
  const overtaken = new Set(open.flatMap(({ current }) => current?.document.deployment ?? []));
  const opened = new Set(open.map(idOf));
  return targets.flatMap((target) => {
    const deployment = view.kind("app").get(appToken(target.app))?.value.deployment;
    if (!opened.has(target.app) && (deployment == null || !overtaken.has(deployment))) return [];
    return difference(view, target, "now") ?? [];
  });
}

/** Throws `app.locked` or `app.deleting`, with all that stands in the way, unless forced. */
function refuseLocked(changes: readonly Difference[], { force, submitted }: TreeAsked): void {
  if (force) return;
  const locked = changes.flatMap(({ current }) => (current?.document.deployment == null ? [] : [current.document]));
  const deployments = [...new Set(locked.map(({ deployment }) => deployment as string))].sort();
  const forcing = submitted === null ? "with ?force=true" : "by a PUT with ?force=true";
  const deleting = changes.find(({ current, action }) => current?.document.goal === "deleted" && action === "start");
  if (deleting !== undefined) {
    const message = `App ${idOf(deleting)} is being deleted: wait until its last instance has ended, or go on with the same app ${forcing}`;
    throw new MusterError("app.deleting", message, { deployments });
  }
  if (locked.length === 0) return;
  const names = locked.map(({ id }) => id);
  const apps =
    names.length <= NAMES_MAX
      ? names.join(", ")
      : `${names.slice(0, NAMES_MAX).join(", ")} and ${names.length - NAMES_MAX} more`;
  const message = `Deployments ${deployments.join(", ")} are changing ${apps}: wait until they have ended, or override them ${forcing}`;
  throw new MusterError("app.locked", message, { deployments });
}

const NAMES_MAX = 5;

/** The answer of a request that was carried out already, as after a crash before it was acknowledged; else null. */
function carriedOut(view: StateView, { deploymentId }: TreeAsked): TreeDecision | null {
  const done = view.kind("deployment").get(deploymentId)?.value;
  if (done === undefined) return null;
  const steps = stepsOf(done).map(({ actions }) => ({ actions: [...actions] }));
  return { decision: NO_DECISION, answer: { version: done.version, deployment: done.id, steps, warnings: [] } };
}

/** PATCH. Only of groups right below the root; no deployment. Throws `group.unknown`, `spec.invalid`. */
export function decideEnforceRole(
  view: StateView,
  group: AppId,
  enforceRole: boolean,
  trace: string | null,
  { now }: Circumstances,
): Decision {
  if (!hasGroup(view, group)) throw unknownGroup(group);
  if (group === "/" || group.lastIndexOf("/") > 0) {
    const message = `only a group right below the root has an enforceRole, and ${group} is none`;
    throw new MusterError("spec.invalid", message, { problems: [{ path: "/enforceRole", message }] });
  }
  const key = keys.group(group);
  const before = view.kind("group").get(appToken(group))?.value;
  if (before?.enforceRole === enforceRole) return { ...NO_DECISION, trace };
  const version = Math.max(now, groupVersionOf(view, group) + 1);
  const value = before ?? { id: group, dependencies: [], version, createdAtMs: version, enforceRole };
  return { ...NO_DECISION, writes: [{ key, value: { ...value, enforceRole }, expect: view.revision(key) }], trace };
}

export const wishText = (wish: GroupWish): string =>
  wish.kind === "tree"
    ? "update"
    : wish.kind === "scale"
      ? `scale by ${wish.by}`
      : `go back to ${isoTime(wish.version)}`;
