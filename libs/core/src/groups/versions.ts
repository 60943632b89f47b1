/** Versions of groups: what stood when, in ids and numbers. The specs are those of the apps' versions, which are kept as long. */
import {
  type AppId,
  appToken,
  GROUP_VERSIONS_MAX,
  type GroupVersionDocument,
  groupToken,
  keys,
  ROOT_GROUP,
  type StateView,
  type Write,
} from "@muster/contracts";
import { ancestorsOf, isAtOrBelow, isBelow } from "./ids.ts";

/** Documents of one group's own versions, newest first. */
export function ownVersions(view: StateView, group: AppId): GroupVersionDocument[] {
  const prefix = `${groupToken(group)}.`;
  const all: GroupVersionDocument[] = [];
  for (const [key, { value }] of view.kind("groupversion")) if (key.startsWith(prefix)) all.push(value);
  return all.sort((a, b) => b.version - a.version);
}

/** Versions that are kept in which the group was there, newest first: its own, and those of the groups it stands in. */
export function groupVersions(view: StateView, group: AppId): readonly GroupVersionDocument[] {
  const byVersion = new Map<number, GroupVersionDocument>();
  for (const holder of [...(group === ROOT_GROUP ? [] : [ROOT_GROUP]), ...ancestorsOf(group), group])
    for (const document of ownVersions(view, holder)) {
      const cut = cutOut(document, group);
      if (cut !== null) byVersion.set(cut.version, cut);
    }
  return [...byVersion.values()].sort((a, b) => b.version - a.version);
}

function cutOut(document: GroupVersionDocument, group: AppId): GroupVersionDocument | null {
  if (document.group === group) return document;
  const apps = document.apps.filter(({ id }) => isBelow(id, group));
  const groups = document.groups.filter(({ id }) => isAtOrBelow(id, group));
  return apps.length + groups.length === 0 ? null : { group, version: document.version, apps, groups };
}

/** True while a version of a group can be gone back to that names this version of the app. */
export function isKeptByGroups(
  view: StateView,
  app: AppId,
  version: number,
  besides: ReadonlySet<string> = new Set(),
): boolean {
  if (view.kind("groupversion").size === 0) return false;
  const holders = new Set([ROOT_GROUP, ...ancestorsOf(app)]);
  for (const [key, { value }] of view.kind("groupversion")) {
    if (!holders.has(value.group) || besides.has(key)) continue;
    if (value.apps.some((each) => each.id === app && each.version === version)) return true;
  }
  return false;
}

/** Writes of new versions of a group, and the ends of those that are one too many, with specs that only they needed. */
export function keepVersions(view: StateView, documents: readonly GroupVersionDocument[]): Write[] {
  const [first] = documents;
  if (first === undefined) return [];
  const old = ownVersions(view, first.group).slice(Math.max(0, GROUP_VERSIONS_MAX - documents.length));
  const writes = documents.map((document): Write => {
    const key = keys.groupVersion(document.group, document.version);
    return { key, value: document, expect: view.revision(key) };
  });
  return [...writes, ...dropVersions(view, old)];
}

/** No more than this many at once: a version of a group may name a thousand apps. The rest goes when their paths are used again. */
const DROPPED_SPECS_MAX = 100;

export function dropVersions(view: StateView, dropped: readonly GroupVersionDocument[]): Write[] {
  const gone = new Set(dropped.map(({ group, version }) => `${groupToken(group)}.${version}`));
  const specs = new Set<string>();
  for (const { id, version } of dropped.flatMap(({ apps }) => apps)) {
    const key = keys.version(id, version);
    const isNeeded = view.kind("app").has(appToken(id)) || isKeptByGroups(view, id, version, gone);
    if (!isNeeded && view.revision(key) > 0 && specs.size < DROPPED_SPECS_MAX) specs.add(key);
  }
  return [...dropped.map(({ group, version }) => keys.groupVersion(group, version)), ...specs].map((key) => ({
    key,
    value: null,
    expect: null,
  }));
}
