/** What a word about a group means for its apps and for the groups in it. */
import {
  APP_INSTANCES_MAX,
  type AppDocument,
  type AppId,
  type AppSpec,
  appToken,
  type GroupReading,
  type GroupVersionDocument,
  type GroupWish,
  MusterError,
  type Path,
  type StateView,
} from "@muster/contracts";
import { refuseScaling } from "../apps/scaling.ts";
import { isoTime } from "../apps/time.ts";
import { ancestorsOf, isAtOrBelow, isBelow, parentOf } from "./ids.ts";
import { appsBelow, groupDocument, groupsAtOrBelow, hasGroup, unknownGroup } from "./tree.ts";
import { groupVersions } from "./versions.ts";

/** An app as it is to be; `spec` null: it is to be gone. */
export type AppTarget = { readonly app: AppId; readonly spec: AppSpec | null; readonly path: Path };

export type GroupTarget = {
  readonly id: AppId;
  readonly dependencies: readonly AppId[];
  readonly enforceRole: boolean | null;
  readonly path: Path;
};

export type Target = {
  readonly apps: readonly AppTarget[];
  readonly groups: readonly GroupTarget[];
  /** Groups that are to be gone. */
  readonly gone: readonly AppId[];
};

/** Where an app is to be once all that runs now has ended. */
export type Destined = (document: AppDocument) => AppSpec | null;

/** Throws `group.unknown` for a group that is not there, or was not in the version asked for; `spec.invalid` for what cannot be scaled. */
export function targetOf(view: StateView, wish: GroupWish, destined: Destined): Target {
  switch (wish.kind) {
    case "tree":
      return treeTarget(view, wish.tree);
    case "scale":
      return scaleTarget(view, wish, destined);
    case "version":
      return versionTarget(view, wish);
  }
}

/** Apps and groups that are not named go where the list they would stand in is given, and stay where it is not. */
function treeTarget(view: StateView, tree: GroupReading): Target {
  const apps: AppTarget[] = [];
  const groups: GroupTarget[] = [];
  const gone: AppId[] = [];
  const [standingApps, standingGroups] = [appsBelow(view, tree.id), groupsAtOrBelow(view, tree.id)];
  const visit = (reading: GroupReading): void => {
    const { id, path } = reading;
    const before = groupDocument(view, id);
    groups.push({
      id,
      path,
      dependencies: reading.dependencies ?? before?.dependencies ?? [],
      enforceRole: reading.enforceRole ?? before?.enforceRole ?? null,
    });
    if (reading.apps !== null) {
      const named = new Set(reading.apps.map(({ spec }) => spec.id));
      const left = standingApps.filter((app) => parentOf(app.id) === id && !named.has(app.id));
      apps.push(...left.map((app) => removed(app.id, path)));
      apps.push(...reading.apps.map((each) => ({ app: each.spec.id, ...each })));
    }
    if (reading.groups === null) return;
    const named = new Set(reading.groups.map((group) => group.id));
    for (const group of standingGroups) {
      if (parentOf(group) !== id || named.has(group)) continue;
      gone.push(...standingGroups.filter((each) => isAtOrBelow(each, group)));
      apps.push(...standingApps.filter((app) => isBelow(app.id, group)).map((app) => removed(app.id, path)));
    }
    for (const group of reading.groups) visit(group);
  };
  visit(tree);
  return { apps, groups, gone };
}

const removed = (app: AppId, path: Path): AppTarget => ({ app, spec: null, path });

export function removalTarget(view: StateView, group: AppId): Target {
  return {
    apps: appsBelow(view, group).map(({ id }) => removed(id, [])),
    groups: [],
    gone: groupsAtOrBelow(view, group),
  };
}

function scaleTarget(view: StateView, { id, by }: GroupWish & { kind: "scale" }, destined: Destined): Target {
  if (!hasGroup(view, id)) throw unknownGroup(id);
  const apps = appsBelow(view, id).flatMap((document): AppTarget[] => {
    const spec = destined(document);
    if (spec === null) return [];
    // What is not quite a whole number only because of how computers multiply is one.
    const instances = Math.ceil(spec.instances * by - 1e-9);
    refuseScaling(spec, instances);
    if (instances > APP_INSTANCES_MAX) throw tooMany(document.id, instances);
    return [{ app: document.id, spec: { ...spec, instances }, path: [] }];
  });
  const { dependencies = [], enforceRole = null } = groupDocument(view, id) ?? {};
  return { apps, groups: [{ id, dependencies, enforceRole, path: [] }], gone: [] };
}

function tooMany(app: AppId, instances: number): MusterError {
  const message = `${app} would have ${instances} instances, an app has ${APP_INSTANCES_MAX} at most`;
  return new MusterError("spec.invalid", message, { problems: [{ path: "/scaleBy", message }] });
}

function versionTarget(view: StateView, { id, version }: GroupWish & { kind: "version" }): Target {
  const kept = groupVersions(view, id).find((each) => each.version === version);
  if (kept === undefined) throw unknownGroup(id, isoTime(version));
  const specs = specsOf(view, kept);
  const lost = kept.apps.filter((app) => !specs.has(app.id)).map((app) => app.id);
  if (lost.length > 0) {
    const message = `Group '${id}' cannot go back to ${isoTime(version)}: the specs of ${lost.join(", ")} are no longer kept`;
    throw new MusterError("group.unknown", message);
  }
  const groups = new Set([id, ...kept.groups.map((group) => group.id)]);
  for (const app of kept.apps) for (const each of ancestorsOf(app.id)) if (isAtOrBelow(each, id)) groups.add(each);
  const dependencies = new Map(kept.groups.map((group) => [group.id, group.dependencies]));
  return {
    apps: [
      ...appsBelow(view, id).flatMap((app) => (specs.has(app.id) ? [] : [removed(app.id, [])])),
      ...[...specs].map(([app, spec]) => ({ app, spec, path: [] })),
    ],
    groups: [...groups].map((group) => ({
      id: group,
      path: [],
      dependencies: dependencies.get(group) ?? [],
      enforceRole: groupDocument(view, group)?.enforceRole ?? null,
    })),
    gone: groupsAtOrBelow(view, id).filter((group) => !groups.has(group)),
  };
}

/** Specs of a group's version that are still kept, by app. */
export function specsOf(view: StateView, { apps }: GroupVersionDocument): Map<AppId, AppSpec> {
  const specs = new Map<AppId, AppSpec>();
  for (const { id, version, instances } of apps) {
    const spec = view.kind("version").get(`${appToken(id)}.${version}`)?.value.spec;
    if (spec !== undefined) specs.set(id, { ...spec, instances });
  }
  return specs;
}
