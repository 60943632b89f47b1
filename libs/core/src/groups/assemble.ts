/** From what has to change to one batch: claims, versions, steps, the group's own documents, and the deployment that leads through. */
import {
  type AppId,
  type Circumstances,
  DEPLOYMENT_HISTORY_MS,
  type Decision,
  type DeploymentDocument,
  type GroupChange,
  type GroupDocument,
  type GroupVersionDocument,
  keys,
  NO_DECISION,
  type Path,
  type Problem,
  type StateView,
  type Version,
  type Write,
} from "@muster/contracts";
import { claimGroups, claimPath } from "../apps/claims.ts";
import { configOf, needsRestart } from "../apps/config.ts";
import { makeRulesKnown } from "../apps/rules.ts";
import { isSame } from "../apps/same.ts";
import { claimServicePorts } from "../apps/service-ports.ts";
import { endedEvent, newDeployment, startedEvent, unborn } from "../deployment/begin.ts";
import { type AppChange, composeDeployment } from "../deployment/compose.ts";
import type { TreeAsked, TreeDecision } from "./decide.ts";
import { changeDependencies } from "./dependencies.ts";
import { type Difference, destinedStand, idOf } from "./differ.ts";
import { Draft } from "./draft.ts";
import { depthsOf, needsOf } from "./graph.ts";
import { ancestorsOf } from "./ids.ts";
import type { GroupTarget, Target } from "./target.ts";
import { appsBelow, groupDocument, groupsAtOrBelow, groupVersionOf } from "./tree.ts";
import { dropVersions, keepVersions, ownVersions } from "./versions.ts";

export type Assembling = {
  /** Null: apps are changed by themselves. */
  readonly group: AppId | null;
  readonly target: Target & { readonly warnings: readonly Problem[] };
  readonly changes: readonly Difference[];
};

/** Null: there is nothing to do. */
export function assemble(
  view: StateView,
  asked: TreeAsked,
  { group, target, changes }: Assembling,
  at: Circumstances,
): TreeDecision | null {
  const draft = new Draft(view);
  const version = versionOf(view, asked, group, changes, at.now);
  const groups = changeGroups(draft, target, version, { group, isTreeChanged: changes.length > 0 });
  if (changes.length === 0 && draft.writes.length === 0) return null;
  const made = changes.map((change) => changeOf(draft, change, version, at));
  const depending = changeDependencies(draft, [...groups.depending, ...made.flatMap((each) => each.depending ?? [])]);
  if (group !== null) draft.lay({ writes: recorded(view, group, target, made, version) });
  const warnings = [...target.warnings, ...made.flatMap(({ change }) => change.warnings), ...depending.warnings];
  const shape = { action: "group", group, groups: groups.changes, version } as const;
  const steps = stepsInOrder(view, groups.changes, made);
  const [first, ...others] = steps.flat();
  if (first === undefined) return withoutApps(view, asked, { shape, draft, last: depending.last, warnings }, at);
  const carrying = { ...first, claims: draft.writes, asserts: draft.asserts, last: depending.last };
  const all = [carrying, ...others];
  const { decision, deployment } = composeDeployment(
    view,
    asked,
    shape,
    steps.map((step) => step.map((each) => all.find(({ app }) => app === each.app) as AppChange)),
    at,
  );
  return { decision, answer: { version, deployment: deployment.id, steps: deployment.steps, warnings } };
}

/** One for all that changes, later than any before and nobody's yet. */
function versionOf(
  view: StateView,
  { prepared = new Set() }: TreeAsked,
  group: AppId | null,
  changes: readonly Difference[],
  now: number,
): Version {
  const standing = changes.map(({ current }) => (current?.document.version ?? 0) + 1);
  let version = Math.max(now, ...standing, group === null ? 0 : groupVersionOf(view, group) + 1);
  const isTaken = (app: AppId): boolean => {
    const key = keys.version(app, version);
    return view.revision(key) > 0 && !prepared.has(key);
  };
  while (changes.some((change) => isTaken(idOf(change)))) version += 1;
  return version;
}

type Depending = Parameters<typeof changeDependencies>[1][number];

