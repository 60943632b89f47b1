/** A control plane in this process on a real nats-server, with helpers to change apps and look at what became of it. */
import { HEALTH_KINDS, type HealthKind, instanceId, readApp, STATE_KINDS, type StateKind } from "@muster/contracts";
import { decideCreate, decideDelete, decideRestart, decideScale } from "@muster/core";
import { startDeployer } from "@muster/deployer/service";
import { startHealth } from "@muster/health/service";
import { startOfferBroker } from "@muster/offer-broker/service";
import { startPlacement } from "@muster/placement/service";
import { type Cluster, circumstances, drawId, openCluster, perform, type Service } from "@muster/runtime";
import { type NatsServer, startNatsServer, until } from "@muster/testkit";

export type ServiceName = "offer-broker" | "health" | "deployer" | "placement";
const STARTERS: Record<ServiceName, (cluster: Cluster) => Promise<Service>> = {
  "offer-broker": startOfferBroker,
  health: startHealth,
  deployer: startDeployer,
  placement: startPlacement,
};
export const ALL_SERVICES = Object.keys(STARTERS) as ServiceName[];

export const openTestCluster = (url: string, services: readonly string[] = [], replicas = 1): Promise<Cluster> =>
  openCluster({
    address: { url },
    services,
    stateKinds: Object.keys(STATE_KINDS) as StateKind[],
    healthKinds: Object.keys(HEALTH_KINDS) as HealthKind[],
    replicas,
    otlp: null,
    waitMs: 20_000,
  });

/** Runs the named services over one cluster connection of their own. */
export async function startServices(
  url: string,
  names: readonly ServiceName[] = ALL_SERVICES,
  replicas = 1,
): Promise<Service & { cluster: Cluster }> {
  const cluster = await openTestCluster(url, names, replicas);
  const running = await Promise.all(names.map((name) => STARTERS[name](cluster)));
  return {
    cluster,
    async stop() {
      for (const service of running) await service.stop();
      await cluster.close();
    },
  };
}

/** A client's eye and hand: changes apps by the gateway's own decisions and reads the buckets. */
export class Operator {
  readonly cluster: Cluster;
  constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  async #change(
    decide: (asked: Parameters<typeof decideScale>[1]) => {
      decision: Parameters<typeof perform>[3] extends () => infer D ? NonNullable<D> : never;
    },
    app: string,
    force: boolean,
  ) {
    const asked = {
      app,
      deploymentId: drawId(),
      force,
      by: { who: "test", from: "test" },
      submitted: null,
      trace: null,
    };
    await perform(this.cluster.nats, this.cluster.stateCommitter, "/test", () => decide(asked).decision);
  }

  create(spec: Record<string, unknown> & { id: string }): Promise<void> {
    const reading = readApp({ cpus: 0.1, mem: 16, ...spec });
    return this.#change(
      (asked) => decideCreate(this.cluster.state, asked, reading, circumstances()),
      reading.spec.id,
      false,
    );
  }
  scale(app: string, instances: number, force = true): Promise<void> {
    return this.#change((asked) => decideScale(this.cluster.state, asked, instances, circumstances()), app, force);
  }
  restart(app: string, force = true): Promise<void> {
    return this.#change((asked) => decideRestart(this.cluster.state, asked, circumstances()), app, force);
  }
  remove(app: string): Promise<void> {
    return this.#change((asked) => decideDelete(this.cluster.state, asked, circumstances()), app, true);
  }

  placed(app: string) {
    return this.cluster.state.kind("placed").get(app.slice(1).replaceAll("/", "_"))?.value.rows ?? [];
  }
  wanted(app: string) {
    return this.cluster.state.kind("wanted").get(app.slice(1).replaceAll("/", "_"))?.value.rows ?? [];
  }
  waiting(app: string) {
    return this.cluster.state.kind("waiting").get(app.slice(1).replaceAll("/", "_"))?.value ?? null;
  }
  running(app: string): string[] {
    return this.placed(app)
      .filter((row) => row.goal === "run")
      .map((row) => instanceId({ app, slot: row.slot, attempt: row.attempt }))
      .filter((id) => this.cluster.health.kind("verdict").get(id)?.value.level === "running");
  }
  settled(app: string): boolean {
    const document = this.cluster.state.kind("app").get(app.slice(1).replaceAll("/", "_"))?.value;
    return document !== undefined && document.deployment === null;
  }

  /** Waits until the app stands exactly as asked. */
  untilRunning(app: string, count: number, withinMs = 15_000): Promise<unknown> {
    return until(() => this.settled(app) && this.running(app).length === count && this.placed(app).length === count, {
      withinMs,
      what: () =>
        `${count} running instances of ${app} (wanted ${JSON.stringify(this.wanted(app))}, placed ${JSON.stringify(this.placed(app).length)}, running ${this.running(app).length}, waiting ${JSON.stringify(this.waiting(app))})`,
    });
  }

  /** What no moment may ever show: more committed on an agent than it has, a port twice, a ledger that does not add up. */
  overCommitments(): string[] {
    const faults: string[] = [];
    for (const [token, { value: ledger }] of this.cluster.state.kind("ledger")) {
      const offer = this.cluster.state.kind("offer").get(token)?.value;
      if (new Set(ledger.ports).size !== ledger.ports.length) faults.push(`${token} has a port twice`);
      if (offer === undefined) continue;
      for (const name of ["cpuMillis", "memoryMib", "diskMib"] as const)
        if (ledger.used[name] > offer.capacity[name])
          faults.push(`${token}: ${ledger.used[name]} ${name} of ${offer.capacity[name]}`);
    }
    return faults;
  }
}

export type TestPlane = {
  readonly server: NatsServer;
  readonly services: Service & { cluster: Cluster };
  readonly operator: Operator;
  stop(): Promise<void>;
};

/** A nats-server, all services and an operator. */
export async function startPlane(names: readonly ServiceName[] = ALL_SERVICES): Promise<TestPlane> {
  const server = await startNatsServer();
  const services = await startServices(server.url, names);
  const operatorCluster = await openTestCluster(server.url);
  return {
    server,
    services,
    operator: new Operator(operatorCluster),
    async stop() {
      await operatorCluster.close();
      await services.stop();
      await server.stop();
    },
  };
}
