/** A cluster for tests of the command: a gateway and agents that answer over a real nats-server and run nothing. */
import { type Answer, fakeGateway, type Heard } from "@muster/client/fake-gateway";
import {
  type AgentView,
  appToken,
  DEPLOYMENT_BEGINNING,
  type DeploymentDocument,
  type InstanceView,
  LogsRequestSchema,
  subjects,
  type Why,
} from "@muster/contracts";
import type { Nats } from "@muster/runtime";

export type FakeApp = { id: string; instances: number; version: number; cmd: string };

export class FakeCluster {
  readonly apps = new Map<string, FakeApp>();
  readonly instances = new Map<string, InstanceView>();
  readonly deployments = new Map<string, DeploymentDocument>();
  readonly agents: AgentView[] = [fakeAgent("n1"), fakeAgent("n2")];
  /** Lines of output by instance id. */
  readonly output = new Map<string, readonly string[]>();
  /** Specs by app and ISO version. */
  readonly versions = new Map<string, Map<string, Readonly<Record<string, unknown>>>>();
  readonly queue: unknown[] = [];
  why: ((app: string) => Partial<Why>) | null = null;
  /** What happens after a change was accepted: tests make instances come and go here. */
  onDeployment: (deployment: DeploymentDocument) => void = (deployment) => this.bringAbout(deployment);
  /** What happens when somebody has been told of the instances as they stand; once. */
  onceSeen: (() => void) | null = null;
  /** Answers before the cluster does, to refuse. */
  intercept: (request: Heard) => Answer | null = () => null;
  readonly heard: Heard[];
  readonly #stops: (() => void)[];
  #count = 0;

