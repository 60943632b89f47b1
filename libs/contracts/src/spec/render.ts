/** An app as Marathon 1.5 and later write it: current spellings only, and fields that are not set are left out. */
import type { AppSpec, Container, HealthCheck, PortDefinition, PortMapping } from "./app.ts";
import { renderCheck } from "./check.ts";
import { isHttp } from "./read/health-checks.ts";
import { renderCustom, renderLimits, renderPlacement, withoutNulls } from "./render-placement.ts";
import { renderRollout } from "./render-rollout.ts";

const NETWORK_MODES = { host: "host", bridge: "container/bridge", none: "none" } as const;

/** What `readApp` reads back as the same spec. `about.version`: milliseconds since the epoch. */
export function renderApp(spec: AppSpec, about: { readonly version: number }): Record<string, unknown> {
  return withoutNulls({
    id: spec.id,
    cmd: spec.cmd,
    args: spec.args,
    user: spec.user,
    env: spec.env,
    labels: spec.labels,
    instances: spec.instances,
    cpus: spec.cpus,
    mem: spec.mem,
    disk: spec.disk,
    gpus: spec.gpus,
    resourceLimits: renderLimits(spec.limits),
    resources: renderCustom(spec.custom),
    constraints: spec.constraints.map(({ field, operator, value }) =>
      value === null ? [field, operator] : [field, operator, value],
    ),
    placement: renderPlacement(spec.placement),
    acceptedResourceRoles: spec.acceptedResourceRoles.length === 0 ? null : spec.acceptedResourceRoles,
    container: spec.container === null ? null : renderContainer(spec.container, spec.network),
    networks: [{ mode: NETWORK_MODES[spec.network] }],
    portDefinitions: spec.network === "host" ? spec.portDefinitions.map(renderPort) : null,
    requirePorts: spec.requirePorts,
    healthChecks: spec.healthChecks.map(renderHealthCheck),
    readinessChecks: spec.readinessChecks.length === 0 ? null : spec.readinessChecks,
    check: spec.check === null ? null : renderCheck(spec.check),
    backoffSeconds: spec.backoffSeconds,
    backoffFactor: spec.backoffFactor,
    maxLaunchDelaySeconds: spec.maxLaunchDelaySeconds,
    upgradeStrategy: spec.upgradeStrategy,
    rollout: renderRollout(spec.rollout),
    killSelection: spec.killSelection,
    taskKillGracePeriodSeconds: spec.taskKillGracePeriodSeconds,
    unreachableStrategy: spec.unreachableStrategy ?? "disabled",
    dependencies: spec.dependencies,
    version: new Date(about.version).toISOString(),
  });
}

function renderContainer(container: Container, network: AppSpec["network"]): Record<string, unknown> {
  const { type, image, privileged, parameters, forcePullImage, portMappings } = container;
  return withoutNulls({
    type,
    docker: image === null ? null : { image, privileged, parameters, forcePullImage },
    portMappings: network === "bridge" ? portMappings.map(renderPort) : null,
    volumes: [],
  });
}

const renderPort = (port: PortDefinition | PortMapping): Record<string, unknown> => withoutNulls({ ...port });

function renderHealthCheck(check: HealthCheck): Record<string, unknown> {
  const { command, ignoreHttp1xx, ...others } = check;
  return withoutNulls({
    ...others,
    command: command === null ? null : { value: command },
    ignoreHttp1xx: isHttp(check.protocol) ? ignoreHttp1xx : null,
  });
}
