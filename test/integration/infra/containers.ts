/**
 * Services of infra/compose.yaml as containers, without docker compose: each key becomes the option of `docker run` that
 * compose would make of it. Three things differ: images are those given, host ports are free ones, and nothing is
 * restarted, so that a program that ends is seen.
 */
import { join } from "node:path";
import { until } from "@muster/testkit";
import { type Compose, type ComposeService, publishedPort, ROOT, volumeOf } from "./compose.ts";
import { docker } from "./docker.ts";

export type Containers = {
  /** Starts a service once those that it depends on are healthy. `environment` wins over what compose.yaml says. */
  start(name: string, environment?: Readonly<Record<string, string>>): Promise<void>;
  /** Starts a container that stands in for a service, under its name and with its ports. */
  startInstead(name: string, image: string, command: readonly string[]): Promise<void>;
  /** Runs the service's own health check until it passes. */
  untilHealthy(name: string, withinMs?: number): Promise<void>;
  /** Where a container's published port is found on this machine. */
  hostPort(name: string, port: number): Promise<number>;
  restart(name: string): Promise<void>;
  /** The last lines of everybody, for a person who wonders what went wrong. */
  logs(): Promise<string>;
  remove(): Promise<void>;
};

export async function openContainers(
  compose: Compose,
  { id, imageOf }: { id: string; imageOf: (image: string) => string },
): Promise<Containers> {
  const started: string[] = [];
  const nameOf = (name: string): string => `${id}-${name}`;
  const find = (name: string): ComposeService => {
    const service = compose.services.get(name);
    if (service === undefined) throw new Error(`infra/compose.yaml has no ${name}`);
    return service;
  };
  const run = async (name: string, options: readonly string[], image: string, command: readonly string[]) => {
    started.push(name);
    await docker(["run", "--detach", "--name", nameOf(name), ...options, image, ...command]);
  };
  const untilHealthy = async (name: string, withinMs = 30_000): Promise<void> => {
    const [, ...check] = find(name).healthcheck?.test ?? [];
    if (check.length === 0) throw new Error(`${name} has no health check`);
    await until(() => docker(["exec", nameOf(name), ...check]).then(() => true), {
      withinMs,
      everyMs: 250,
      what: `a healthy ${name}`,
    });
  };
  await docker(["network", "create", id]);
  return {
    untilHealthy,
    async start(name, environment = {}) {
      const service = find(name);
      for (const other of Object.keys(service.depends_on)) await untilHealthy(other);
      const all = { ...service.environment, ...environment };
      const variables = Object.entries(all).flatMap(([key, value]) => ["--env", `${key}=${value}`]);
      const options = [...networkOptions(name, service, id), ...rightsOptions(service), ...volumeOptions(service, id)];
      await run(name, [...options, ...variables, ...limitOptions(service)], imageOf(service.image), service.command);
    },
    startInstead: (name, image, command) => run(name, networkOptions(name, find(name), id), image, command),
    async hostPort(name, port) {
      const address = await docker(["port", nameOf(name), `${port}/tcp`]);
      return Number(/:(\d+)$/m.exec(address)?.[1]);
    },
    restart: async (name) => void (await docker(["restart", nameOf(name)])),
    async logs() {
      const each = started.map(async (name) => `--- ${name}\n${await docker(["logs", "--tail", "15", nameOf(name)])}`);
      return (await Promise.all(each)).join("\n");
    },
    async remove() {
      if (started.length > 0) await docker(["rm", "--force", "--volumes", ...started.map(nameOf)]);
      const volumes = (await docker(["volume", "ls", "--quiet", "--filter", `name=${id}-`])).split("\n");
      for (const volume of volumes.filter((line) => line !== "")) await docker(["volume", "rm", volume]);
      await docker(["network", "rm", id]);
    },
  };
}

function networkOptions(name: string, service: ComposeService, network: string): string[] {
  const doors = service.ports.map(publishedPort);
  return [
    ...(service.network_mode === undefined
      ? ["--network", network, "--network-alias", name]
      : ["--network", service.network_mode]),
    ...doors.flatMap(({ address, container }) => ["--publish", `${address}::${container}`]),
  ];
}

function rightsOptions({ user, pid, read_only, cap_drop, cap_add, security_opt }: ComposeService): string[] {
  return [
    ...(user === undefined ? [] : ["--user", user]),
    ...(pid === undefined ? [] : ["--pid", pid]),
    ...(read_only ? ["--read-only"] : []),
    ...cap_drop.flatMap((name) => ["--cap-drop", name]),
    ...cap_add.flatMap((name) => ["--cap-add", name]),
    ...security_opt.flatMap((option) => ["--security-opt", option]),
  ];
}

function volumeOptions({ volumes }: ComposeService, id: string): string[] {
  return volumes.flatMap((volume) => {
    const { source, isPath } = volumeOf(volume);
    const from = source.startsWith("./") ? join(ROOT, "infra", source) : isPath ? source : `${id}-${source}`;
    return ["--volume", `${from}${volume.slice(source.length)}`];
  });
}

function limitOptions({ deploy, stop_grace_period, logging }: ComposeService): string[] {
  return [
    ...["--memory", deploy.resources.limits.memory],
    ...(stop_grace_period === undefined ? [] : ["--stop-timeout", stop_grace_period.replace("s", "")]),
    ...["--log-driver", logging.driver],
    ...Object.entries(logging.options).flatMap(([key, value]) => ["--log-opt", `${key}=${value}`]),
  ];
}
