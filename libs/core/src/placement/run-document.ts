/** The launch command of one placed instance: Marathon's environment and networking, worked out from its spec. */
import {
  type AppSpec,
  hash32,
  type InstanceDocument,
  instanceId,
  KILL_GRACE_MS,
  type OfferDocument,
  type PlacedRow,
  type PortMap,
  type RunCheck,
  type RunDocument,
  type RunLimits,
  type RunReadinessCheck,
  type RunResultCheck,
} from "@muster/contracts";
import { resourcesOf, runtimeOf } from "../ask.ts";

const LABEL_PREFIX = "MARATHON_APP_LABEL_";
/** Marathon's bound: neither the name of a label's variable nor its value may be as long as this. */
const LABEL_LENGTH_MAX = 512;

/**
 * The whole record, for a first launch (`run`) and again, unchanged but for its goal, for a stop.
 * `envVarsPrefix` stands in front of the names of HOST and the PORT variables.
 */
export function instanceRecord(
  spec: AppSpec,
  row: PlacedRow,
  offer: Pick<OfferDocument, "address" | "hostname">,
  trace: string | null,
  envVarsPrefix = "",
): InstanceDocument {
  return {
    instance: instanceId({ app: spec.id, slot: row.slot, attempt: row.attempt }),
    app: spec.id,
    slot: row.slot,
    attempt: row.attempt,
    version: row.version,
    agent: row.agent,
    goal: row.goal,
    resources: resourcesOf(spec),
    ports: row.ports,
    run: runDocument(spec, row, offer, envVarsPrefix),
    placedAtMs: row.atMs,
    trace,
  };
}

function runDocument(
  spec: AppSpec,
  row: PlacedRow,
  offer: Pick<OfferDocument, "address" | "hostname">,
  envVarsPrefix: string,
): RunDocument {
  const portMaps = portMapsOf(spec, row);
  return {
    runtime: runtimeOf(spec),
    command:
      spec.cmd !== null
        ? { type: "shell", line: spec.cmd }
        : spec.args !== null
          ? { type: "argv", argv: spec.args }
          : null,
    image: spec.container?.image ?? null,
    forcePull: spec.container?.forcePullImage ?? false,
    privileged: spec.container?.privileged ?? false,
    parameters: spec.container?.parameters ?? [],
    network: spec.network,
    portMaps,
    env: { ...environment(spec, row, offer, portMaps, envVarsPrefix), ...spec.env },
    user: spec.user,
    labels: spec.labels,
    healthChecks: checksOf(spec, row.ports, portMaps),
    readinessChecks: readinessChecksOf(spec, row.ports, portMaps),
    check: checkOf(spec, row.ports, portMaps),
    killGraceMs:
      spec.taskKillGracePeriodSeconds === null ? KILL_GRACE_MS : Math.round(spec.taskKillGracePeriodSeconds * 1_000),
    limits: limitsOf(spec),
  };
}

/** Without a limit of its own an app keeps to the memory it asked for, and may use what cpu is idle (as Mesos does it). */
const limitsOf = ({ limits, mem }: AppSpec): RunLimits => ({
  cpuMillis: typeof limits.cpus === "number" ? Math.ceil(Math.round(limits.cpus * 1e6) / 1e3) : null,
  memoryMib: limits.mem === "unlimited" ? null : Math.ceil(limits.mem ?? mem),
});

function portMapsOf(spec: AppSpec, row: PlacedRow): PortMap[] {
  if (spec.network !== "bridge") return [];
  const left = [...row.ports];
  const maps: PortMap[] = [];
  for (const [i, mapping] of (spec.container?.portMappings ?? []).entries()) {
    const hostPort = mapping.hostPort === null ? 0 : (left.shift() ?? 0);
    const containerPort = mapping.containerPort || hostPort || anyContainerPort(spec.id, row, i);
    for (const protocol of mapping.protocol === "udp,tcp" ? (["tcp", "udp"] as const) : [mapping.protocol])
      maps.push({ containerPort, hostPort, protocol, name: mapping.name });
  }
  return maps;
}

/** For a mapping that leaves both ports to us: nothing else is in the container, so any will do; the same for a record's every writing. */
const anyContainerPort = (app: string, { slot, attempt }: PlacedRow, i: number): number =>
  FREE_PORTS.first + (hash32(`${instanceId({ app, slot, attempt })}/${i}`) % (FREE_PORTS.last - FREE_PORTS.first + 1));
const FREE_PORTS = { first: 1_025, last: 65_535 };

/** What an instance is to listen on for others: the host's port of each mapping, the container's own where it has none. */
const portsBehindBridge = (portMaps: readonly PortMap[]): number[] => mappingsOf(portMaps).map(portOutside);

const portOutside = ({ hostPort, containerPort }: PortMap): number => (hostPort > 0 ? hostPort : containerPort);

const mappingsOf = (portMaps: readonly PortMap[]): PortMap[] =>
  portMaps.filter((map, i) => portMaps.findIndex((other) => isOneMapping(other, map)) === i);

/** A mapping for both protocols is two maps. */
const isOneMapping = (a: PortMap, b: PortMap): boolean =>
  a.containerPort === b.containerPort && a.hostPort === b.hostPort && a.name === b.name;

