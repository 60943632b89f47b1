/** Muster's API as typed methods, spoken over NATS. Every method throws MusterError with the server's own words. */
import {
  AgentsReplySchema,
  type AgentView,
  type AgentWord,
  type ApiReply,
  type AppId,
  type ClusterView,
  ClusterViewSchema,
  type DeploymentDocument,
  DeploymentDocumentSchema,
  type DeploymentState,
  InstancesReplySchema,
  type InstanceView,
  type Plan,
  PlanSchema,
  type Why,
  WhySchema,
} from "@muster/contracts";
import { type Nats, traceIdOf } from "@muster/runtime";
import { z } from "zod";
import {
  AppReplySchema,
  AppsReplySchema,
  type AppView,
  ChangeReplySchema,
  type GroupPlan,
  GroupPlanSchema,
  type QueueItem,
  QueueReplySchema,
  VersionsReplySchema,
  type VersionView,
  VersionViewSchema,
} from "./apps.ts";
import { type Call, type CallOptions, call, errorOf } from "./request.ts";

/** What a changing call was answered. */
export type Change = {
  readonly app: AppId;
  /** Follow it with `followDeployment`; null when nothing had to be done. */
  readonly deployment: string | null;
  readonly version: string | null;
  /** Things the server understood otherwise than one might expect. */
  readonly warnings: readonly string[];
  readonly traceId: string | null;
};

export type ChangeOptions = {
  /** Overtakes a deployment of the app that is running. */
  readonly force?: boolean;
  readonly traceparent?: string | null;
};

export type InstanceQuery = { readonly app?: AppId; readonly instance?: string; readonly ended?: boolean };

export type DeploymentQuery = { readonly app?: AppId; readonly state?: DeploymentState };

/** A person's word about a running deployment. */
export type Steering = "pause" | "resume" | "promote" | "abort" | "rollback";

export type Client = {
  /** Any call of the HTTP API; the answer as it came, whatever its status. */
  request(request: Call): Promise<ApiReply>;
  apps(): Promise<AppView[]>;
  app(id: AppId): Promise<AppView>;
  /** `spec` is the text as people wrote it, so that errors name its lines. */
  createApp(spec: string, options?: ChangeOptions): Promise<Change>;
  /** What `spec` would change and where its instances would stand. `force`: a running deployment is no refusal. */
  planApp(spec: string, options?: ChangeOptions): Promise<Plan>;
  /** The steps that `replaceApps` would take; nothing is changed. */
  planApps(specs: string, options?: Pick<ChangeOptions, "force">): Promise<GroupPlan>;
  /** Makes the app exactly this: fields that are not given go back to their defaults. */
  replaceApp(id: AppId, spec: string, options?: ChangeOptions): Promise<Change>;
  /** Makes these apps exactly this, all in one deployment. @param app one of them. @param specs a list */
  replaceApps(app: AppId, specs: string, options?: ChangeOptions): Promise<Change>;
  /** Makes the group, and all that stands in it, exactly this. */
  changeGroup(id: AppId, group: string, options?: ChangeOptions): Promise<Change>;
  /** The steps that `changeGroup` would take; nothing is changed. */
  planGroup(group: string): Promise<GroupPlan>;
  /** Stops and forgets all that stands in a group. */
  removeGroup(id: AppId, options?: ChangeOptions): Promise<Change>;
  /** Changes the given fields only. */
  patchApp(id: AppId, patch: Readonly<Record<string, unknown>>, options?: ChangeOptions): Promise<Change>;
  scaleApp(id: AppId, instances: number, options?: ChangeOptions): Promise<Change>;
  restartApp(id: AppId, options?: ChangeOptions): Promise<Change>;
  removeApp(id: AppId, options?: ChangeOptions): Promise<Change>;
  /** Makes the app again what it was in `version`, an ISO date; that is a new version of the same spec. */
  goBack(id: AppId, version: string, options?: ChangeOptions): Promise<Change>;
  /** Versions that are kept, newest first, as ISO dates. */
  versions(id: AppId): Promise<string[]>;
  /** The app as it was in a version, an ISO date. */
  appVersion(id: AppId, version: string): Promise<VersionView>;
  /**
   * Ends one instance by its id. With `scale` the app shrinks by one, which is a deployment to follow; without it another instance
   * takes its place, and the answer names none.
   */
  killTask(app: AppId, task: string, options?: ChangeOptions & { readonly scale?: boolean }): Promise<Change>;
  /** Apps whose instances wait for a place or for the end of a delay. */
  queue(): Promise<QueueItem[]>;
  /** Deployments that are running, in Marathon's form. */
  deployments(): Promise<{ id: string; [key: string]: unknown }[]>;
  deployment(id: string): Promise<DeploymentDocument>;
  /** Deployments that run or ended in the last days, newest first; at most a hundred. */
  deploymentHistory(query?: DeploymentQuery): Promise<DeploymentDocument[]>;
  /** Answers the deployment that runs from now on: the same one, its rollback, or null for none. */
  steerDeployment(id: string, action: Steering, options?: Pick<ChangeOptions, "traceparent">): Promise<string | null>;
  instances(query?: InstanceQuery): Promise<InstanceView[]>;
  agents(): Promise<AgentView[]>;
  setAgentGoal(id: string, goal: AgentWord["goal"]): Promise<void>;
  why(about: { readonly app: AppId } | { readonly instance: string }): Promise<Why>;
  cluster(): Promise<ClusterView>;
};

