/** Apps in Marathon's form, for the clients that were written for it. Fields that are not set are left out. */
import {
  type AppId,
  type HealthView,
  type InstanceView,
  instanceId,
  renderApp,
  type StateView,
} from "@muster/contracts";
import { configOf } from "../apps/config.ts";
import { targetApp } from "../apps/target.ts";
import { isoTime } from "../apps/time.ts";
import { instancesAsked } from "../rollout/eligible.ts";
import { instancesOf, lastFailure } from "./instances.ts";
import { readinessResults } from "./readiness.ts";
import { countTasks, taskStats } from "./task-stats.ts";
import { isEnded, type MarathonJson, renderTasks, taskState, tasksAmong } from "./tasks.ts";

export type Embed = {
  readonly tasks: boolean;
  readonly lastTaskFailure: boolean;
  /** Statistics of its tasks as of this time; absent: none. */
  readonly taskStatsAtMs?: number;
  /** What readiness checks have found; absent: left out. */
  readonly readiness?: boolean;
};

/** Marathon's AppInfo of an app as it is to be: counts and deployments always, the rest as `embed` says. null: no such app, or none to read. */
export function appInfo(state: StateView, health: HealthView, app: AppId, embed: Embed): MarathonJson | null {
  const current = targetApp(state, app);
  if (current === null || current.spec === null) return null;
  const { document, spec } = current;
  const all = instancesOf(state, health, { app, ended: embed.lastTaskFailure });
  const tasks = tasksAmong(state, app, all);
  const { staged, running, healthy, unhealthy } = countTasks(tasks);
  const failure = embed.lastTaskFailure ? lastTaskFailure(all) : null;
  const config = configOf(state, app, document.version);
  const about = { configVersion: config, scaledAtMs: document.scaledAtMs };
  return {
    ...renderApp({ ...spec, instances: instancesAsked(state, document) }, { version: document.version }),
    versionInfo: {
      lastScalingAt: isoTime(document.scaledAtMs),
      lastConfigChangeAt: isoTime(config),
    },
    tasksStaged: staged,
    tasksRunning: running,
    tasksHealthy: healthy,
    tasksUnhealthy: unhealthy,
    deployments: document.deployment === null ? [] : [{ id: document.deployment }],
    ...(embed.tasks ? { tasks: renderTasks(state, health, tasks, document.version, spec) } : {}),
    ...(failure === null ? {} : { lastTaskFailure: failure }),
    ...(embed.readiness === true ? { readinessCheckResults: readinessResults(state, health, app) } : {}),
    ...(embed.taskStatsAtMs === undefined
      ? {}
      : { taskStats: taskStats(tasks, { ...about, now: embed.taskStatsAtMs }) }),
  };
}

function lastTaskFailure(instances: readonly InstanceView[]): MarathonJson | null {
  const failure = lastFailure(instances.filter(isEnded));
  if (failure === null) return null;
  const { app, slot, attempt, host, message, agent, version, sinceMs } = failure;
  return {
    appId: app,
    host,
    message,
    state: taskState(failure.state),
    taskId: instanceId({ app, slot, attempt }),
    timestamp: isoTime(sinceMs ?? 0),
    version: isoTime(version),
    slaveId: agent,
  };
}
