/** The tree as it is shown: as it stands, or as it was in a version that is kept. */
import { type AppId, type AppSpec, type GroupVersionDocument, ROOT_GROUP, type StateView } from "@muster/contracts";
import { targetDocument } from "../apps/target.ts";
import { parentOf } from "./ids.ts";
import { specsOf } from "./target.ts";
import { appsBelow, compare, groupDocument, groupsAtOrBelow, unknownGroup } from "./tree.ts";
import { groupVersions } from "./versions.ts";

export type GroupNode = {
  readonly id: AppId;
  /** Right in the group, by id. */
  readonly apps: readonly AppId[];
  readonly groups: readonly GroupNode[];
  readonly dependencies: readonly AppId[];
  /** When anything in it was last changed; 0 where nothing ever was. */
  readonly version: number;
  readonly enforceRole: boolean | null;
};

/** Throws `group.unknown`. */
export function groupTree(view: StateView, group: AppId): GroupNode {
  const ids = groupsAtOrBelow(view, group);
  if (!ids.includes(group)) throw unknownGroup(group);
  const apps = appsBelow(view, group);
  return grow(group, ids, {
    apps: apps.map((document) => ({ id: document.id, version: targetDocument(view, document).version })),
    about(id) {
      const { dependencies = [], version = 0, enforceRole = null } = groupDocument(view, id) ?? {};
      return { dependencies, version, enforceRole };
    },
  });
}

type Known = {
  readonly apps: readonly { readonly id: AppId; readonly version: number }[];
  about(group: AppId): Pick<GroupNode, "dependencies" | "version" | "enforceRole">;
};

function grow(group: AppId, ids: readonly AppId[], { apps, about }: Known): GroupNode {
  const within = <T extends { readonly id: AppId }>(items: readonly T[]): Map<AppId, T[]> => {
    const byParent = new Map<AppId, T[]>();
    for (const item of items) {
      const parent = parentOf(item.id) ?? "";
      const siblings = byParent.get(parent);
      if (siblings === undefined) byParent.set(parent, [item]);
      else siblings.push(item);
    }
    return byParent;
  };
  const [appsOf, groupsOf] = [within(apps), within(ids.map((id) => ({ id })))];
  const node = (id: AppId): GroupNode => {
    const own = appsOf.get(id) ?? [];
    const groups = (groupsOf.get(id) ?? []).map((child) => node(child.id));
    const said = about(id);
    const version = Math.max(said.version, ...own.map((app) => app.version), ...groups.map((child) => child.version));
    return { id, apps: own.map((app) => app.id), groups, ...said, version };
  };
  return node(group);
}

export type PastGroup = {
  readonly tree: GroupNode;
  readonly specs: ReadonlyMap<AppId, AppSpec>;
  readonly versions: ReadonlyMap<AppId, number>;
};

/** A group as it was; apps whose specs are no longer kept are left out. Throws `group.unknown`. */
export function groupAt(view: StateView, group: AppId, version: number, text: string): PastGroup {
  const kept = groupVersions(view, group).find((each) => each.version === version);
  if (kept === undefined) throw unknownGroup(group, text);
  const specs = specsOf(view, kept);
  const apps = kept.apps.filter(({ id }) => specs.has(id)).sort((a, b) => compare(a.id, b.id));
  const dependencies = new Map(kept.groups.map(({ id, dependencies: needed }) => [id, needed]));
  const tree = grow(group, groupIds(kept), {
    apps,
    about: (id) => ({ dependencies: dependencies.get(id) ?? [], version: kept.version, enforceRole: null }),
  });
  return { tree, specs, versions: new Map(apps.map((app) => [app.id, app.version])) };
}

function groupIds({ group, apps, groups }: GroupVersionDocument): AppId[] {
  const ids = new Set([group, ...groups.map(({ id }) => id)]);
  for (const { id } of apps)
    for (let at = parentOf(id); at !== null && at !== group && at !== ROOT_GROUP; at = parentOf(at)) ids.add(at);
  return [...ids].sort(compare);
}
