/** An app as it is stored: Marathon's fields, every default filled in. What people send is read by `read.ts`. */
import { z } from "zod";
import { APP_INSTANCES_MAX } from "../limits.ts";
import { CheckSchema } from "./check.ts";
import {
  CustomAskSchema,
  LimitsSchema,
  NO_CUSTOM_ASK,
  NO_LIMITS,
  NO_PLACEMENT,
  PlacementSpecSchema,
} from "./placement.ts";
import { ROLLOUT_DEFAULTS, RolloutSpecSchema } from "./rollout.ts";

export const OPERATORS = ["UNIQUE", "CLUSTER", "GROUP_BY", "LIKE", "UNLIKE", "MAX_PER", "IS"] as const;
export type Operator = (typeof OPERATORS)[number];

/** `["rack", "CLUSTER", "rack-2"]` as an object. Field: `hostname`, `@hostname`, `@region`, `@zone` or an attribute. */
export const ConstraintSchema = z.object({
  field: z.string().min(1),
  operator: z.enum(OPERATORS),
  value: z.string().nullable(),
});
export type Constraint = z.infer<typeof ConstraintSchema>;

export const PROTOCOLS = ["tcp", "udp", "udp,tcp"] as const;

export const PortDefinitionSchema = z.object({
  port: z.int().min(0).max(65_535),
  protocol: z.enum(PROTOCOLS),
  name: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
});
export type PortDefinition = z.infer<typeof PortDefinitionSchema>;

export const PortMappingSchema = z.object({
  containerPort: z.int().min(0).max(65_535),
  /** null: not reachable from the host; 0: any free port. */
  hostPort: z.int().min(0).max(65_535).nullable(),
  servicePort: z.int().min(0).max(65_535),
  protocol: z.enum(PROTOCOLS),
  name: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
});
export type PortMapping = z.infer<typeof PortMappingSchema>;

export const ContainerSchema = z.object({
  type: z.enum(["DOCKER", "MESOS"]),
  image: z.string().nullable(),
  forcePullImage: z.boolean(),
  privileged: z.boolean(),
  parameters: z.array(z.object({ key: z.string(), value: z.string() })),
  portMappings: z.array(PortMappingSchema),
});
export type Container = z.infer<typeof ContainerSchema>;

export const CHECK_PROTOCOLS = ["HTTP", "HTTPS", "TCP", "COMMAND", "MESOS_HTTP", "MESOS_HTTPS", "MESOS_TCP"] as const;

/** A health check; whatever its protocol, the instance's agent performs it. */
export const HealthCheckSchema = z.object({
  protocol: z.enum(CHECK_PROTOCOLS),
  path: z.string().nullable(),
  portIndex: z.int().min(0).nullable(),
  port: z.int().min(0).max(65_535).nullable(),
  command: z.string().nullable(),
  gracePeriodSeconds: z.number().min(0),
  intervalSeconds: z.number().positive(),
  timeoutSeconds: z.number().positive(),
  maxConsecutiveFailures: z.int().min(0),
  delaySeconds: z.number().min(0),
  ignoreHttp1xx: z.boolean(),
});
export type HealthCheck = z.infer<typeof HealthCheckSchema>;

export const READINESS_PROTOCOLS = ["HTTP", "HTTPS"] as const;

/** Asked from an instance's start on until it answers with one of these status codes; then never again. */
export const ReadinessCheckSchema = z.object({
  name: z.string(),
  protocol: z.enum(READINESS_PROTOCOLS),
  path: z.string(),
  /** The name of one of the app's ports. */
  portName: z.string(),
  intervalSeconds: z.number().positive(),
  /** Less than the interval. */
  timeoutSeconds: z.number().positive(),
  httpStatusCodesForReady: z.array(z.int()).min(1),
  /** The last answer is kept for people to read. */
  preserveLastResponse: z.boolean(),
});
export type ReadinessCheck = z.infer<typeof ReadinessCheckSchema>;

export const AppSpecSchema = z.object({
  id: z.string(),
  cmd: z.string().nullable(),
  args: z.array(z.string()).nullable(),
  user: z.string().nullable(),
  env: z.record(z.string(), z.string()),
  labels: z.record(z.string(), z.string()),
  instances: z.int().min(0).max(APP_INSTANCES_MAX),
  /** Cores; thousandths are the finest share. */
  cpus: z.number().min(0),
  /** Mebibytes. */
  mem: z.number().min(0),
  disk: z.number().min(0),
  gpus: z.int().min(0),
  /** What may be used beyond what is asked for; the request alone is what placement counts. */
  limits: LimitsSchema.default(NO_LIMITS),
  /** Custom resources asked for. */
  custom: CustomAskSchema.default(NO_CUSTOM_ASK),
  constraints: z.array(ConstraintSchema),
  placement: PlacementSpecSchema.default(NO_PLACEMENT),
  acceptedResourceRoles: z.array(z.string()),
  container: ContainerSchema.nullable(),
  network: z.enum(["host", "bridge", "none"]),
  portDefinitions: z.array(PortDefinitionSchema),
  requirePorts: z.boolean(),
  healthChecks: z.array(HealthCheckSchema),
  /** At most one. An instance counts as up only once it is ready. */
  readinessChecks: z.array(ReadinessCheckSchema).max(1).default([]),
  check: CheckSchema.nullable().default(null),
  backoffSeconds: z.number().min(0),
  backoffFactor: z.number().min(1),
  maxLaunchDelaySeconds: z.number().min(0),
  upgradeStrategy: z.object({
    minimumHealthCapacity: z.number().min(0).max(1),
    maximumOverCapacity: z.number().min(0).max(1),
  }),
  rollout: RolloutSpecSchema.default(ROLLOUT_DEFAULTS),
  killSelection: z.enum(["YOUNGEST_FIRST", "OLDEST_FIRST"]),
  /** null: the agent's default of three seconds. */
  taskKillGracePeriodSeconds: z.number().min(0).nullable(),
  /** Seconds an unreachable agent's instances are waited for before they are replaced; null: for ever. */
  unreachableStrategy: z
    .object({ inactiveAfterSeconds: z.number().min(0), expungeAfterSeconds: z.number().min(0) })
    .nullable(),
  dependencies: z.array(z.string()),
});
export type AppSpec = z.infer<typeof AppSpecSchema>;
