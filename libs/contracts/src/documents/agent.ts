/** Supply and commitment: what an agent offers, what is committed on it, and what it was told to run. */
import { z } from "zod";
import {
  AttributeSchema,
  CustomResourcesSchema,
  NO_CUSTOM_RESOURCES,
  PortRangeSchema,
  ResourcesSchema,
} from "../resources.ts";
import { HealthCheckSchema, ReadinessCheckSchema } from "../spec/app.ts";
import { CheckSchema } from "../spec/check.ts";
import { TraceSchema } from "./app.ts";
import { TERMINAL_STATES } from "./wish.ts";

export const RUNTIMES = ["process", "docker"] as const;
export type RuntimeName = (typeof RUNTIMES)[number];

const Supply = {
  agent: z.string(),
  hostname: z.string(),
  /** The address people and checks reach the agent's ports at. */
  address: z.string(),
  capacity: ResourcesSchema,
  ports: z.array(PortRangeSchema),
  attributes: z.record(z.string(), AttributeSchema),
  role: z.string(),
  region: z.string().nullable(),
  zone: z.string().nullable(),
  runtimes: z.array(z.enum(RUNTIMES)),
  custom: CustomResourcesSchema.default(NO_CUSTOM_RESOURCES),
  /** Container images that need no pull: where one is asked for, its agents are preferred. */
  images: z.array(z.string()).default([]),
  /** Counts an agent's starts; the higher one is the living one. */
  incarnation: z.int().min(1),
};

/** States an instance can be in on its agent; the last four are final. */
export const TASK_STATES = ["staging", "starting", "running", "killing", ...TERMINAL_STATES] as const;
export type TaskState = (typeof TASK_STATES)[number];

export const InventoryItemSchema = z.object({
  instance: z.string(),
  state: z.enum(TASK_STATES),
  resources: ResourcesSchema,
  ports: z.array(z.int()),
});

/** Message on `muster.resources.<shard>.<agent>`: the agent about itself. Registered by compare-and-set. */
export const AgentReportSchema = z.object({
  ...Supply,
  /** Random per start: tells two agents with one id apart. */
  nonce: z.string(),
  startedAtMs: z.int(),
  /** All it runs or has not yet reported the end of. */
  inventory: z.array(InventoryItemSchema),
  version: z.string(),
});
export type AgentReport = z.infer<typeof AgentReportSchema>;

export const GATE_REASONS = ["open", "joining", "cordon", "drain", "suspect", "unreachable", "removed"] as const;

export const GateSchema = z.object({
  open: z.boolean(),
  reason: z.enum(GATE_REASONS),
  sinceMs: z.int(),
  /** The incarnation this gate was decided for. */
  incarnation: z.int(),
});
export type Gate = z.infer<typeof GateSchema>;

/** `offer.<agent>`: supply only. Orphans' shares are already taken off the capacity. */
export const OfferDocumentSchema = z.object({
  ...Supply,
  /** The ledger's gate, for all who need no more of the ledger: it changes with every placement, the offer seldom does. */
  gate: GateSchema.default({ open: false, reason: "joining", sinceMs: 0, incarnation: 0 }),
});
export type OfferDocument = z.infer<typeof OfferDocumentSchema>;

/** `ledger.<agent>`: what is committed there. Every decision about the agent sets it. */
export const LedgerDocumentSchema = z.object({
  agent: z.string(),
  /** Instance records ever written for this agent. */
  n: z.int().min(0),
  used: ResourcesSchema,
  ports: z.array(z.int()),
  custom: CustomResourcesSchema.default(NO_CUSTOM_RESOURCES),
  /** Instances per app and version: `{"prod_web": {"1742": 3}}`. */
  instances: z.record(z.string(), z.record(z.string(), z.int().min(1))),
  gate: GateSchema,
});
export type LedgerDocument = z.infer<typeof LedgerDocumentSchema>;

export const PortMapSchema = z.object({
  containerPort: z.int().min(0),
  hostPort: z.int().min(0),
  protocol: z.enum(["tcp", "udp"]),
  name: z.string().nullable(),
});
export type PortMap = z.infer<typeof PortMapSchema>;

/** A health check with its port resolved for this instance. */
export const RunCheckSchema = z.object({ check: HealthCheckSchema, port: z.int().nullable() });
export type RunCheck = z.infer<typeof RunCheckSchema>;

