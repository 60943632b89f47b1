/** A cluster to be measured: nats-server, services as processes, and thousands of simulated agents in one more. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bucketStream, LEASES_BUCKET } from "@muster/contracts";
import { COUNTS, type Nats, provision } from "@muster/runtime";
import {
  type FleetProcess,
  freePort,
  type NatsServer,
  startFleetProcess,
  startNatsServer,
  until,
} from "@muster/testkit";
import { type ServiceProcess, serviceProcess } from "../support/processes.ts";
import { cpuSeconds, isAlive, residentMib, root } from "../support/standalone.ts";
import type { Say } from "./result.ts";
import { connectBench, watchGates } from "./watch.ts";

export type BenchClusterOptions = {
  readonly agents: number;
  /** Placement processes. */
  readonly workers: number;
  /** Processes for the other services: 1 for all of them together; by default each has its own. */
  readonly processes?: number;
  readonly facts: "none" | "running";
};

/** Batches of a process's committer: landed, and lost to another one. */
export type Batches = { readonly committed: number; readonly stale: number };

export type BenchCluster = {
  readonly url: string;
  readonly http: string;
  readonly nats: Nats;
  readonly server: NatsServer;
  readonly fleet: FleetProcess;
  readonly services: ReadonlyMap<string, ServiceProcess>;
  /** Seconds of cpu each process has used so far. */
  cpu(): ReadonlyMap<string, number>;
  /** Resident memory of each process, in MiB. */
  memory(): ReadonlyMap<string, number>;
  /** The same before there were any agents. */
  readonly memoryBefore: ReadonlyMap<string, number>;
  /** Batches of all placement processes since each started. */
  batches(): Promise<Batches>;
  stop(): Promise<void>;
};

const READY_MS = 120_000;
/** As `npm start` has it: stripped sources are kept, so that a process starts in half the time and holds less. */
const ENV = {
  // Agents that report nothing let no deployment end.
  MUSTER_MAX_RUNNING_DEPLOYMENTS: "1000000",
  MUSTER_LOG_LEVEL: "info",
  NODE_COMPILE_CACHE: join(root, "node_modules/.cache/muster"),
};
const OTHERS = ["offer-broker", "health", "deployer", "gateway"];

/** Starts all of it and resolves when every agent's gate is open. Nothing is left behind when that fails. */
export async function startBenchCluster(
  { agents, workers, processes: others, facts }: BenchClusterOptions,
  say: Say,
): Promise<BenchCluster> {
  const folder = await mkdtemp(join(tmpdir(), "muster-bench-"));
  const server = await startNatsServer();
  const services = new Map<string, ServiceProcess>();
  let nats: Nats | null = null;
  let fleet: FleetProcess | null = null;
  const stop = async () => {
    await Promise.all([...services.values()].map((service) => endService(service)));
    await fleet?.stop();
    await nats?.connection.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    nats = await connectBench(server.url);
    await provision(nats);
    const httpPort = await freePort();
    const add = (service: string, name: string, ...flags: readonly string[]) => {
      const all = [`--nats-url=${server.url}`, ...flags];
      services.set(name, serviceProcess(service, name, all, folder, { ...ENV, ...profiling(name) }));
    };
    const http = `--http-port=${httpPort}`;
    if (others === 1) add("standalone/control-plane", "control", `--services=${OTHERS.join()}`, http);
    else for (const name of OTHERS) add(name, name, ...(name === "gateway" ? [http] : []));
    for (let i = 1; i <= workers; i += 1) add("placement", `placement-${i}`);
    for (const service of services.values()) service.start();
    await untilUp(nats, services, say);
    const memoryBefore = new Map([...services].map(([name, service]) => [name, residentMib(service.pid())]));
    fleet = startFleetProcess(server.url, { agents, facts });
    await untilReady(nats, fleet, agents, say);
    const processes = new Map([...services].map(([name, service]) => [name, () => service.pid()] as const));
    processes
      .set("bench", () => process.pid)
      .set("nats-server", () => server.pid() ?? 0)
      .set("fleet", () => fleet?.pid ?? 0);
    say(`processes: ${[...processes].map(([name, pid]) => `${name} ${pid()}`).join(", ")}`);
    const each = (look: (pid: number) => number) => new Map([...processes].map(([name, pid]) => [name, look(pid())]));
    return {
      url: server.url,
      http: `http://127.0.0.1:${httpPort}`,
      nats,
      server,
      fleet,
      services,
      cpu: () => each(cpuSeconds),
      memory: () => each(residentMib),
      memoryBefore,
      async batches() {
        const workersOnly = [...services].filter(([name]) => name.startsWith("placement-"));
        const all = await Promise.all(workersOnly.map(([, service]) => batchesOf(service)));
        return all.reduce((sum, one) => ({
          committed: sum.committed + one.committed,
          stale: sum.stale + one.stale,
        }));
      },
      stop,
    };
  } catch (cause) {
    for (const service of services.values()) say(`--- ${service.name}\n${(await service.log()).slice(-1_500)}`);
    await stop();
    throw cause;
  }
}

/** Waits until every service holds its lease. */
async function untilUp(nats: Nats, services: ReadonlyMap<string, ServiceProcess>, say: Say): Promise<void> {
  const ended = () => [...services.values()].find((service) => !isAlive(service.pid()))?.name;
  const leases = async () => (await nats.jsm.streams.info(bucketStream(LEASES_BUCKET))).state.messages;
  await until(async () => ended() !== undefined || (await leases()) >= services.size, {
    withinMs: READY_MS,
    everyMs: 100,
    what: "a lease of every service",
  });
  if (ended() !== undefined) throw new Error(`${ended()} has ended`);
  say(`${services.size} services are up`);
}

async function untilReady(nats: Nats, fleet: FleetProcess, agents: number, say: Say): Promise<void> {
  const gates = await watchGates(nats);
  let told = "";
  try {
    await until(
      () => {
        const { registered, synced, ready } = fleet.counts();
        const line = `agents: ${registered} registered, ${gates.tally.sum} gates open, ${synced} synced`;
        if (line !== told) say(line);
        told = line;
        return ready && gates.tally.sum === agents;
      },
      { withinMs: READY_MS, everyMs: 500, what: () => `a ready cluster (${told})` },
    );
  } finally {
    await gates.stop();
  }
}

/** What a process says of its committer when it is asked. */
async function batchesOf(service: ServiceProcess): Promise<Batches> {
  const lines = async () => (await service.log()).split("\n").filter((line) => line.includes(`"msg":"${COUNTS}"`));
  const before = (await lines()).length;
  process.kill(service.pid(), "SIGUSR2");
  const told = await until(async () => (await lines())[before], { what: `counts of ${service.name}` });
  return (JSON.parse(told) as { state: Batches }).state;
}

/** SIGTERM writes profiles and logs; whoever does not end by itself is ended. */
async function endService(service: ServiceProcess): Promise<void> {
  const late = setTimeout(() => void service.kill(), 12_000);
  await service.terminate();
  clearTimeout(late);
}

/** `MUSTER_BENCH_PROFILES` names a folder for a cpu profile of each service. */
function profiling(name: string): NodeJS.ProcessEnv {
  const folder = process.env.MUSTER_BENCH_PROFILES;
  return folder === undefined
    ? {}
    : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${folder} --cpu-prof-name=${name}.cpuprofile` };
}