const DeploymentsReplySchema = z.array(z.looseObject({ id: z.string() }));
const HistoryReplySchema = z.object({ deployments: z.array(DeploymentDocumentSchema) });
const SteeredReplySchema = z.looseObject({ deployment: z.string().nullable() });

/** @param from who asks, for the deployment's history: `muster CLI of alice@laptop`. */
export function createClient(nats: Nats, { from, ...options }: { from: string } & CallOptions): Client {
  const request = (one: Call) => call(nats, from, one, options);
  const ask = async (one: Call): Promise<ApiReply> => {
    const reply = await request(one);
    const error = errorOf(reply);
    if (error !== null) throw error;
    return reply;
  };
  const get = async <T extends z.ZodType>(path: string, schema: T): Promise<z.infer<T>> =>
    schema.parse(JSON.parse((await ask({ method: "GET", path })).body));
  const change = async (
    app: AppId | null,
    method: Call["method"],
    path: string,
    body: string | null,
    { force, traceparent = null }: ChangeOptions,
  ): Promise<Change> => {
    const query = force === true ? `${path.includes("?") ? "&" : "?"}force=true` : "";
    return changeOf(app, await ask({ method, path: `${path}${query}`, body, traceparent }));
  };
  const plan = async (body: string, { force, traceparent = null }: ChangeOptions): Promise<unknown> => {
    const path = `/v1/plan${force === true ? "?force=true" : ""}`;
    return JSON.parse((await ask({ method: "POST", path, body, traceparent, isQuestion: true })).body);
  };
  const patchApp: Client["patchApp"] = (id, patch, more = {}) =>
    change(id, "PATCH", appPath(id), JSON.stringify(patch), more);
  return {
    request,
    apps: async () => (await get("/v2/apps", AppsReplySchema)).apps,
    app: async (id) => (await get(appPath(id), AppReplySchema)).app,
    createApp: (spec, more = {}) => change(null, "POST", "/v2/apps", spec, more),
    planApp: async (spec, more = {}) => PlanSchema.parse(await plan(spec, more)),
    planApps: async (specs, more = {}) => GroupPlanSchema.parse(await plan(specs, more)),
    replaceApp: (id, spec, more = {}) => change(id, "PUT", `${appPath(id)}?partialUpdate=false`, spec, more),
    replaceApps: (app, specs, more = {}) => change(app, "PUT", "/v2/apps?partialUpdate=false", specs, more),
    changeGroup: (id, group, more = {}) => change(id, "PUT", "/v2/groups", group, more),
    removeGroup: (id, more = {}) => change(id, "DELETE", `/v2/groups${id}`, null, more),
    planGroup: async (group) => {
      const reply = await ask({ method: "PUT", path: "/v2/groups?dryRun=true", body: group, isQuestion: true });
      return GroupPlanSchema.parse(JSON.parse(reply.body));
    },
    patchApp,
    scaleApp: (id, instances, more = {}) => patchApp(id, { instances }, more),
    restartApp: (id, more = {}) => change(id, "POST", `${appPath(id)}/restart`, null, more),
    // Unlike every other change Marathon's removal overtakes what runs unless it is told not to.
    removeApp: (id, more = {}) =>
      change(id, "DELETE", `${appPath(id)}${more.force === true ? "" : "?force=false"}`, null, more),
    goBack: (id, version, more = {}) => change(id, "PUT", appPath(id), JSON.stringify({ version }), more),
    versions: async (id) => (await get(`${appPath(id)}/versions`, VersionsReplySchema)).versions,
    appVersion: (id, version) => get(`${appPath(id)}/versions/${encodeURIComponent(version)}`, VersionViewSchema),
    killTask: (app, task, { scale = false, ...more } = {}) => {
      const path = `${appPath(app)}/tasks/${encodeURIComponent(task)}${scale ? "?scale=true" : ""}`;
      return change(app, "DELETE", path, null, more);
    },
    queue: async () => (await get("/v2/queue", QueueReplySchema)).queue,
    deployments: () => get("/v2/deployments", DeploymentsReplySchema),
    deployment: (id) => get(`/v1/deployments/${encodeURIComponent(id)}`, DeploymentDocumentSchema),
    deploymentHistory: async (query = {}) =>
      (await get(`/v1/deployments${queryText(query)}`, HistoryReplySchema)).deployments,
    steerDeployment: async (id, action, { traceparent = null } = {}) => {
      const path = `/v1/deployments/${encodeURIComponent(id)}`;
      const reply = await ask({ method: "POST", path, body: JSON.stringify({ action }), traceparent });
      return SteeredReplySchema.parse(JSON.parse(reply.body)).deployment;
    },
    instances: async (query = {}) =>
      (
        await get(
          `/v1/instances${queryText({ ...query, ended: query.ended === true ? "true" : undefined })}`,
          InstancesReplySchema,
        )
      ).instances,
    agents: async () => (await get("/v1/agents", AgentsReplySchema)).agents,
    setAgentGoal: async (id, goal) => {
      await ask({ method: "POST", path: `/v1/agents/${encodeURIComponent(id)}`, body: JSON.stringify({ goal }) });
    },
    why: (about) => get(`/v1/why${queryText(about)}`, WhySchema),
    cluster: () => get("/v1/cluster", ClusterViewSchema),
  };
}

