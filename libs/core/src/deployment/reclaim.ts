/** What comes again on the way back: an app's claims, and what was said of groups, as far as nobody else has them by now. */
import {
  type AppId,
  type AppSpec,
  type GroupChange,
  type GroupDocument,
  groupToken,
  keys,
  MusterError,
  type StateView,
} from "@muster/contracts";
import { claimGroups, claimPath } from "../apps/claims.ts";
import { makeRulesKnown } from "../apps/rules.ts";
import { claimServicePorts } from "../apps/service-ports.ts";
import type { Draft } from "../groups/draft.ts";
import { ancestorsOf } from "../groups/ids.ts";
import { appsBelow, groupsAtOrBelow } from "../groups/tree.ts";
import { dropVersions, ownVersions } from "../groups/versions.ts";
import { unborn } from "./begin.ts";

/** False: its path belongs to something else by now. A port that does is told of nowhere, as with any other app. */
export function reclaim(draft: Draft, spec: AppSpec): boolean {
  const { id } = spec;
  if (!isHad(() => draft.lay(claimPath(draft, id)))) return false;
  if (!draft.kind("app").has(keys.app(id).slice("app.".length))) draft.assume(keys.app(id), unborn(id, 0, 0));
  // Its ports have their numbers: there is nothing to draw.
  draft.lay(claimServicePorts(draft, spec, null, () => 0));
  draft.lay({ writes: makeRulesKnown(draft, spec, null) });
  return true;
}

/**
 * Documents of groups as they were, where nobody has changed them since. One that came about with the apps `removed` is gone with them.
 * Answers what becomes of them.
 */
export function restoreGroups(
  draft: Draft,
  changes: readonly GroupChange[],
  removed: ReadonlySet<AppId> = new Set(),
): GroupChange[] {
  return changes.flatMap(({ group, from, to }): GroupChange[] => {
    const current = documentOf(draft, group);
    if ((current?.version ?? null) !== (to?.version ?? null)) return [];
    if (from !== null && group !== "/" && !isHad(() => draft.lay(claimGroups(draft, [...ancestorsOf(group), group]))))
      return [];
    draft.lay({ writes: [{ key: keys.group(group), value: from, expect: draft.revision(keys.group(group)) }] });
    const hasCome = from === null && group !== "/" && removed.size > 0;
    if (hasCome && appsBelow(draft, group).every(({ id }) => removed.has(id))) giveUp(draft, group);
    return [{ group, from: current, to: from }];
  });
}

/** The claims of the group and of all in it, which nothing stands in any more, and what was kept of them. */
function giveUp(draft: Draft, group: AppId): void {
  for (const id of groupsAtOrBelow(draft, group)) {
    const claim = keys.path(id);
    if (draft.kind("path").get(groupToken(id))?.value.kind === "group")
      draft.lay({ writes: [{ key: claim, value: null, expect: draft.revision(claim) }] });
    draft.lay({ writes: dropVersions(draft, ownVersions(draft, id)) });
  }
}

const documentOf = (state: StateView, group: string): GroupDocument | null =>
  state.kind("group").get(groupToken(group))?.value ?? null;

function isHad(take: () => void): boolean {
  try {
    take();
    return true;
  } catch (cause) {
    if (cause instanceof MusterError && cause.code === "app.exists") return false;
    throw cause;
  }
}
