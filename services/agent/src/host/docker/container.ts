/** From a run document to the engine's words. */
import { createHash } from "node:crypto";
import type { ContainerCreateOptions, HostConfig } from "dockerode";
import { CONTAINER_MEMORY_MIN_MIB } from "../../limits.ts";
import { LaunchError, type Order } from "../runtime.ts";
import { readParameters } from "./parameters.ts";

/** `owner` is the work directory's own id: agents of other directories or clusters may share the engine and the names. */
export type Mine = { readonly agent: string; readonly owner: string; readonly allowPrivileged: boolean };

export const LABEL = {
  instance: "muster.instance",
  agent: "muster.agent",
  owner: "muster.owner",
  task: "MESOS_TASK_ID",
} as const;

/** Readable, allowed by the engine (no `=`), and one per instance and owner: a second start of one id meets the first. */
export const containerName = (instance: string, owner: string): string =>
  `muster-${instance.replaceAll("=", "..")}-${createHash("sha256").update(owner).digest("hex").slice(0, 8)}`;

export const imageOf = (order: Order): string => {
  if (order.run.image === null) throw new LaunchError("no-image", "it names no image");
  return order.run.image;
};

const MIB = 1024 * 1024;
const SHARES_PER_CPU = 1024;
const SHARES_MIN = 2;

/** @throws LaunchError for what this agent does not do */
export function containerOptions(order: Order, mine: Mine): ContainerCreateOptions & { name: string } {
  const { run, resources } = order;
  if (run.privileged && !mine.allowPrivileged)
    throw new LaunchError(
      "privileged-refused",
      "it asks for a privileged container, which this agent's settings forbid",
    );
  const { env, labels, host, ...more } = readParameters(run.parameters);
  const memory = Math.max(CONTAINER_MEMORY_MIN_MIB, resources.memoryMib) * MIB;
  const bridged = run.network === "bridge" ? portsOf(order) : null;
  return {
    name: containerName(order.instance, mine.owner),
    Image: imageOf(order),
    ...commandOf(order, more.Entrypoint !== undefined),
    ...(run.user === null ? {} : { User: run.user }),
    ...more,
    Env: [
      ...Object.entries({ ...run.env, MUSTER_INSTANCE: order.instance }).map(([name, value]) => `${name}=${value}`),
      ...env,
    ],
    Labels: {
      ...labels,
      [LABEL.instance]: order.instance,
      [LABEL.agent]: mine.agent,
      [LABEL.owner]: mine.owner,
      [LABEL.task]: order.instance,
    },
    ...(bridged === null ? {} : { ExposedPorts: bridged.ExposedPorts }),
    HostConfig: {
      ...host,
      NetworkMode: run.network,
      ...(bridged === null ? {} : { PortBindings: bridged.PortBindings }),
      // Shares only: a quota of a hundredth of a cpu lets a container take seconds to start.
      CpuShares: Math.max(SHARES_MIN, Math.round((resources.cpuMillis * SHARES_PER_CPU) / 1000)),
      Memory: memory,
      MemorySwap: memory,
      RestartPolicy: { Name: "no" },
      SecurityOpt: ["no-new-privileges"],
      Privileged: run.privileged,
      LogConfig: { Type: "json-file", Config: {} },
    },
  };
}

/** A shell line replaces the image's entrypoint, as Mesos does it (MESOS-1770); arguments are handed to it. */
function commandOf(order: Order, hasEntrypoint: boolean): Pick<ContainerCreateOptions, "Cmd" | "Entrypoint"> {
  const { command } = order.run;
  if (command === null) return {};
  if (command.type === "argv") return { Cmd: command.argv };
  return hasEntrypoint
    ? { Cmd: ["/bin/sh", "-c", command.line] }
    : { Entrypoint: ["/bin/sh", "-c"], Cmd: [command.line] };
}

function portsOf(order: Order): {
  ExposedPorts: Record<string, object>;
  PortBindings: NonNullable<HostConfig["PortBindings"]>;
} {
  const ExposedPorts: Record<string, object> = {};
  const PortBindings: Record<string, { HostPort: string }[]> = {};
  for (const { containerPort, hostPort, protocol } of order.run.portMaps) {
    const key = `${containerPort === 0 ? hostPort : containerPort}/${protocol}`;
    ExposedPorts[key] = {};
    // A host port of 0 means that nothing outside needs to reach it: the engine would pick one nobody has counted.
    if (hostPort !== 0) PortBindings[key] = [...(PortBindings[key] ?? []), { HostPort: String(hostPort) }];
  }
  return { ExposedPorts, PortBindings };
}