const appPath = (id: AppId): string => `/v2/apps${id}`;

function queryText(query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return given.length === 0 ? "" : `?${given.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&")}`;
}

function changeOf(app: AppId | null, reply: ApiReply): Change {
  const headers = new Map(Object.entries(reply.headers).map(([name, value]) => [name.toLowerCase(), value]));
  const body = reply.body === "" ? {} : JSON.parse(reply.body);
  const { version } = ChangeReplySchema.parse(body);
  const trace = headers.get("x-muster-trace") ?? null;
  return {
    app: app ?? (typeof body.id === "string" ? body.id : ""),
    // The body names an id even where nothing had to change, since Marathon's clients expect one.
    deployment: headers.get("marathon-deployment-id") ?? null,
    version: version ?? null,
    warnings: warningsOf(headers.get("warning")),
    traceId: traceIdOf(trace) ?? (trace || null),
  };
}

/** `299 - "one", 299 - "two"` as RFC 7234 writes it, or plain text. */
export function warningsOf(header: string | undefined): string[] {
  if (header === undefined || header.trim() === "") return [];
  const quoted = [...header.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) =>
    (match[1] as string).replaceAll(/\\(.)/g, "$1"),
  );
  return /^\s*\d{3} /.test(header) && quoted.length > 0 ? quoted : [header.trim()];
}
