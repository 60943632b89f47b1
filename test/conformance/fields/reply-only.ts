/** What only replies carry. People fetch an app, edit it and send it back: it is skipped, and warns of nothing. */
import { none, type Row, shownIn, shows } from "./row.ts";

const TELLS = none("it tells of the app and asks for nothing");
const NOW = (value: unknown): boolean => Math.abs(Date.parse(String(value)) - Date.now()) < 600_000;
const ONE_ID = (value: unknown): boolean => Array.isArray(value) && value.length === 1;

const row = (field: string, shown: unknown, sent: unknown): Row => ({
  field,
  default: shown,
  isOfNewApps: true,
  valid: [shows(sent, shown)],
  invalid: [],
  effect: TELLS,
});

export const replyOnly: readonly Row[] = [
  {
    ...row("version", NOW, "2014-03-01T23:29:30.158Z"),
    effect: shownIn("test/conformance/endpoints/apps.ts", "alone"),
  },
  row("versionInfo.lastScalingAt", NOW, "2014-03-01T23:29:30.158Z"),
  row("versionInfo.lastConfigChangeAt", NOW, "2014-03-01T23:29:30.158Z"),
  row("tasksStaged", 1, 7),
  row("tasksRunning", 0, 7),
  row("tasksHealthy", 0, 7),
  row("tasksUnhealthy", 0, 7),
  row("deployments", ONE_ID, [{ id: "a" }, { id: "b" }]),
  row("tasks", ONE_ID, []),
  row("lastTaskFailure", undefined, { state: "TASK_FAILED" }),
  row("readinessCheckResults", undefined, [{ ready: true }]),
  row("taskStats", undefined, {}),
  row("$schema", undefined, "https://a.example/app.json"),
];