/** Health checks with their ports: a port index counts the app's ports; on a bridge its mapping's host port, or the container's own. */
function checksOf(spec: AppSpec, ports: readonly number[], portMaps: readonly PortMap[]): RunCheck[] {
  return spec.healthChecks.map((check) => ({
    check,
    port: check.protocol === "COMMAND" ? null : portToCheck(check, spec, ports, portMaps),
  }));
}

function checkOf(spec: AppSpec, ports: readonly number[], portMaps: readonly PortMap[]): RunResultCheck | null {
  const { check } = spec;
  if (check === null) return null;
  return { check, port: check.probe.type === "exec" ? null : portToCheck(check.probe, spec, ports, portMaps) };
}

function portToCheck(
  { port, portIndex }: { readonly port: number | null; readonly portIndex: number | null },
  spec: AppSpec,
  ports: readonly number[],
  portMaps: readonly PortMap[],
): number | null {
  if (port !== null && port > 0) return port;
  const index = portIndex ?? 0;
  if (spec.network !== "bridge") return ports[index] ?? null;
  const map = mappingsOf(portMaps)[index];
  return map === undefined ? null : portOutside(map);
}

/** Readiness checks with the port that each names; on a bridge its mapping's host port, or the container's own without one. */
function readinessChecksOf(spec: AppSpec, ports: readonly number[], portMaps: readonly PortMap[]): RunReadinessCheck[] {
  return spec.readinessChecks.map((check) => {
    const map = portMaps.find(({ name }) => name === check.portName);
    const index = spec.portDefinitions.findIndex(({ name }) => name === check.portName);
    const port = map === undefined ? ports[index] : portOutside(map);
    return { check, port: port ?? null };
  });
}

/** Variables every Marathon task finds, the user's own last (by the caller). Source: reference of task environment variables. */
function environment(
  spec: AppSpec,
  row: PlacedRow,
  offer: Pick<OfferDocument, "address" | "hostname">,
  portMaps: readonly PortMap[],
  prefix: string,
): Record<string, string> {
  const ports = spec.network === "bridge" ? portsBehindBridge(portMaps) : row.ports;
  const placed = { HOST: offer.hostname, ...portVariables(spec, ports, portMaps) };
  const id = instanceId({ app: spec.id, slot: row.slot, attempt: row.attempt });
  return {
    MESOS_TASK_ID: id,
    MARATHON_APP_ID: spec.id,
    MARATHON_APP_VERSION: new Date(row.version).toISOString(),
    ...(spec.container?.type === "DOCKER" && spec.container.image
      ? { MARATHON_APP_DOCKER_IMAGE: spec.container.image }
      : {}),
    // There are no roles of groups to enforce yet.
    MARATHON_APP_ENFORCE_GROUP_ROLE: "FALSE",
    MARATHON_APP_RESOURCE_CPUS: decimal(spec.cpus),
    MARATHON_APP_RESOURCE_MEM: decimal(spec.mem),
    MARATHON_APP_RESOURCE_DISK: decimal(spec.disk),
    MARATHON_APP_RESOURCE_GPUS: String(spec.gpus),
    ...labelVariables(spec.labels),
    ...Object.fromEntries(Object.entries(placed).map(([name, value]) => [`${prefix}${name}`, value])),
    ...itemVariables(row.items),
  };
}

/** `MUSTER_RESOURCE_DISKS=sda,sdb`: which items of the agent's own sets are this instance's. */
const itemVariables = (items: PlacedRow["items"]): Record<string, string> =>
  Object.fromEntries(
    Object.entries(items).map(([set, taken]) => [`MUSTER_RESOURCE_${variableName(set)}`, taken.join(",")]),
  );

const decimal = (value: number): string => (Number.isInteger(value) ? value.toFixed(1) : String(value));
const variableName = (name: string): string => name.toUpperCase().replaceAll(/[^A-Z0-9_]/g, "_");

/** Labels that are too long for a variable are left out. */
function labelVariables(labels: Readonly<Record<string, string>>): Record<string, string> {
  const short = Object.entries(labels).filter(
    ([name, value]) => LABEL_PREFIX.length + name.length < LABEL_LENGTH_MAX && value.length < LABEL_LENGTH_MAX,
  );
  const values = new Map(short.map(([name, value]) => [name.replaceAll(/[^A-Za-z0-9_]+/g, "_").toUpperCase(), value]));
  return {
    MARATHON_APP_LABELS: [...values.keys()].join(" "),
    ...Object.fromEntries([...values].map(([name, value]) => [`${LABEL_PREFIX}${name}`, value])),
  };
}

function portVariables(spec: AppSpec, ports: readonly number[], portMaps: readonly PortMap[]): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [i, port] of ports.entries()) variables[`PORT${i}`] = String(port);
  if (ports.length > 0) {
    variables.PORT = String(ports[0]);
    variables.PORTS = ports.join(",");
  }
  const named = (requested: number, name: string | null, port: number | undefined) => {
    if (port === undefined) return;
    if (requested > 0) variables[`PORT_${requested}`] = String(port);
    if (name !== null && name !== "") variables[`PORT_${variableName(name)}`] = String(port);
  };
  if (spec.network === "host")
    for (const [i, definition] of spec.portDefinitions.entries()) named(definition.port, definition.name, ports[i]);
  else for (const map of portMaps) named(map.containerPort, map.name, portOutside(map));
  return variables;
}
