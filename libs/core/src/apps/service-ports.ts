/**
 * Service ports: the ports load balancers know an app by, one owner each. Marathon's rule: a port of 0 gets one of the
 * range, and keeps it across updates. A port that another app has is a warning, never a refusal.
 */
import {
  type AppId,
  type AppSpec,
  appToken,
  keys,
  MusterError,
  type Problem,
  SERVICE_PORT_RANGE,
  type StateView,
  type Write,
} from "@muster/contracts";

/** On the host's network a definition's port is the service port; behind a bridge each mapping has one beside it. */
export const servicePortsOf = (spec: AppSpec): number[] =>
  spec.network === "host"
    ? spec.portDefinitions.map((definition) => definition.port)
    : (spec.container?.portMappings ?? []).map((mapping) => mapping.servicePort);

/** Ports that must be had on the host are no service ports: several apps may ask for the same on different agents. */
const hasServicePorts = (spec: AppSpec): boolean => !(spec.network === "host" && spec.requirePorts);

function withServicePorts(spec: AppSpec, ports: readonly number[]): AppSpec {
  if (spec.network === "host") {
    const portDefinitions = spec.portDefinitions.map((definition, i) => ({ ...definition, port: ports[i] as number }));
    return { ...spec, portDefinitions };
  }
  if (spec.container === null) return spec;
  const portMappings = spec.container.portMappings.map((mapping, i) => ({
    ...mapping,
    servicePort: ports[i] as number,
  }));
  return { ...spec, container: { ...spec.container, portMappings } };
}

const isAllocated = (port: number): boolean => port >= SERVICE_PORT_RANGE.first && port <= SERVICE_PORT_RANGE.last;

/** The spec with the allocated ports of the app as it stands, each at its own place first. */
export function keepServicePorts(spec: AppSpec, current: AppSpec | null): AppSpec {
  if (current === null || !hasServicePorts(spec) || !hasServicePorts(current)) return spec;
  const ports = servicePortsOf(spec);
  const old = servicePortsOf(current);
  const spare = new Set(old.filter((port) => isAllocated(port) && !ports.includes(port)));
  const take = (port: number | undefined): number => {
    if (port === undefined || !spare.delete(port)) return 0;
    return port;
  };
  const inPlace = ports.map((port, i) => (port === 0 ? take(old[i]) : port));
  return withServicePorts(
    spec,
    inPlace.map((port) => (port === 0 ? take(spare.values().next().value) : port)),
  );
}

export type PortClaims = {
  readonly spec: AppSpec;
  readonly writes: readonly Write[];
  readonly warnings: readonly Problem[];
};

/**
 * Fills in the ports that are still 0, claims what is free and gives back what the app no longer names.
 * Throws `spec.invalid` when the whole range is taken.
 */
export function claimServicePorts(
  view: StateView,
  spec: AppSpec,
  current: AppSpec | null,
  dice: () => number,
): PortClaims {
  if (!hasServicePorts(spec)) return { spec, writes: releases(view, spec.id, current, []), warnings: [] };
  const given = servicePortsOf(spec);
  const mine = new Set(given.filter((port) => port !== 0));
  const ports = given.map((port, i) => {
    if (port !== 0) return port;
    const free = freePort(view, mine, dice);
    if (free === null) throw exhausted(spec, i);
    mine.add(free);
    return free;
  });
  const writes: Write[] = [];
  const warnings: Problem[] = [];
  for (const port of mine) {
    const owner = ownerOf(view, port);
    if (owner === spec.id) continue;
    if (owner === null) writes.push(claim(view, spec.id, port));
    else
      warnings.push({ path: pathOf(spec, given.indexOf(port)), message: `service port ${port} belongs to ${owner}` });
  }
  return {
    spec: withServicePorts(spec, ports),
    writes: [...writes, ...releases(view, spec.id, current, ports)],
    warnings,
  };
}

const pathOf = (spec: AppSpec, index: number): string =>
  spec.network === "host" ? `/portDefinitions(${index})/port` : `/container/portMappings(${index})/servicePort`;

/** A claim whose app is gone is free. */
function ownerOf(view: StateView, port: number): AppId | null {
  const owner = view.kind("port").get(String(port))?.value.owner;
  return owner !== undefined && view.kind("app").has(appToken(owner)) ? owner : null;
}

/** Begins anywhere, so that gateways deciding at the same time seldom want the same port. */
function freePort(view: StateView, mine: ReadonlySet<number>, dice: () => number): number | null {
  const size = SERVICE_PORT_RANGE.last - SERVICE_PORT_RANGE.first + 1;
  const start = Math.floor(dice() * size);
  for (let i = 0; i < size; i += 1) {
    const port = SERVICE_PORT_RANGE.first + ((start + i) % size);
    if (!mine.has(port) && ownerOf(view, port) === null) return port;
  }
  return null;
}

function exhausted(spec: AppSpec, index: number): MusterError {
  const message = `no service port between ${SERVICE_PORT_RANGE.first} and ${SERVICE_PORT_RANGE.last} is free: name one`;
  return new MusterError("spec.invalid", message, { problems: [{ path: pathOf(spec, index), message }] });
}

const claim = (view: StateView, app: AppId, port: number): Write => ({
  key: keys.servicePort(port),
  value: { kind: "app", owner: app },
  expect: view.revision(keys.servicePort(port)),
});

function releases(view: StateView, app: AppId, current: AppSpec | null, kept: readonly number[]): Write[] {
  if (current === null) return [];
  return [...new Set(servicePortsOf(current))]
    .filter((port) => !kept.includes(port) && view.kind("port").get(String(port))?.value.owner === app)
    .map((port) => ({ key: keys.servicePort(port), value: null, expect: view.revision(keys.servicePort(port)) }));
}
