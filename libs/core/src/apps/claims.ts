/** The claim of a path, so that no two things of a cluster have one name. The deployer gives it back with the app. */
import { type AppId, appToken, keys, MusterError, type StateView, type Write } from "@muster/contracts";

/** The write that claims the app's path, none when it holds it. Throws `app.exists` where a group has the id. */
export function claimPath(view: StateView, app: AppId): Write[] {
  const claim = view.kind("path").get(appToken(app))?.value;
  if (claim?.kind === "group") throw new MusterError("app.exists", `A group with id [${app}] already exists.`);
  // A claim without an app is about to be given back by whoever ended the app: writing it makes one of the two lose.
  if (claim !== undefined && view.kind("app").has(appToken(app))) return [];
  const key = keys.path(app);
  return [{ key, value: { kind: "app", owner: app }, expect: view.revision(key) }];
}
