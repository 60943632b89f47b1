/** Every subject and key of Muster. The letters `muster.` and `$KV.` stand in this file only. */
import {
  type AgentId,
  type AppId,
  agentShard,
  agentToken,
  appToken,
  groupToken,
  type InstanceRef,
  type Version,
} from "./ids.ts";

export const STATE_BUCKET = "muster_state";
export const HEALTH_BUCKET = "muster_health";
export const LEASES_BUCKET = "muster_leases";
export const bucketStream = (bucket: string): string => `KV_${bucket}`;
/** The subject of a bucket's key. */
export const keySubject = (bucket: string, key: string): string => `$KV.${bucket}.${key}`;
/** The key of a bucket's subject. */
export const subjectKey = (bucket: string, subject: string): string => subject.slice(`$KV.${bucket}.`.length);

/** Priority classes of wake-ups, most urgent first. */
export const WAKE_CLASSES = ["urgent", "high", "normal", "low", "retry"] as const;
export type WakeClass = (typeof WAKE_CLASSES)[number];

/** Keys of the state bucket (see ARCHITECTURE.md for who writes each). */
export const keys = {
  app: (app: AppId) => `app.${appToken(app)}`,
  version: (app: AppId, version: Version) => `version.${appToken(app)}.${version}`,
  path: (app: AppId) => `path.${appToken(app)}`,
  group: (group: AppId) => `group.${groupToken(group)}`,
  groupVersion: (group: AppId, version: Version) => `groupversion.${groupToken(group)}.${version}`,
  graph: "graph",
  servicePort: (port: number) => `port.${port}`,
  attempts: "attempts",
  agent: (agent: AgentId) => `agent.${agentToken(agent)}`,
  deployment: (id: string) => `deployment.${id}`,
  order: (app: AppId) => `order.${appToken(app)}`,
  wanted: (app: AppId) => `wanted.${appToken(app)}`,
  placed: (app: AppId) => `placed.${appToken(app)}`,
  rules: "rules",
  neighbour: (app: AppId) => `neighbour.${appToken(app)}`,
  hold: "hold",
  waiting: (app: AppId) => `waiting.${appToken(app)}`,
  subscription: (id: string) => `subscription.${id}`,
  offer: (agent: AgentId) => `offer.${agentToken(agent)}`,
  ledger: (agent: AgentId) => `ledger.${agentToken(agent)}`,
  instance: (agent: AgentId, ref: InstanceRef) =>
    `instance.${agentShard(agent)}.${agentToken(agent)}.${appToken(ref.app)}.${ref.slot}.${ref.attempt}`,
  instancesOf: (agent: AgentId) => `instance.${agentShard(agent)}.${agentToken(agent)}.>`,
  term: (service: string, shard: number) => `term.${service}.${shard}`,
  carrier: (process: string, n: number) => `carrier.${process}.${n}`,
  /** `kind` app, submit, deployment, agent and so on; the id makes the key unique and is dropped from the public subject. */
  event: (kind: EventKind, subject: string, name: string, id: string) => `event.${kind}.${subject}.${name}.${id}`,
  verdict: (ref: InstanceRef) => `verdict.${appToken(ref.app)}.${ref.slot}.${ref.attempt}`,
  ended: (ref: InstanceRef) => `ended.${appToken(ref.app)}.${ref.slot}.${ref.attempt}`,
  agentVerdict: (agent: AgentId) => `agent.${agentToken(agent)}`,
  cursor: (shard: number) => `cursor.${shard}`,
} as const;

export const EVENT_KINDS = ["app", "submit", "deployment", "agent", "stream", "subscription"] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export const subjects = {
  submitApp: "muster.submit.app",
  submitGroup: "muster.submit.group",
  /** "Look at this app": one message a subject, the newer replaces the older. */
  wake: (wakeClass: WakeClass, app: AppId) => `muster.queue.${wakeClass}.${appToken(app)}`,
  wakeClass: (wakeClass: WakeClass) => `muster.queue.${wakeClass}.*`,
  resources: (agent: AgentId) => `muster.resources.${agentShard(agent)}.${agentToken(agent)}`,
  allResources: "muster.resources.>",
  fact: (agent: AgentId, ref: InstanceRef, state: string) =>
    `muster.facts.${agentShard(agent)}.${agentToken(agent)}.${appToken(ref.app)}.${ref.slot}.${ref.attempt}.${state}`,
  factsOf: (agent: AgentId) => `muster.facts.${agentShard(agent)}.${agentToken(agent)}.>`,
  facts: "muster.facts.>",
  /** Instance records as they are committed, republished by the state stream; body empty when purged. */
  launchesOf: (agent: AgentId) => `muster.launch.${agentShard(agent)}.${agentToken(agent)}.>`,
  launches: "muster.launch.>",
  /** Request: everything that should run on this agent, consistent at one sequence. Answered by placement. */
  sync: (agent: AgentId) => `muster.sync.${agentShard(agent)}.${agentToken(agent)}`,
  syncs: "muster.sync.*.*",
  /** Request: an agent's heartbeat, answered by the broker that holds its shard. */
  heartbeat: (agent: AgentId) => `muster.heartbeat.${agentShard(agent)}.${agentToken(agent)}`,
  heartbeats: "muster.heartbeat.*.*",
  /** Request with many replies: task output, answered by every agent that has some. */
  logs: "muster.logs",
  /** Request: a process is to give the shards of the service in the body to others. */
  abdicate: (process: string) => `muster.abdicate.${process}`,
  /** Request: the HTTP API over NATS, answered by any gateway. */
  api: "muster.api",
  events: "muster.events.>",
  eventsOfApp: (app: AppId) => [`muster.events.task.${appToken(app)}.>`, `muster.events.app.${appToken(app)}.>`],
  taskEvent: (ref: InstanceRef, state: string) =>
    `muster.events.task.${appToken(ref.app)}.${ref.slot}.${ref.attempt}.${state}`,
  event: (kind: EventKind, subject: string, name: string) => `muster.events.${kind}.${subject}.${name}`,
  dead: (stream: string, consumer: string) => `muster.dead.${stream}.${consumer}`,
} as const;

/** Instance reference and agent of a fact's, launch's or instance key's last tokens `<agent>.<app>.<slot>.<attempt>`. */
export type SubjectTokens = readonly string[];
export const tokensOf = (subject: string): SubjectTokens => subject.split(".");

/** Headers of our own. Lower case where other systems read them, as W3C and CloudEvents have it. */
export const HEADER = {
  /** The agent's running number of instance records, on each record. */
  number: "Muster-N",
  /** On a wake-up: the revision of the wish that caused it. */
  revision: "Muster-Revision",
  /** The same for a verdict, in the health bucket. */
  healthRevision: "Muster-Health-Revision",
  /** Part k of n of a reply too large for one message, `k/n`. */
  part: "Muster-Part",
  /** On a request for followed logs: the subject on which the requester says every few seconds that it still listens. */
  keepalive: "Muster-Keepalive",
  traceparent: "traceparent",
} as const;