/** Documents and claims of the groups themselves. */
function changeGroups(
  draft: Draft,
  { groups, gone }: Target,
  version: Version,
  { group, isTreeChanged }: { group: AppId | null; isTreeChanged: boolean },
): { readonly changes: readonly GroupChange[]; readonly depending: readonly Depending[] } {
  const known = new Set(group === null ? [] : groupsAtOrBelow(draft, group));
  const changes: GroupChange[] = [];
  const depending: Depending[] = [];
  const change = (from: GroupDocument | null, to: GroupDocument | null, id: AppId, path: Path): void => {
    changes.push({ group: id, from, to });
    draft.lay({ writes: [{ key: keys.group(id), value: to, expect: draft.revision(keys.group(id)) }] });
    depending.push({ id, path, dependencies: to?.dependencies ?? [], before: from?.dependencies ?? [] });
  };
  for (const id of gone) {
    const before = groupDocument(draft, id);
    if (before !== null) change(before, null, id, []);
    const claim = keys.path(id);
    if (id !== "/" && draft.revision(claim) > 0 && isGroupClaim(draft, id))
      draft.lay({ writes: [{ key: claim, value: null, expect: draft.revision(claim) }] });
    draft.lay({ writes: dropVersions(draft, ownVersions(draft, id)) });
  }
  for (const each of groups) {
    if (!known.has(each.id) && each.id !== "/") draft.lay(claimGroups(draft, [...ancestorsOf(each.id), each.id]));
    const before = groupDocument(draft, each.id);
    const isOutermost = each.id === group && (isTreeChanged || changes.length > 0 || draft.writes.length > 0);
    const to = documentOf(each, before, version);
    if (isOutermost || !isSaying(before, to)) change(before, to, each.id, each.path);
  }
  return { changes, depending };
}

const isGroupClaim = (draft: Draft, id: AppId): boolean =>
  draft.kind("path").get(keys.path(id).slice("path.".length))?.value.kind === "group";

const documentOf = (
  { id, dependencies, enforceRole }: GroupTarget,
  before: GroupDocument | null,
  version: Version,
): GroupDocument => ({
  id,
  dependencies: [...dependencies],
  version,
  createdAtMs: before?.createdAtMs ?? version,
  enforceRole,
});

/** A group without a document says nothing but that it is there. */
function isSaying(before: GroupDocument | null, to: GroupDocument): boolean {
  const { dependencies = [], enforceRole = null } = before ?? {};
  return isSame(dependencies, to.dependencies) && enforceRole === to.enforceRole;
}

type Made = { readonly change: AppChange; readonly depending: Depending | null };

/** One app's change; what it claims is in the draft, where the next app sees it. */
function changeOf(
  draft: Draft,
  { target, current, action, keepsVersion }: Difference,
  version: Version,
  at: Circumstances,
): Made {
  const { app, spec, path } = target;
  const before = current?.document ?? null;
  const bare = { app, before, action, claims: [], warnings: [] };
  if (spec === null) return { change: { ...bare, to: null, spec: null }, depending: null };
  if (keepsVersion) {
    const to = { version: before?.version ?? version, instances: spec.instances };
    return { change: { ...bare, to, spec: null }, depending: null };
  }
  const standing = current?.spec ?? null;
  draft.lay(claimPath(draft, app));
  // Whatever asks for a port after this one finds it taken.
  if (before === null) draft.assume(keys.app(app), unborn(app, version, at.now));
  const ports = claimServicePorts(draft, spec, standing, at.dice);
  draft.lay(ports);
  draft.lay({ writes: makeRulesKnown(draft, ports.spec, standing) });
  const dependencies = { id: app, path, dependencies: spec.dependencies, before: standing?.dependencies ?? [] };
  const to = { version, instances: spec.instances };
  const change = { ...bare, to, spec: ports.spec, warnings: ports.warnings };
  // Beside another version nothing can be told to stay: only a whole app takes a new version without new instances.
  const isUpdate =
    action === "upgrade" && before?.mix === null && standing !== null && !needsRestart(standing, ports.spec);
  if (!isUpdate) return { change, depending: dependencies };
  return {
    change: { ...change, action: "update", config: configOf(draft, app, before.version) },
    depending: dependencies,
  };
}

