/** fleet's MachineOf: an app goes where another one goes, once that one has arrived. */
import { appToken, keys, type StateView } from "@muster/contracts";
import { instancesAsked } from "./eligible.ts";

/**
 * Agents on which the followed app stands; null while it is still moving. It has arrived when as many instances as it should have
 * are placed, or placement has said why not: what fails and comes back within its backoff makes nobody follow it to and fro.
 */
export function homesOf(state: StateView, app: string): ReadonlySet<string> | null {
  const token = appToken(app);
  const document = state.kind("app").get(token)?.value;
  const rows =
    state
      .kind("placed")
      .get(token)
      ?.value.rows.filter(({ goal }) => goal === "run") ?? [];
  if (document === undefined || rows.length === 0) return null;
  const hasArrived = rows.length >= instancesAsked(state, document) || isRefused(state, app);
  return hasArrived ? new Set(rows.map(({ agent }) => agent)) : null;
}

/** Placement has looked at the app's present wish and found no place for what of it is not placed. */
export function isRefused(state: StateView, app: string): boolean {
  const waiting = state.kind("waiting").get(appToken(app))?.value;
  return waiting !== undefined && waiting.count > 0 && waiting.wantedRevision === state.revision(keys.wanted(app));
}
