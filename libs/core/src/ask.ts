/** What one instance of a version needs of an agent, computed once per version. */
import type { AppSpec, Constraint, Resources, RuntimeName } from "@muster/contracts";

/** One host port an instance needs; `fixed` null takes any free one. */
export type PortAsk = { readonly fixed: number | null };

export type Ask = {
  readonly app: string;
  readonly version: number;
  readonly resources: Resources;
  readonly runtime: RuntimeName;
  readonly ports: readonly PortAsk[];
  readonly constraints: readonly Constraint[];
  readonly roles: readonly string[];
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

export const askOf = (app: string, version: number, spec: AppSpec): Ask => ({
  app,
  version,
  resources: resourcesOf(spec),
  runtime: runtimeOf(spec),
  ports: portsOf(spec),
  constraints: spec.constraints,
  roles: spec.acceptedResourceRoles,
});
