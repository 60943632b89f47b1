/** What readiness checks have found, in Marathon's form. */
import { type AppId, appToken, type HealthView, instanceId, type StateView } from "@muster/contracts";
import type { MarathonJson } from "./tasks.ts";

/**
 * The running instances of the app's current version, by slot, each with its last answer where the app keeps it; none where the
 * version has no readiness check. Unlike Marathon's they stay in the list when the deployment has ended.
 */
export function readinessResults(state: StateView, health: HealthView, app: AppId): MarathonJson[] {
  const token = appToken(app);
  const version = state.kind("app").get(token)?.value.version;
  const [check] = state.kind("version").get(`${token}.${version}`)?.value.spec.readinessChecks ?? [];
  if (check === undefined) return [];
  const rows = (state.kind("placed").get(token)?.value.rows ?? []).filter((row) => row.version === version);
  return rows
    .toSorted((a, b) => a.slot - b.slot || a.attempt - b.attempt)
    .flatMap(({ slot, attempt }) => {
      const taskId = instanceId({ app, slot, attempt });
      const verdict = health.kind("verdict").get(taskId)?.value;
      if (verdict?.level !== "running") return [];
      const { ready, response } = verdict;
      return [
        { name: check.name, taskId, ready: ready === true, ...(response === null ? {} : { lastResponse: response }) },
      ];
    });
}
