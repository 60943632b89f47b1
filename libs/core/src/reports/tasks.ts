/** Tasks in Marathon's form. Fields that are not set are left out. */
import {
  type AppId,
  type AppSpec,
  agentToken,
  appToken,
  type CheckResult,
  type HealthRecord,
  type HealthView,
  type InstanceView,
  type StateView,
  unreachable,
} from "@muster/contracts";
import { currentApp, specAt } from "../apps/current.ts";
import { servicePortsOf } from "../apps/service-ports.ts";
import { isoTime } from "../apps/time.ts";
import { instancesOf } from "./instances.ts";

/** A JSON object in Marathon's form. */
export type MarathonJson = Record<string, unknown>;

/** A task and what its counts and times are made from. */
export type Task = { readonly instance: InstanceView; readonly state: string; readonly stagedAtMs: number | null };

/** The tasks of one app, by slot and attempt; those that wait for a place among them: staging, without a host. */
export function appTasks(state: StateView, health: HealthView, app: AppId): MarathonJson[] {
  const current = currentApp(state, app);
  const tasks = tasksAmong(state, app, instancesOf(state, health, { app }));
  return renderTasks(state, health, tasks, current?.document.version ?? 0, current?.spec ?? null);
}

/** What was told to end is being killed, whether or not its agent has heard of it. */
export function tasksAmong(state: StateView, app: AppId, instances: readonly InstanceView[]): Task[] {
  const token = appToken(app);
  const placed = new Map<string, number>();
  const stopping = new Set<string>();
  for (const row of state.kind("placed").get(token)?.value.rows ?? []) {
    placed.set(`${row.slot}.${row.attempt}`, row.atMs);
    if (row.goal === "stop") stopping.add(`${row.slot}.${row.attempt}`);
  }
  for (const row of state.kind("wanted").get(token)?.value.rows ?? [])
    if (row.goal === "stop") stopping.add(`${row.slot}.${row.attempt}`);
  return instances
    .filter((instance) => !isEnded(instance))
    .map((instance) => {
      const row = `${instance.slot}.${instance.attempt}`;
      const isKilled = stopping.has(row) && instance.state !== "unreachable";
      return {
        instance,
        state: isKilled ? "TASK_KILLING" : taskState(instance.state),
        stagedAtMs: placed.get(row) ?? instance.sinceMs,
      };
    });
}

/** Most instances are of the current version, whose spec is at hand; older ones are looked up. */
export function renderTasks(
  state: StateView,
  health: HealthView,
  tasks: readonly Task[],
  version: number,
  spec: AppSpec | null,
): MarathonJson[] {
  return tasks.map((task) =>
    renderTask(state, health, task, task.instance.version === version ? spec : specOfInstance(state, task.instance)),
  );
}

export const isEnded = ({ state }: InstanceView): boolean =>
  state === "finished" || state === "failed" || state === "killed" || state === "error";

const specOfInstance = (state: StateView, { app, version }: InstanceView): AppSpec | null =>
  specAt(state, app, version);

function renderTask(
  view: StateView,
  health: HealthView,
  { instance, state, stagedAtMs }: Task,
  spec: AppSpec | null,
): MarathonJson {
  const { id, app, agent, host, ports, version, startedAtMs, healthy } = instance;
  const offer = agent === null ? undefined : view.kind("offer").get(agentToken(agent))?.value;
  const address = offer?.address;
  const verdict = health.kind("verdict").get(id)?.value;
  const checkResult = verdict?.checkResult ?? null;
  return {
    id,
    appId: app,
    ...(agent === null ? {} : { host, slaveId: agent }),
    ports,
    servicePorts: spec === null ? [] : servicePortsOf(spec),
    state,
    ...(agent === null || stagedAtMs === null ? {} : { stagedAt: isoTime(stagedAtMs) }),
    ...(startedAtMs === null ? {} : { startedAt: isoTime(startedAtMs) }),
    version: isoTime(version),
    ipAddresses: address ? [{ ipAddress: address, protocol: address.includes(":") ? "IPv6" : "IPv4" }] : [],
    ...(offer?.region ? { region: offer.region } : {}),
    ...(offer?.zone ? { zone: offer.zone } : {}),
    ...(healthy === null ? {} : { healthCheckResults: healthResults(id, healthy, verdict?.health ?? null) }),
    ...(checkResult === null ? {} : { checkResult: renderCheckResult(checkResult) }),
  };
}

/** One for each health check, true as of the last threshold that was crossed: the agent counts, and tells no more than that. */
function healthResults(instanceId: string, alive: boolean, records: readonly HealthRecord[] | null): MarathonJson[] {
  // An agent from before there were records.
  if (records === null) return [{ alive, consecutiveFailures: alive ? 0 : 1, instanceId }];
  const at = (name: string, ms: number | null) => (ms === null ? {} : { [name]: isoTime(ms) });
  return records.map((record) => ({
    alive: record.alive,
    consecutiveFailures: record.consecutiveFailures,
    ...at("firstSuccess", record.firstSuccessMs),
    ...at("lastSuccess", record.lastSuccessMs),
    ...at("lastFailure", record.lastFailureMs),
    ...(record.lastFailureCause === null ? {} : { lastFailureCause: record.lastFailureCause }),
    instanceId,
  }));
}

/** Where there was no answer in time, what would tell it is left out. */
function renderCheckResult(result: CheckResult): MarathonJson {
  switch (result.type) {
    case "http":
      return { http: result.statusCode === null ? {} : { statusCode: result.statusCode } };
    case "tcp":
      return { tcp: { succeeded: result.succeeded } };
    case "command":
      return { command: result.exitCode === null ? {} : { exitCode: result.exitCode } };
    default:
      return unreachable(result);
  }
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

/**
 * Running tasks as lines for load balancers, one for each service port: the app's id with `_` for slashes, the port, and
 * `host:port` of each task, parted by tabs. An app without service ports has a blank in place of the port.
 */
export function endpointsText(state: StateView, health: HealthView, app: AppId): string {
  const spec = currentApp(state, app)?.spec ?? null;
  const running = tasksAmong(state, app, instancesOf(state, health, { app })).filter(
    (task) => task.state === "TASK_RUNNING",
  );
  const name = app.slice(1).replaceAll("/", "_");
  const servicePorts = spec === null ? [] : servicePortsOf(spec);
  const line = (port: string, places: readonly string[]) => `${[name, port, ...places].join("\t")}\n`;
  if (servicePorts.length === 0) {
    const hosts = running.map(({ instance }) => instance.host ?? "");
    return line(" ", hosts);
  }
  return servicePorts
    .map((port, i) =>
      line(
        String(port),
        running.map(({ instance }) => `${instance.host}:${instance.ports[i] ?? 0}`),
      ),
    )
    .join("");
}
