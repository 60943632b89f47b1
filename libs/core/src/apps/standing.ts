/** What of an app stands, whatever it is on its way to. */
import { type AppDocument, appToken, type StateView, type Version } from "@muster/contracts";
import { runningAction } from "./target.ts";

/**
 * The version that an app stands on, which is kept until the next one has proven good and gone back to where it does not. Of an app that
 * is half way, or was left there, it is the older one as long as any of it is there: the one it was on its way to has proven nothing.
 */
export function standingVersion(state: StateView, document: AppDocument): Version {
  const { id, version, mix } = document;
  const older = mix?.version ?? runningAction(state, document)?.from?.version;
  const rows = state.kind("wanted").get(appToken(id))?.value.rows ?? [];
  return older !== undefined && rows.some((row) => row.goal === "run" && row.version === older) ? older : version;
}
