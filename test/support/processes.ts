/** Every service as a process of its own, as in production, with its death and return in the test's hand. */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, type NatsServer, startNatsServer, until } from "@muster/testkit";

const root = fileURLToPath(new URL("../..", import.meta.url));

export type ServiceProcess = {
  readonly name: string;
  pid(): number;
  /** kill -9, and resolves when it is gone. */
  kill(): Promise<void>;
  start(): void;
  /** SIGTERM, and the exit code. */
  terminate(): Promise<number | null>;
  log(): Promise<string>;
};

/** @param service a service's folder, or `folder/script` for another script than its main. */
export function serviceProcess(
  service: string,
  name: string,
  flags: readonly string[],
  folder: string,
  env: NodeJS.ProcessEnv = {},
): ServiceProcess {
  const file = join(folder, `${name}.log`);
  const [home = service, script = "main"] = service.split("/");
  let child: ChildProcess | null = null;
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    const ending = child;
    if (ending === null || ending.exitCode !== null || ending.signalCode !== null) return ending?.exitCode ?? null;
    const ended = new Promise<number | null>((resolve) => ending.once("exit", (code) => resolve(code)));
    ending.kill(signal);
    return await ended;
  };
  return {
    name,
    pid: () => child?.pid ?? 0,
    start() {
      const out = createWriteStream(file, { flags: "a" });
      child = spawn(process.execPath, [join(root, "services", home, "src", `${script}.ts`), ...flags], {
        cwd: root,
        env: { ...process.env, ...env },
        stdio: ["ignore", "pipe", "pipe"],
      });
      child.stdout?.pipe(out);
      child.stderr?.pipe(out);
    },
    kill: async () => void (await end("SIGKILL")),
    terminate: () => end("SIGTERM"),
    log: () => readFile(file, "utf8").catch(() => ""),
  };
}

export type ProcessCluster = {
  readonly server: NatsServer;
  readonly folder: string;
  readonly http: string;
  readonly services: ReadonlyMap<string, ServiceProcess>;
  stop(): Promise<void>;
};

export type ProcessClusterOptions = {
  readonly agents: readonly { readonly id: string; readonly flags?: readonly string[] }[];
  readonly placements?: number;
  readonly otlp?: string;
};

/** nats-server, broker, health, deployer, placement workers, gateway and agents, each a process. */
export async function startProcesses({ agents, placements = 1, otlp }: ProcessClusterOptions): Promise<ProcessCluster> {
  const server = await startNatsServer();
  const folder = await mkdtemp(join(tmpdir(), "muster-processes-"));
  const httpPort = await freePort();
  const common = [`--nats-url=${server.url}`, ...(otlp === undefined ? [] : [`--otlp=${otlp}`])];
  const services = new Map<string, ServiceProcess>();
  const add = (service: string, name: string, flags: readonly string[] = []) =>
    services.set(name, serviceProcess(service, name, [...common, ...flags], folder));
  for (const name of ["offer-broker", "health", "deployer"]) add(name, name);
  for (let i = 1; i <= placements; i += 1) add("placement", `placement-${i}`);
  add("gateway", "gateway", [`--http-port=${httpPort}`]);
  for (const { id, flags = [] } of agents)
    add("agent", `agent-${id}`, [`--agent-id=${id}`, `--hostname=${id}`, `--work-dir=${join(folder, id)}`, ...flags]);
  for (const service of services.values()) service.start();
  const http = `http://127.0.0.1:${httpPort}`;
  const cluster = {
    server,
    folder,
    http,
    services,
    async stop() {
      for (const service of services.values()) await service.kill();
      await endTasksIn(folder);
      await server.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  try {
    await until(async () => (await openAgents(http)) === agents.length, {
      withinMs: 60_000,
      everyMs: 100,
      what: "all agents with open gates",
    });
  } catch (cause) {
    for (const service of services.values())
      process.stderr.write(`--- ${service.name}\n${(await service.log()).slice(-2_000)}\n`);
    await cluster.stop();
    throw cause;
  }
  return cluster;
}

/** Tasks outlive their agents: those that work somewhere below `folder` are ended. */
async function endTasksIn(folder: string): Promise<void> {
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const place = await readlink(`/proc/${pid}/cwd`).catch(() => "");
    if (!place.startsWith(`${folder}/`)) continue;
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // It ended by itself meanwhile.
    }
  }
}

export async function openAgents(http: string): Promise<number> {
  const answer = await fetch(`${http}/v1/agents`);
  const { agents } = (await answer.json()) as { agents: { gate: { open: boolean } }[] };
  return agents.filter((agent) => agent.gate.open).length;
}