  constructor(nats: Nats) {
    const gateway = fakeGateway(nats, (request) => this.intercept(request) ?? this.#answer(request));
    this.heard = gateway.heard;
    const logs = nats.connection.subscribe(subjects.logs, {
      callback: (_error, message) =>
        this.#tellLogs(LogsRequestSchema.parse(message.json()), (text) => message.respond(text)),
    });
    this.#stops = [gateway.stop, () => logs.unsubscribe()];
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  app(id: string, instances: number): FakeApp {
    const app = { id, instances, version: Date.now(), cmd: "sleep 1000" };
    this.apps.set(id, app);
    return app;
  }

  instance(app: string, slot: number, attempt: number, more: Partial<InstanceView> = {}): InstanceView {
    const id = `${appToken(app)}.${slot}.${attempt}`;
    const instance: InstanceView = {
      id,
      app,
      slot,
      attempt,
      version: this.apps.get(app)?.version ?? 1,
      state: "running",
      goodFor: null,
      healthy: null,
      ready: null,
      agent: "n1",
      host: "10.0.0.1",
      ports: [31_000 + slot],
      pid: 100 + slot,
      container: null,
      sinceMs: Date.now(),
      startedAtMs: Date.now(),
      exitCode: null,
      reason: "",
      message: "",
      ...this.instances.get(id),
      ...more,
    };
    this.instances.set(id, instance);
    return instance;
  }

  /** A deployment that nobody asked this cluster for. */
  deployment(id: string, app: string, more: Partial<DeploymentDocument> = {}): DeploymentDocument {
    const { version = 1, instances = 1 } = this.apps.get(app) ?? {};
    const deployment: DeploymentDocument = {
      id,
      app,
      ...DEPLOYMENT_BEGINNING,
      action: "upgrade",
      fromVersion: null,
      version,
      instances,
      startedAtMs: Date.now(),
      by: { who: "nats", from: "test" },
      trace: null,
      ...this.deployments.get(id),
      ...more,
    };
    this.deployments.set(id, deployment);
    return deployment;
  }

  /** A version of an app, kept; the newest given is the one it stands at. */
  version(app: string, version: string, spec: Readonly<Record<string, unknown>>): void {
    const kept = this.versions.get(app) ?? new Map();
    this.versions.set(app, kept.set(version, { id: app, ...spec, version }));
    Object.assign(this.apps.get(app) ?? {}, { version: Date.parse(version) });
  }

  /** What is asked is reached at once. */
  bringAbout({ id, app, version, instances }: DeploymentDocument): void {
    for (const [key, one] of this.instances) if (one.app === app && one.slot >= instances) this.instances.delete(key);
    for (let slot = 0; slot < instances; slot += 1) this.instance(app, slot, slot + 1, { version, healthy: true });
    this.succeed(id);
  }

  succeed(id: string): void {
    this.end(id, "succeeded", null);
  }

  end(id: string, state: DeploymentDocument["state"], message: string | null): void {
    const deployment = this.deployments.get(id) as DeploymentDocument;
    this.deployments.set(id, { ...deployment, state, message, endedAtMs: Date.now() });
  }

  #answer({ method, path, body }: Heard): Answer {
    const { pathname, searchParams } = new URL(path, "http://muster");
    const about = searchParams.get("app");
    if (pathname === "/v1/agents") return { body: { agents: this.agents } };
    if (pathname === "/v1/cluster") return { body: this.#cluster() };
    if (pathname === "/v1/why") return { body: this.#why(about ?? searchParams.get("instance") ?? "") };
    if (pathname === "/v1/instances") {
      const shown = [...this.instances.values()].filter(({ app }) => about === null || app === about);
      const next = this.onceSeen;
      this.onceSeen = null;
      next?.();
      return { body: { instances: shown } };
    }
    if (pathname === "/v2/queue") return { body: { queue: this.queue } };
    if (pathname === "/v1/deployments")
      return { body: { deployments: this.#history(about, searchParams.get("state")) } };
    const deployment = this.deployments.get(/^\/v1\/deployments\/(.+)$/.exec(pathname)?.[1] ?? "");
    if (deployment !== undefined && method === "POST") return this.#steer(deployment, JSON.parse(body ?? "").action);
    if (deployment !== undefined) return { body: deployment };
    if (pathname.startsWith("/v1/deployments/"))
      return { status: 404, body: { message: "there is none", code: "deployment.unknown" } };
    const kept = /^\/v2\/apps(\/.+)\/versions(?:\/(.+))?$/.exec(pathname);
    if (kept !== null) return this.#version(kept[1] ?? "", kept[2]);
    const task = /^\/v2\/apps(\/.+)\/tasks\/(.+)$/.exec(pathname);
    if (task !== null && method === "DELETE") return this.#kill(task[2] ?? "", searchParams.get("scale") === "true");
    if (pathname.startsWith("/v2/groups/"))
      return { status: 404, body: { message: "there is no such group", code: "group.unknown" } };
    if (pathname === "/v2/apps" && method === "GET") return { body: { apps: [...this.apps.values()].map(this.#view) } };
    if (pathname === "/v2/apps") return this.#create(JSON.parse(body ?? ""));
    const [, id = "", isRestart] = /^\/v2\/apps(\/.+?)(\/restart)?$/.exec(pathname) ?? [];
    const app = this.apps.get(id);
    if (app === undefined) return { status: 404, body: { message: `App '${id}' does not exist`, code: "app.unknown" } };
    if (method === "GET") return { body: { app: this.#view(app) } };
    if (method === "DELETE") {
      this.apps.delete(id);
      return this.#changed(app, "delete");
    }
    const { version, ...fields } = body === null ? {} : JSON.parse(body);
    Object.assign(app, fields, { id }, version === undefined ? {} : { version: Date.parse(version) + 1 });
    return this.#changed(app, isRestart ? "restart" : method === "PUT" ? "upgrade" : "scale");
  }

  #create(spec: Partial<FakeApp>): Answer {
    const id = `/${spec.id?.replace(/^\//, "")}`;
    if (this.apps.has(id))
      return { status: 409, body: { message: `An app with id [${id}] already exists.`, code: "app.exists" } };
    const app = Object.assign(this.app(id, 1), spec, { id });
    const { headers, body } = this.#changed(app, "start");
    const { deploymentId } = body as { deploymentId: string };
    return { status: 201, headers: headers ?? {}, body: { ...this.#view(app), deployments: [{ id: deploymentId }] } };
  }

  #changed(app: FakeApp, action: DeploymentDocument["action"]): Answer {
    this.#count += 1;
    const instances = action === "delete" ? 0 : app.instances;
    const deployment = this.deployment(`deployment-${this.#count}`, app.id, {
      action,
      version: app.version,
      instances,
    });
    this.onDeployment(deployment);
    const headers = { "Marathon-Deployment-Id": deployment.id, "X-Muster-Trace": "4bf92f3577b34da6a3ce929d0e0e4736" };
    return { headers, body: { version: new Date(app.version).toISOString(), deploymentId: deployment.id } };
  }

  #history(app: string | null, state: string | null): DeploymentDocument[] {
    const all = [...this.deployments.values()].filter(
      (one) => (app === null || one.app === app) && (state === null || one.state === state),
    );
    return all.sort((a, b) => b.startedAtMs - a.startedAtMs);
  }

  #steer(deployment: DeploymentDocument, action: string): Answer {
    const { id, app, state } = deployment;
    if (state !== "running") return { status: 409, body: { message: "it has ended", code: "deployment.ended" } };
    if (action === "rollback") {
      const { body } = this.#changed(this.apps.get(app) as FakeApp, "rollback");
      const back = (body as { deploymentId: string }).deploymentId;
      this.end(id, "aborted", `rolled back by ${back}`);
      this.deployment(id, app, { rolledBackBy: back });
      return { body: { deployment: back } };
    }
    if (action === "abort") {
      this.end(id, "aborted", "aborted by test");
      return { body: { deployment: null } };
    }
    const steered = action === "promote" ? { isPromoted: true } : { isPaused: action === "pause" };
    this.deployments.set(id, { ...deployment, ...steered });
    return { body: { deployment: id } };
  }

  #version(app: string, version: string | undefined): Answer {
    const kept = this.versions.get(app);
    if (version === undefined) return { body: { versions: [...(kept?.keys() ?? [])].sort().reverse() } };
    const spec = kept?.get(decodeURIComponent(version));
    return spec === undefined ? { status: 404, body: { message: "no version", code: "app.unknown" } } : { body: spec };
  }

  /** As Marathon answers: the task, or with `scale` the deployment that shrinks the app. */
  #kill(task: string, isScaling: boolean): Answer {
    const instance = this.instances.get(task);
    const app = this.apps.get(instance?.app ?? "");
    if (instance === undefined || app === undefined)
      return { status: 404, body: { message: `Task '${task}' does not exist`, code: "instance.unknown" } };
    this.instances.delete(task);
    if (!isScaling) return { body: { task: { id: task, appId: app.id } } };
    app.instances -= 1;
    return this.#changed(app, "scale");
  }

  readonly #view = ({ id, instances, version, cmd }: FakeApp) => {
    const running = [...this.instances.values()].filter(({ app, state }) => app === id && state === "running");
    const tasksRunning = running.length;
    return {
      id,
      instances,
      cmd,
      cpus: 0.1,
      mem: 32,
      version: new Date(version).toISOString(),
      tasksRunning,
      deployments: [],
    };
  };

  #why(about: string): Why {
    const app = this.apps.get(about)?.id ?? about;
    const base = { app, status: "running", wanted: 1, running: 1, healthy: 0, waiting: null, delay: null } as const;
    const rest = {
      hold: null,
      lastFailure: null,
      deployment: null,
      summary: "all 1 wanted instances run and are healthy",
    };
    return { ...base, ...rest, ...this.why?.(app) };
  }

  #cluster() {
    const services = ["gateway", "deployer", "placement", "offer-broker", "health"].map((service) => ({
      service,
      process: "p1",
      startedAtMs: 0,
    }));
    const count = this.instances.size;
    const instances = { wanted: count, placed: count, running: count, healthy: 0 };
    return { apps: this.apps.size, instances, agents: { total: 2, open: 2 }, services };
  }

  #tellLogs(request: ReturnType<typeof LogsRequestSchema.parse>, respond: (text: string) => void): void {
    for (const { id: agent } of this.agents) {
      for (const { id, app, agent: where } of this.instances.values()) {
        if (where !== agent || (request.instance ?? id) !== id || (request.app ?? app) !== app) continue;
        const lines = (this.output.get(id) ?? []).slice(-(request.tail ?? 1_000_000));
        if (lines.length === 0) continue;
        respond(
          JSON.stringify({ type: "chunk", agent, instance: id, stream: "stderr", text: `${lines.join("\n")}\n` }),
        );
      }
      if (!request.follow) respond(JSON.stringify({ type: "end", agent, instances: 0 }));
    }
  }
}

export function fakeAgent(id: string, more: Partial<AgentView> = {}): AgentView {
  return {
    id,
    hostname: id,
    address: "10.0.0.1",
    capacity: { cpuMillis: 4_000, memoryMib: 8_192, diskMib: 102_400, gpus: 0 },
    used: { cpuMillis: 100, memoryMib: 32, diskMib: 0, gpus: 0 },
    ports: [{ first: 31_000, last: 32_000 }],
    attributes: { rack: { type: "text", value: "a" } },
    runtimes: ["process"],
    instances: 1,
    incarnation: 1,
    gate: { open: true, reason: "open", sinceMs: Date.now() - 65_000 },
    orphans: [],
    ...more,
  };
}
