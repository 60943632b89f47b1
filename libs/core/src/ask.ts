/** What one instance of a version needs of an agent, worked out once per version. */
import type { AppSpec, Constraint, CustomAsk, PlacementSpec, Resources, RuntimeName } from "@muster/contracts";

/** One host port an instance needs; `fixed` null takes any free one. */
export type PortAsk = { readonly fixed: number | null };

export type Ask = {
  readonly app: string;
  readonly version: number;
  readonly resources: Resources;
  /** null: no custom resources. */
  readonly custom: CustomAsk | null;
  readonly runtime: RuntimeName;
  readonly image: string | null;
  readonly ports: readonly PortAsk[];
  /** Those of them that are fixed. */
  readonly fixedPorts: readonly number[];
  readonly roles: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly constraints: readonly Constraint[];
  readonly placement: PlacementSpec;
};

/** Thousandths of a core and whole mebibytes, rounded up: never promises more than there is. */
export const resourcesOf = (spec: AppSpec): Resources => ({
  cpuMillis: Math.ceil(Math.round(spec.cpus * 1e6) / 1e3),
  memoryMib: Math.ceil(spec.mem),
  diskMib: Math.ceil(spec.disk),
  gpus: spec.gpus,
});

/** An app with an image runs in Docker, whatever its container is called; all else is a plain process. */
export const runtimeOf = (spec: AppSpec): RuntimeName => (spec.container?.image ? "docker" : "process");

/** Host ports asked for, in the order of the spec (Marathon's rules: host mode takes the definitions, bridge the mappings). */
export function portsOf(spec: AppSpec): PortAsk[] {
  switch (spec.network) {
    case "host":
      return spec.portDefinitions.map((definition) => ({
        fixed: spec.requirePorts && definition.port > 0 ? definition.port : null,
      }));
    case "bridge":
      return (spec.container?.portMappings ?? [])
        .filter((mapping) => mapping.hostPort !== null)
        .map((mapping) => ({ fixed: (mapping.hostPort as number) > 0 ? (mapping.hostPort as number) : null }));
    case "none":
      return [];
  }
}

const isEmpty = ({ scalars, sets }: CustomAsk): boolean =>
  Object.keys(scalars).length === 0 && Object.keys(sets).length === 0;

const known = new WeakMap<AppSpec, Ask>();

/** Specs never change once stored, so neither do their asks. */
export function askOf(app: string, version: number, spec: AppSpec): Ask {
  const before = known.get(spec);
  if (before !== undefined && before.version === version) return before;
  const ask: Ask = {
    app,
    version,
    resources: resourcesOf(spec),
    custom: isEmpty(spec.custom) ? null : spec.custom,
    runtime: runtimeOf(spec),
    image: spec.container?.image ?? null,
    ports: portsOf(spec),
    fixedPorts: portsOf(spec).flatMap(({ fixed }) => fixed ?? []),
    roles: spec.acceptedResourceRoles.length === 0 ? ["*"] : spec.acceptedResourceRoles,
    labels: spec.labels,
    constraints: spec.constraints,
    placement: spec.placement,
  };
  known.set(spec, ask);
  return ask;
}
