/** Reads a group as people write it: a tree of groups and apps, or one word about the whole of it. */

import type { Problem } from "../errors.ts";
import type { AppId } from "../ids.ts";
import type { AppSpec } from "./app.ts";
import type { Path } from "./paths.ts";
import { readDependency, readGroupId } from "./read/app-id.ts";
import {
  type At,
  type Fields,
  isGiven,
  readBoolean,
  readList,
  readNumber,
  readObject,
  readText,
  refuse,
  refuseUnsupported,
  warn,
} from "./read/coerce.ts";
import { type ReadOptions, readFields, readRoot, rootOf } from "./read.ts";

/** Null: nothing was said of it, and it stays as it is. */
export type GroupReading = {
  readonly id: AppId;
  /** Where it stands in the document. */
  readonly path: Path;
  /** All apps right in the group. */
  readonly apps: readonly { readonly spec: AppSpec; readonly path: Path }[] | null;
  /** All groups right in the group. */
  readonly groups: readonly GroupReading[] | null;
  /** Absolute ids of apps and groups. */
  readonly dependencies: readonly AppId[] | null;
  readonly enforceRole: boolean | null;
};

export type GroupWish =
  | { readonly kind: "tree"; readonly id: AppId; readonly tree: GroupReading }
  /** So many times the instances of every app below, rounded up. */
  | { readonly kind: "scale"; readonly id: AppId; readonly by: number }
  /** Back to the version of this time. */
  | { readonly kind: "version"; readonly id: AppId; readonly version: number };

export type ReadGroup = { readonly wish: GroupWish; readonly warnings: readonly Problem[] };

const GROUP_FIELDS = ["id", "apps", "groups", "pods", "dependencies", "version", "scaleBy", "enforceRole"];
const SCALE_MAX = 1_000;
const NO_ID = 'expected the group\'s id, such as "backend"';

/** `groupPath`: the group an address names; an id in the document is below it. Without one the document names its group itself. Throws as `readApp` does, for the whole tree at once. */
export function readGroup(input: unknown, options: ReadOptions = {}): ReadGroup {
  const at = rootOf(input, options);
  const field = groupFields(at);
  const base = options.groupPath ?? "/";
  if (options.groupPath === undefined && !isGiven(field("id"))) refuse(field("id"), NO_ID);
  const wish = readWish(at, field, isGiven(field("id")) ? readGroupId(field("id"), base) : base);
  at.report.throwIfRefused();
  return { wish, warnings: at.report.warnings };
}

function groupFields(at: At): Fields {
  const field = readObject(at, "a group, which is an object", GROUP_FIELDS);
  if (field !== undefined) return field;
  at.report.throwIfRefused();
  throw new Error("what is no object was refused");
}

/** A word that stands for the whole document stands alone in it. */
function readWish(at: At, field: Fields, id: AppId): GroupWish {
  for (const name of ["version", "scaleBy"] as const) {
    if (!isGiven(field(name))) continue;
    const others = GROUP_FIELDS.filter((other) => other !== name && other !== "id" && isGiven(field(other)));
    if (others.length > 0)
      refuse(field(name), `"${name}" stands alone in a document: take away ${others.map((o) => `"${o}"`).join(", ")}`);
    if (name === "version") return { kind: "version", id, version: readVersion(field(name)) };
    return { kind: "scale", id, by: readFactor(field(name)) };
  }
  return { kind: "tree", id, tree: readTree(at, field, id) };
}

function readVersion(at: At): number {
  const text = readText(at) ?? "";
  const version = Date.parse(text);
  if (Number.isNaN(version)) refuse(at, `expected a version, such as "2026-11-20T13:19:00.000Z"`);
  return version;
}

function readFactor(at: At): number {
  const by = readNumber(at, { max: SCALE_MAX });
  return by ?? 1;
}

function readTree(at: At, field: Fields, id: AppId): GroupReading {
  const apps = readList(field("apps"), "a list of apps")?.map((item) => {
    const spec = readFields(readRoot(item), id);
    refuseStranger({ ...item, path: [...item.path, "id"] }, spec.id, id);
    return { spec, path: item.path };
  });
  const groups = readList(field("groups"), "a list of groups")?.map((item) => {
    const inner = groupFields(item);
    const idAt = inner("id");
    if (!isGiven(idAt)) refuse(idAt, NO_ID);
    const childId = isGiven(idAt) ? readGroupId(idAt, id) : "";
    refuseStranger(idAt, childId, id);
    if (isGiven(inner("scaleBy"))) refuse(inner("scaleBy"), "only the outermost group of a document can be scaled");
    if (isGiven(inner("version"))) warn(inner("version"), "ignored: a group within a group has no version to be sent");
    return readTree(item, inner, childId);
  });
  refuseTwins([...(apps ?? []).map(({ spec, path }) => ({ id: spec.id, path })), ...(groups ?? [])], at);
  readPods(field("pods"));
  return {
    id,
    path: at.path,
    apps: apps ?? null,
    groups: groups ?? null,
    dependencies: readGroupDependencies(field("dependencies"), id),
    enforceRole: readEnforceRole(field("enforceRole"), id),
  };
}

/** Nested documents say where a thing stands twice: by their nesting and by their ids. */
function refuseStranger(at: At, id: AppId, group: AppId): void {
  const parent = id.slice(0, Math.max(1, id.lastIndexOf("/")));
  if (id !== "" && parent !== group)
    refuse(
      at,
      `${id} does not stand right in the group ${group}: write its last part only, or put it into its own group`,
    );
}

function refuseTwins(members: readonly { id: AppId; path: Path }[], at: At): void {
  const seen = new Set<string>();
  for (const { id, path } of members) {
    if (id !== "" && seen.has(id))
      refuse({ ...at, path: [...path, "id"] }, `${id} stands here twice: no two apps or groups have one id`);
    seen.add(id);
  }
}

function readPods(at: At): void {
  const pods = readList(at, "a list of pods");
  if ((pods ?? []).length > 0) refuseUnsupported(at, "there are no pods here: write them as apps");
}

function readGroupDependencies(at: At, self: AppId): AppId[] | null {
  const items = readList(at, "a list of ids of apps and groups");
  if (items === undefined) return null;
  const ids = items.flatMap((item) => {
    const id = readDependency(item, self);
    if (id === self) refuse(item, "a group cannot depend on itself");
    return id ?? [];
  });
  return [...new Set(ids)];
}

/** Roles go by the group right below the root. */
function readEnforceRole(at: At, id: AppId): boolean | null {
  const enforceRole = readBoolean(at);
  if (enforceRole === undefined) return null;
  if (id === "/" || id.lastIndexOf("/") > 0) {
    refuse(at, "only a group right below the root has an enforceRole");
    return null;
  }
  if (enforceRole) warn(at, 'kept, and without effect: every app runs in the role "*"');
  return enforceRole;
}
