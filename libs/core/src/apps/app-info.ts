/** Apps and tasks in Marathon's form, for the clients that were written for it. Fields that are not set are left out. */
import {
  type AppId,
  type AppSpec,
  agentToken,
  appToken,
  type HealthView,
  type InstanceView,
  instanceId,
  renderApp,
  type StateView,
  unreachable,
} from "@muster/contracts";
import { instancesAsked } from "../rollout/eligible.ts";
import { currentApp } from "./current.ts";
import { countInstances, instancesOf, lastFailure } from "./instances.ts";
import { readinessResults } from "./readiness.ts";
import { servicePortsOf } from "./service-ports.ts";
import { isoTime } from "./time.ts";

/** A JSON object in Marathon's form. */
export type MarathonJson = Record<string, unknown>;

export type Embed = {
  readonly tasks: boolean;
  readonly lastTaskFailure: boolean;
  /** Left out when absent. */
  readonly readiness?: boolean;
};

/** Marathon's AppInfo: counts and deployments always, the rest as `embed` says. null: no such app, or none to read. */
export function appInfo(state: StateView, health: HealthView, app: AppId, embed: Embed): MarathonJson | null {
  const current = currentApp(state, app);
  if (current === null || current.spec === null) return null;
  const { document, spec } = current;
  const all = instancesOf(state, health, { app, ended: embed.lastTaskFailure });
  const { staged, running, healthy, unhealthy } = countInstances(all);
  const failure = embed.lastTaskFailure ? lastTaskFailure(all) : null;
  return {
    ...renderApp({ ...spec, instances: instancesAsked(state, document) }, { version: document.version }),
    versionInfo: {
      lastScalingAt: isoTime(document.scaledAtMs),
      lastConfigChangeAt: isoTime(document.version),
    },
    tasksStaged: staged,
    tasksRunning: running,
    tasksHealthy: healthy,
    tasksUnhealthy: unhealthy,
    deployments: document.deployment === null ? [] : [{ id: document.deployment }],
    ...(embed.tasks ? { tasks: tasksOf(state, all, document.version, spec) } : {}),
    ...(failure === null ? {} : { lastTaskFailure: failure }),
    ...(embed.readiness === true ? { readinessCheckResults: readinessResults(state, health, app) } : {}),
  };
}

/** The tasks of one app. Instances that wait for a place are no tasks yet: they have neither host nor ports. */
export function appTasks(state: StateView, health: HealthView, app: AppId): MarathonJson[] {
  const current = currentApp(state, app);
  const version = current?.document.version ?? 0;
  return tasksOf(state, instancesOf(state, health, { app }), version, current?.spec ?? null);
}

/** Most instances are of the current version, whose spec is at hand; older ones are looked up. */
function tasksOf(
  state: StateView,
  instances: readonly InstanceView[],
  version: number,
  spec: AppSpec | null,
): MarathonJson[] {
  const tasks = instances.filter((instance) => instance.agent !== null && !isEnded(instance));
  const token = appToken(tasks[0]?.app ?? "");
  const placedAtMs = new Map(
    (state.kind("placed").get(token)?.value.rows ?? []).map((row) => [`${row.slot}.${row.attempt}`, row.atMs]),
  );
  return tasks.map((instance) =>
    taskInfo(state, instance, {
      spec: instance.version === version ? spec : specOfInstance(state, instance),
      stagedAtMs: placedAtMs.get(`${instance.slot}.${instance.attempt}`) ?? instance.sinceMs,
    }),
  );
}

const isEnded = ({ state }: InstanceView): boolean =>
  state === "finished" || state === "failed" || state === "killed" || state === "error";

const specOfInstance = (state: StateView, instance: InstanceView): AppSpec | null =>
  state.kind("version").get(`${appToken(instance.app)}.${instance.version}`)?.value.spec ?? null;

export type TaskAbout = {
  /** Of the instance's version, or null when that is gone. */
  readonly spec: AppSpec | null;
  /** When it was placed. */
  readonly stagedAtMs: number | null;
};

/** Marathon's task. */
export function taskInfo(state: StateView, instance: InstanceView, { spec, stagedAtMs }: TaskAbout): MarathonJson {
  const { id, app, agent, host, ports, version, startedAtMs, healthy } = instance;
  const address = agent === null ? null : (state.kind("offer").get(agentToken(agent))?.value.address ?? null);
  return {
    id,
    appId: app,
    host,
    ports,
    servicePorts: spec === null ? [] : servicePortsOf(spec),
    slaveId: agent,
    state: taskState(instance.state),
    ...(stagedAtMs === null ? {} : { stagedAt: isoTime(stagedAtMs) }),
    ...(startedAtMs === null ? {} : { startedAt: isoTime(startedAtMs) }),
    version: isoTime(version),
    ipAddresses: address === null ? [] : [{ ipAddress: address, protocol: address.includes(":") ? "IPv6" : "IPv4" }],
    // The agent counts; what stands here is whether the last threshold that was crossed made it alive.
    ...(healthy === null
      ? {}
      : { healthCheckResults: [{ alive: healthy, consecutiveFailures: healthy ? 0 : 1, instanceId: id }] }),
  };
}

/** A level as Mesos names it. */
export function taskState(state: InstanceView["state"]): string {
  switch (state) {
    case "waiting":
    case "placed":
    case "overdue":
    case "staging":
      return "TASK_STAGING";
    case "starting":
    case "running":
    case "killing":
    case "finished":
    case "failed":
    case "killed":
    case "error":
    case "unreachable":
      return `TASK_${state.toUpperCase()}`;
    default:
      return unreachable(state);
  }
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
