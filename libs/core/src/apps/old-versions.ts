/** Which versions of an app are kept: the newest ones, and whatever is still in use. */
import { type AppId, appToken, keys, type StateView, type VersionDocument, type Write } from "@muster/contracts";
import { stepsOf } from "../deployment/steps.ts";
import { isKeptByGroups } from "../groups/versions.ts";
import { versionsOf } from "./current.ts";

/** Where far too many are kept, as after the bound was lowered, they go a few at a time. */
const PURGES_MAX = 10;

/**
 * Purges of versions beyond the newest `keep`, for the batch whose `writes` store a new one: oldest first, and never one that
 * the app, one of its rows, its running deployment or a kept version of its group names.
 */
export function purgeOldVersions(view: StateView, writes: readonly Write[], keep: number): Write[] {
  return writes.flatMap(({ key, value }) =>
    key.startsWith("version.") && value !== null ? purgesOf(view, (value as VersionDocument).app, keep) : [],
  );
}

function purgesOf(view: StateView, app: AppId, keep: number): Write[] {
  const versions = versionsOf(view, app);
  if (versions.length < keep) return [];
  const used = versionsInUse(view, app);
  return versions
    .slice(keep - 1)
    .toReversed()
    .filter((version) => !used.has(version) && !isKeptByGroups(view, app, version))
    .slice(0, PURGES_MAX)
    .map((version) => ({
      key: keys.version(app, version),
      value: null,
      expect: view.revision(keys.version(app, version)),
    }));
}

function versionsInUse(view: StateView, app: AppId): Set<number> {
  const token = appToken(app);
  const document = view.kind("app").get(token)?.value;
  const deployment = document?.deployment == null ? undefined : view.kind("deployment").get(document.deployment)?.value;
  const actions = deployment === undefined ? [] : stepsOf(deployment).flatMap((step) => step.actions);
  const stands = actions.filter((action) => action.app === app).flatMap(({ from, to }) => [from, to]);
  const rows = [
    ...(view.kind("wanted").get(token)?.value.rows ?? []),
    ...(view.kind("placed").get(token)?.value.rows ?? []),
  ];
  const named = [document, document?.mix, ...stands, ...rows];
  return new Set(named.flatMap((each) => (each == null ? [] : [each.version])));
}
