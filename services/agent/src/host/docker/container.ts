/** From a run document to the engine's words. */
import { createHash } from "node:crypto";
import type { ContainerCreateOptions, HostConfig } from "dockerode";
import { CONTAINER_MEMORY_MIN_MIB } from "../../limits.ts";
import { LaunchError, type Order } from "../runtime.ts";
import { sharedFolder } from "../sandbox.ts";
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

/** Where a container finds its sandbox, as in Mesos. */
export const SANDBOX_INSIDE = "/mnt/mesos/sandbox";

const MIB = 1024 * 1024;
const SHARES_PER_CPU = 1024;
const SHARES_MIN = 2;
/** A limit of a tenth of a cpu is 10 ms in each such period; the kernel takes no less than one. */
const QUOTA_PERIOD_US = 100_000;
const QUOTA_MIN_US = 1_000;

/** @throws LaunchError for what this agent does not do */
export function containerOptions(order: Order, mine: Mine): ContainerCreateOptions & { name: string } {
  const { run, resources } = order;
  if (run.privileged && !mine.allowPrivileged)
    throw new LaunchError(
      "privileged-refused",
      "it asks for a privileged container, which this agent's settings forbid",
    );
  const { env, labels, host, ...more } = readParameters(run.parameters);
  const bridged = run.network === "bridge" ? portsOf(order) : null;
  return {
    name: containerName(order.instance, mine.owner),
    Image: imageOf(order),
    ...commandOf(order, more.Entrypoint !== undefined),
    ...(run.user === null ? {} : { User: run.user }),
    ...more,
    Env: [
      ...Object.entries({
        MESOS_SANDBOX: SANDBOX_INSIDE,
        ...run.env,
        MUSTER_SANDBOX: SANDBOX_INSIDE,
        MUSTER_INSTANCE: order.instance,
      }).map(([name, value]) => `${name}=${value}`),
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
      Binds: [`${sharedFolder(order.sandbox)}:${SANDBOX_INSIDE}`],
      NetworkMode: run.network,
      ...(bridged === null ? {} : { PortBindings: bridged.PortBindings }),
      // What is asked for is a share. It is no quota: one of a hundredth of a cpu lets a container take seconds to start.
      CpuShares: Math.max(SHARES_MIN, Math.round((resources.cpuMillis * SHARES_PER_CPU) / 1000)),
      ...boundsOf(order),
      RestartPolicy: { Name: "no" },
      SecurityOpt: ["no-new-privileges"],
      Privileged: run.privileged,
      LogConfig: { Type: "json-file", Config: {} },
    },
  };
}

type Bounds = Pick<HostConfig, "CpuPeriod" | "CpuQuota" | "Memory" | "MemorySwap" | "MemoryReservation">;

function boundsOf({ run, resources }: Order): Bounds {
  const { cpuMillis, memoryMib } = run.limits ?? { cpuMillis: null, memoryMib: resources.memoryMib };
  const bytes = (mib: number): number => Math.max(CONTAINER_MEMORY_MIN_MIB, mib) * MIB;
  const isBurst = memoryMib === null || memoryMib > resources.memoryMib;
  return {
    ...(cpuMillis === null
      ? {}
      : {
          CpuPeriod: QUOTA_PERIOD_US,
          CpuQuota: Math.max(QUOTA_MIN_US, Math.round((cpuMillis * QUOTA_PERIOD_US) / 1000)),
        }),
    ...(memoryMib === null ? {} : { Memory: bytes(memoryMib), MemorySwap: bytes(memoryMib) }),
    // Beyond what was asked for it is the first to give memory back.
    ...(isBurst ? { MemoryReservation: bytes(resources.memoryMib) } : {}),
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