/** What is removed goes first, whoever depends on something before it; what is changed goes after all it depends on. */
function stepsInOrder(view: StateView, groups: readonly GroupChange[], made: readonly Made[]): AppChange[][] {
  const changes = made.map(({ change }) => change);
  const [removed, kept] = [changes.filter(({ to }) => to === null), changes.filter(({ to }) => to !== null)];
  const before = needsOf(view);
  const after = new Map(before);
  for (const { group, to } of groups) after.set(group, new Set(to?.dependencies ?? []));
  for (const { depending } of made) if (depending !== null) after.set(depending.id, new Set(depending.dependencies));
  return [...levels(removed, before).toReversed(), ...levels(kept, after)];
}

function levels(changes: readonly AppChange[], needs: ReturnType<typeof needsOf>): AppChange[][] {
  const depths = depthsOf(needs, new Set(changes.map(({ app }) => app)));
  const byDepth = new Map<number, AppChange[]>();
  for (const change of changes) {
    const depth = depths.get(change.app) ?? 0;
    byDepth.set(depth, [...(byDepth.get(depth) ?? []), change]);
  }
  return [...byDepth].sort(([a], [b]) => a - b).map(([, step]) => step);
}

/** The group's version from now on, and the one before where nobody has kept it yet. */
function recorded(
  view: StateView,
  group: AppId,
  target: Target,
  made: readonly Made[],
  version: Version,
): readonly Write[] {
  if (target.gone.includes(group)) return [];
  const apps = new Map(
    appsBelow(view, group).flatMap((document) => {
      const stand = destinedStand(view, document);
      return stand === null ? [] : [[document.id, { id: document.id, ...stand }] as const];
    }),
  );
  const groups = new Map(groupsAtOrBelow(view, group).map((id) => [id, groupDocument(view, id)?.dependencies ?? []]));
  const snapshot = (at: number): GroupVersionDocument => ({
    group,
    version: at,
    apps: [...apps.values()],
    groups: [...groups].map(([id, dependencies]) => ({ id, dependencies: [...dependencies] })),
  });
  const old = groupVersionOf(view, group);
  const isOldKept = apps.size === 0 || ownVersions(view, group).some((kept) => kept.version === old);
  const documents = isOldKept ? [] : [snapshot(old)];
  for (const { change } of made) {
    if (change.to === null) apps.delete(change.app);
    else apps.set(change.app, { id: change.app, ...change.to });
  }
  for (const gone of target.gone) groups.delete(gone);
  for (const { id, dependencies } of target.groups) groups.set(id, [...dependencies]);
  return keepVersions(view, [snapshot(version), ...documents]);
}

type WithoutApps = {
  readonly shape: Pick<DeploymentDocument, "action" | "group" | "version"> & {
    readonly groups: readonly GroupChange[];
  };
  readonly draft: Draft;
  readonly last: readonly Write[];
  readonly warnings: readonly Problem[];
};

/** Only groups themselves change: there is nothing to wait for, and it has ended as it begins. */
function withoutApps(
  view: StateView,
  asked: TreeAsked,
  { shape, draft, last, warnings }: WithoutApps,
  { now }: Circumstances,
): TreeDecision {
  const { deploymentId: id, by, trace } = asked;
  const begun = newDeployment({ ...shape, groups: [...shape.groups], id, steps: [], startedAtMs: now, by, trace });
  const deployment: DeploymentDocument = { ...begun, state: "succeeded", endedAtMs: now };
  const key = keys.deployment(id);
  const document = { key, value: deployment, expect: view.revision(key), ttlMs: DEPLOYMENT_HISTORY_MS };
  const decision: Decision = {
    ...NO_DECISION,
    writes: [...draft.writes, document, ...last],
    asserts: draft.asserts,
    events: [startedEvent(begun), endedEvent(deployment)],
    trace,
  };
  return { decision, answer: { version: shape.version, deployment: id, steps: [], warnings } };
}