/** A readiness check with its port resolved for this instance. */
export const RunReadinessCheckSchema = z.object({ check: ReadinessCheckSchema, port: z.int().nullable() });
export type RunReadinessCheck = z.infer<typeof RunReadinessCheckSchema>;

/** A check with its port resolved for this instance; null for one that runs a command. */
export const RunResultCheckSchema = z.object({ check: CheckSchema, port: z.int().nullable() });
export type RunResultCheck = z.infer<typeof RunResultCheckSchema>;

/** What an instance may use at most, for the agent to enforce; null: no bound. */
export const RunLimitsSchema = z.object({ cpuMillis: z.int().min(0).nullable(), memoryMib: z.int().min(0).nullable() });
export type RunLimits = z.infer<typeof RunLimitsSchema>;

/** All an agent needs to run an instance. */
export const RunDocumentSchema = z.object({
  runtime: z.enum(RUNTIMES),
  /** A shell line, or an argument vector; null runs the image's own command. */
  command: z
    .discriminatedUnion("type", [
      z.object({ type: z.literal("shell"), line: z.string() }),
      z.object({ type: z.literal("argv"), argv: z.array(z.string()) }),
    ])
    .nullable(),
  image: z.string().nullable(),
  forcePull: z.boolean(),
  privileged: z.boolean(),
  parameters: z.array(z.object({ key: z.string(), value: z.string() })),
  network: z.enum(["host", "bridge", "none"]),
  portMaps: z.array(PortMapSchema),
  env: z.record(z.string(), z.string()),
  user: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  healthChecks: z.array(RunCheckSchema),
  readinessChecks: z.array(RunReadinessCheckSchema).default([]),
  check: RunResultCheckSchema.nullable().default(null),
  killGraceMs: z.int().min(0),
  /** null, in documents from before there were limits: memory as asked for, no bound on cpu. */
  limits: RunLimitsSchema.nullable().default(null),
});
export type RunDocument = z.infer<typeof RunDocumentSchema>;

/** `instance.<shard>.<agent>.<app>.<slot>.<attempt>`: the launch command. A stop changes its goal only. */
export const InstanceDocumentSchema = z.object({
  instance: z.string(),
  app: z.string(),
  slot: z.int(),
  attempt: z.int(),
  version: z.int(),
  agent: z.string(),
  goal: z.enum(["run", "stop"]),
  resources: ResourcesSchema,
  ports: z.array(z.int()),
  run: RunDocumentSchema,
  placedAtMs: z.int(),
  trace: TraceSchema,
});
export type InstanceDocument = z.infer<typeof InstanceDocumentSchema>;

/** What everybody but the agent needs of an instance record: views keep no run documents. */
export const InstanceHeadSchema = InstanceDocumentSchema.pick({
  instance: true,
  app: true,
  slot: true,
  attempt: true,
  version: true,
  agent: true,
  goal: true,
  placedAtMs: true,
  trace: true,
});
export type InstanceHead = z.infer<typeof InstanceHeadSchema>;

/** Reply to `muster.sync`: everything for one agent, consistent at one sequence. Large answers come in parts. */
export const SyncReplySchema = z.object({
  /** The ledger's number; 0 when there is no ledger yet. */
  n: z.int(),
  /** Stream sequence the answer is true at. */
  sequence: z.int(),
  records: z.array(z.object({ sequence: z.int(), record: InstanceDocumentSchema })),
});
export type SyncReply = z.infer<typeof SyncReplySchema>;

/** Request on `muster.heartbeat` and its answer. */
export const HeartbeatSchema = z.object({
  agent: z.string(),
  incarnation: z.int(),
  nonce: z.string(),
  n: z.int(),
  live: z.int().min(0),
});
export type Heartbeat = z.infer<typeof HeartbeatSchema>;
export const HeartbeatReplySchema = z.object({
  /** The ledger's number: a higher one than the agent's own means it missed a record. */
  n: z.int(),
  /** The last registered incarnation and its nonce, 0 and empty when unknown: an agent that is another one stops. */
  incarnation: z.int(),
  nonce: z.string(),
});
export type HeartbeatReply = z.infer<typeof HeartbeatReplySchema>;
