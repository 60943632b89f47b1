/** Ports: definitions on the host's network, mappings on a bridge; old spellings and Marathon's defaults included. */
import { APP_PORTS_MAX } from "../../limits.ts";
import { type AppSpec, type PortDefinition, type PortMapping, PROTOCOLS } from "../app.ts";
import {
  type At,
  child,
  type Fields,
  hasItems,
  isGiven,
  readInteger,
  readList,
  readObject,
  readOneOf,
  readText,
  readTextMap,
  refuse,
  warn,
} from "./coerce.ts";
import { defaultMapping, defaultPort, MAPPING_DEFAULTS, PORT_DEFAULTS } from "./defaults.ts";
import { atMost } from "./terms.ts";
import { asksNothing, refuseCannot } from "./unsupported.ts";

const PORT_MAX = 65_535;
const DEFINITION_FIELDS = ["port", "protocol", "name", "labels"];
const MAPPING_FIELDS = ["containerPort", "hostPort", "servicePort", "protocol", "name", "labels", "networkNames"];

type Definition = { readonly at: At; readonly port: PortDefinition };
type Mapping = { readonly at: At; readonly port: PortMapping };
const portOf = ({ port }: { port: PortDefinition }): PortDefinition => port;

/** Ports on the host's network; on another network there are none. An empty list means none, silence means one. */
export function readPortDefinitions(
  field: Fields,
  network: AppSpec["network"],
  requirePorts: boolean,
): PortDefinition[] {
  const definitionsAt = field("portDefinitions");
  const portsAt = field("ports");
  if (network !== "host") {
    for (const at of [definitionsAt, portsAt]) warnUnused(at, "ignored: the app is not on the host's network");
    return [];
  }
  const definitions = (readPortList(definitionsAt, "a list of objects with a port") ?? []).flatMap(
    (at) => readDefinition(at) ?? [],
  );
  const ports = (readPortList(portsAt, "a list of port numbers") ?? []).flatMap((at) => readOldPort(at) ?? []);
  const chosen = choose(definitionsAt, definitions, portsAt, ports);
  if (chosen === null) return [defaultPort()];
  refuseTwice(chosen, "port", (port) => port.port, requirePorts);
  refuseTwiceNamed(chosen);
  return chosen.map(portOf);
}

/** `ports` is the old spelling of `portDefinitions`; both may stand only if they say the same. Null: neither stands. */
function choose(definitionsAt: At, definitions: Definition[], portsAt: At, ports: Definition[]): Definition[] | null {
  const isReplaced = definitionsAt.inherited && isGiven(portsAt);
  if (!isGiven(definitionsAt) || isReplaced) return isGiven(portsAt) ? ports : null;
  if (!hasItems(portsAt)) return definitions;
  if (!hasItems(definitionsAt)) return ports;
  const isSame = definitions.map(({ port }) => port.port).join() === ports.map(({ port }) => port.port).join();
  if (!isSame) refuse(portsAt, "ports and portDefinitions say different things: keep portDefinitions");
  return definitions;
}

/** Port mappings on a bridge, from `container.portMappings` or where they stood before Marathon 1.5. */
export function readPortMappings(mappingsAt: At, oldAt: At, network: AppSpec["network"]): PortMapping[] {
  if (network !== "bridge") {
    for (const at of [mappingsAt, oldAt]) warnUnused(at, "ignored: the app is not on a bridge network");
    return [];
  }
  if (hasItems(mappingsAt) && hasItems(oldAt)) {
    refuse(oldAt, "container.portMappings and container.docker.portMappings exclude each other: keep the former");
  }
  const at = isGiven(oldAt) && !hasItems(mappingsAt) ? oldAt : mappingsAt;
  const items = readPortList(at, "a list of objects with a containerPort");
  if (items === undefined) return [defaultMapping()];
  const mappings = items.flatMap((item) => readMapping(item) ?? []);
  refuseTwice(mappings, "containerPort", (port) => port.containerPort, false);
  refuseTwice(mappings, "hostPort", (port) => port.hostPort ?? 0, true);
  refuseTwice(mappings, "servicePort", (port) => port.servicePort, false);
  refuseTwiceNamed(mappings);
  return mappings.map(({ port }) => port);
}

function readPortList(at: At, expected: string): At[] | undefined {
  const items = readList(at, expected);
  return items === undefined ? undefined : atMost(at, items, APP_PORTS_MAX);
}

function warnUnused(at: At, message: string): void {
  if (!at.inherited && !asksNothing(at)) warn(at, message);
}

function readOldPort(at: At): Definition | undefined {
  const port = readPort(at);
  return port === undefined ? undefined : { at, port: { ...PORT_DEFAULTS, port, name: null, labels: {} } };
}

function readDefinition(at: At): Definition | undefined {
  const field = readObject(at, 'an object such as {"port": 8080}', DEFINITION_FIELDS);
  if (field === undefined) return undefined;
  return { at, port: { port: readPort(field("port")) ?? PORT_DEFAULTS.port, ...readNaming(field) } };
}

function readMapping(at: At): Mapping | undefined {
  const field = readObject(at, 'an object such as {"containerPort": 80}', MAPPING_FIELDS);
  if (field === undefined) return undefined;
  if (!asksNothing(field("networkNames"))) refuseCannot(field("networkNames"), "join networks by name");
  const port = {
    containerPort: readPort(field("containerPort")) ?? MAPPING_DEFAULTS.containerPort,
    hostPort: readPort(field("hostPort")) ?? MAPPING_DEFAULTS.hostPort,
    servicePort: readPort(field("servicePort")) ?? MAPPING_DEFAULTS.servicePort,
    ...readNaming(field),
  };
  return { at, port };
}

const readPort = (at: At): number | undefined => readInteger(at, { max: PORT_MAX });

type Naming = Pick<PortMapping, "protocol" | "name" | "labels">;

function readNaming(field: Fields): Naming {
  const protocol = readOneOf(field("protocol"), [...PROTOCOLS, "tcp,udp"] as const) ?? PORT_DEFAULTS.protocol;
  const name = readText(field("name")) ?? null;
  // The name becomes part of a variable in the program's environment.
  if (name !== null && !/^[A-Za-z0-9_.-]+$/.test(name)) refuse(field("name"), 'expected letters, digits and "_.-"');
  const labels = readTextMap(field("labels")) ?? {};
  return { protocol: protocol === "tcp,udp" ? "udp,tcp" : protocol, name, labels };
}

/** Refuses a number that stands twice. `isExclusive`: even where one serves tcp and the other udp. */
function refuseTwice<P extends Naming>(
  ports: readonly { readonly at: At; readonly port: P }[],
  name: string,
  numberOf: (port: P) => number,
  isExclusive: boolean,
): void {
  const seen = new Set<string>();
  for (const { at, port } of ports) {
    const number = numberOf(port);
    if (number === 0) continue;
    const keys = (isExclusive ? "any" : port.protocol).split(",").map((protocol) => `${protocol} ${number}`);
    if (keys.some((key) => seen.has(key))) refuse(at, `${name} ${number} stands twice`);
    for (const key of keys) seen.add(key);
  }
}

function refuseTwiceNamed(ports: readonly { readonly at: At; readonly port: Naming }[]): void {
  const seen = new Set<string>();
  for (const { at, port } of ports) {
    if (port.name === null) continue;
    if (seen.has(port.name)) refuse(child(at, "name", port.name), `the port name "${port.name}" stands twice`);
    seen.add(port.name);
  }
}
