/** The tree as it stands: a group is there as long as its path is claimed, or an app is below it. */
import {
  type AppDocument,
  type AppId,
  appIdOf,
  type GroupDocument,
  groupToken,
  MusterError,
  ROOT_GROUP,
  type StateView,
} from "@muster/contracts";
import { ancestorsOf, isAtOrBelow, isBelow } from "./ids.ts";

export const groupDocument = (view: StateView, group: AppId): GroupDocument | null =>
  view.kind("group").get(groupToken(group))?.value ?? null;

/** Documents of all apps below a group, by id. */
export function appsBelow(view: StateView, group: AppId): AppDocument[] {
  const apps = [...view.kind("app").values()].flatMap(({ value }) => (isBelow(value.id, group) ? [value] : []));
  return apps.sort((a, b) => compare(a.id, b.id));
}

/** Ids of the group, where it is there, and of all groups below it, sorted. */
export function groupsAtOrBelow(view: StateView, group: AppId): AppId[] {
  const groups = new Set<AppId>(group === ROOT_GROUP ? [ROOT_GROUP] : []);
  const note = (id: AppId): void => {
    for (const each of ancestorsOf(id)) if (isAtOrBelow(each, group)) groups.add(each);
  };
  for (const [token, { value }] of view.kind("path")) {
    const id = appIdOf(token);
    if (!isAtOrBelow(id, group)) continue;
    if (value.kind === "group") groups.add(id);
    note(id);
  }
  for (const { value } of view.kind("app").values()) if (isBelow(value.id, group)) note(value.id);
  for (const { value } of view.kind("group").values()) if (isAtOrBelow(value.id, group)) groups.add(value.id);
  return [...groups].sort(compare);
}

export const hasGroup = (view: StateView, group: AppId): boolean => groupsAtOrBelow(view, group).includes(group);

/** When the group or anything in it was last changed; 0 for a root where nothing ever stood. */
export function groupVersionOf(view: StateView, group: AppId): number {
  let version = 0;
  for (const { value } of view.kind("group").values())
    if (isAtOrBelow(value.id, group)) version = Math.max(version, value.version);
  for (const { value } of view.kind("app").values())
    if (isBelow(value.id, group)) version = Math.max(version, value.version);
  return version;
}

/** In the words Marathon's clients know. */
export function unknownGroup(group: AppId, version?: string): MusterError {
  const which = version === undefined ? "" : ` in version ${version}`;
  return new MusterError("group.unknown", `Group '${group}' does not exist${which}`);
}

/** By their characters, whatever language the machine speaks. */
export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
