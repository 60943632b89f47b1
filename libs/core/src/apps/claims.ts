/**
 * The claims of paths, so that no two things of a cluster have one name and nothing stands below an app. An app claims its own path
 * and, for their groups, those above it. A claim that was there already is asserted: whoever gives it back in the meantime, or takes
 * it for an app, makes one of the two lose.
 */
import {
  type AppId,
  type Assertion,
  appIdOf,
  appToken,
  type ClaimDocument,
  keys,
  MusterError,
  type StateView,
  type Write,
} from "@muster/contracts";
import { ancestorsOf } from "../groups/ids.ts";

export type PathClaims = { readonly writes: readonly Write[]; readonly asserts: readonly Assertion[] };

/** Throws `app.exists` where a group has the id, or an app one of those above or below. An app that stands keeps what it has. */
export function claimPath(view: StateView, app: AppId): PathClaims {
  const entry = view.kind("app").get(appToken(app));
  const claim = view.kind("path").get(appToken(app))?.value;
  if (claim?.kind === "group") throw new MusterError("app.exists", `A group with id [${app}] already exists.`);
  // A claim without an app is about to be given back by whoever ended the app: writing it makes one of the two lose.
  const own = claim !== undefined && entry !== undefined ? [] : [claimed(view, app, "app")];
  if (entry?.value.goal === "run") return { writes: own, asserts: [] };
  const below = entry === undefined ? someAppBelow(view, app) : null;
  if (below !== null)
    throw new MusterError(
      "app.exists",
      `An app with id [${below}] already exists: ${app} is its group, and cannot be an app`,
    );
  const groups = claimGroups(view, ancestorsOf(app));
  return { writes: [...groups.writes, ...own], asserts: groups.asserts };
}

/** Claims paths for groups. Throws `app.exists` where an app has one of them. */
export function claimGroups(view: StateView, groups: readonly AppId[]): PathClaims {
  const writes: Write[] = [];
  const asserts: Assertion[] = [];
  for (const group of groups) {
    const key = keys.path(group);
    if (view.kind("path").get(appToken(group))?.value.kind === "group")
      asserts.push({ key, revision: view.revision(key) });
    else if (view.kind("app").has(appToken(group)))
      throw new MusterError("app.exists", `An app with id [${group}] already exists: nothing can stand below it`);
    else writes.push(claimed(view, group, "group"));
  }
  return { writes, asserts };
}

const claimed = (view: StateView, path: AppId, kind: ClaimDocument["kind"]): Write => ({
  key: keys.path(path),
  value: { kind, owner: path },
  expect: view.revision(keys.path(path)),
});

/** Groups that came about before there were claims for them are known by their apps alone. */
function someAppBelow(view: StateView, path: AppId): AppId | null {
  const prefix = `${appToken(path)}_`;
  for (const token of view.kind("app").keys()) if (token.startsWith(prefix)) return appIdOf(token);
  return null;
}
