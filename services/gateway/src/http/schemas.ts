/** Shapes of requests and replies as OpenAPI describes them. Specs are read by `readApp`, which takes more spellings. */
import { z } from "@hono/zod-openapi";
import {
  AgentViewSchema,
  AgentWordSchema,
  CHECK_PROTOCOLS,
  CHECK_SCHEMES,
  ClusterViewSchema,
  DeploymentDocumentSchema,
  PlanChangeSchema as DifferenceSchema,
  ErrorBodySchema,
  InstanceViewSchema,
  OPERATORS,
  PlanSchema,
  PRIORITIES,
  PROTOCOLS,
  READINESS_PROTOCOLS,
  ROLLOUT_STRATEGIES,
  STRATEGIES,
  WhySchema,
} from "@muster/contracts";

/** A schema of the contracts as a component with a name: only schemas made here can have one. */
const named = <S extends z.ZodRawShape>(name: string, { shape }: z.ZodObject<S>) => z.object(shape).openapi(name);

export const ErrorSchema = named("Error", ErrorBodySchema);
export const InstancesSchema = z.object({ instances: z.array(named("Instance", InstanceViewSchema)) });
export const AgentsSchema = z.object({ agents: z.array(named("Agent", AgentViewSchema)) });
export const PlanReplySchema = named("Plan", PlanSchema);
export const PlanChangeSchema = named("Difference", DifferenceSchema);
export const WhyReplySchema = named("Why", WhySchema);
export const ClusterSchema = named("Cluster", ClusterViewSchema);
export const DeploymentSchema = named("Deployment", DeploymentDocumentSchema);
export const AgentWordReplySchema = named("AgentWord", AgentWordSchema);
export const AgentGoalSchema = z.object({ goal: AgentWordSchema.shape.goal }).openapi("AgentGoal");

/** `true` and `false` in any case, as Marathon's clients write them; a bare `?force` means true. */
export const flag = (fallback: boolean, description: string) =>
  z
    .string()
    .toLowerCase()
    .pipe(z.enum(["true", "false", "1", "0", ""], { error: "expected true or false" }))
    .transform((text) => text !== "false" && text !== "0")
    .default(fallback)
    .openapi({ type: "boolean", default: fallback, description });

/** A key that may stand several times. */
export const list = (description: string) => z.array(z.string()).default([]).openapi({ description });

export const text = (description: string) => z.string().optional().openapi({ description });

const seconds = z.number().min(0);
const texts = z.record(z.string(), z.string());

const PortDefinitionSchema = z.looseObject({
  port: z.int().optional().describe("0: a service port of the cluster is chosen"),
  protocol: z.enum(PROTOCOLS).optional(),
  name: z.string().optional(),
  labels: texts.optional(),
});

const PortMappingSchema = z.looseObject({
  containerPort: z.int().optional(),
  hostPort: z.int().optional().describe("0: any free port of the host"),
  servicePort: z.int().optional().describe("0: a service port of the cluster is chosen"),
  protocol: z.enum(PROTOCOLS).optional(),
  name: z.string().optional(),
  labels: texts.optional(),
});

const ContainerSchema = z.looseObject({
  type: z.enum(["DOCKER", "MESOS"]).optional(),
  docker: z
    .looseObject({
      image: z.string(),
      forcePullImage: z.boolean().optional(),
      privileged: z.boolean().optional(),
      parameters: z.array(z.object({ key: z.string(), value: z.string() })).optional(),
    })
    .optional(),
  portMappings: z.array(PortMappingSchema).optional(),
});

const HealthCheckSchema = z.looseObject({
  protocol: z.enum(CHECK_PROTOCOLS).optional(),
  path: z.string().optional(),
  portIndex: z.int().optional(),
  port: z.int().optional(),
  command: z.object({ value: z.string() }).optional(),
  gracePeriodSeconds: seconds.optional(),
  intervalSeconds: seconds.optional(),
  timeoutSeconds: seconds.optional(),
  maxConsecutiveFailures: z.int().min(0).optional(),
  delaySeconds: seconds.optional(),
  ignoreHttp1xx: z.boolean().optional(),
});

const ReadinessCheckSchema = z.looseObject({
  name: z.string().optional(),
  protocol: z.enum(READINESS_PROTOCOLS).optional(),
  path: z.string().optional(),
  portName: z.string().optional().describe("the name of one of the app's ports; default http-api"),
  intervalSeconds: seconds.optional(),
  timeoutSeconds: seconds.optional().describe("less than intervalSeconds"),
  httpStatusCodesForReady: z.array(z.int().min(100).max(999)).optional(),
  preserveLastResponse: z.boolean().optional(),
});
const port = { portIndex: z.int().min(0).optional(), port: z.int().optional() };
const CheckSchema = z
  .looseObject({
    http: z.looseObject({ ...port, path: z.string().optional(), scheme: z.enum(CHECK_SCHEMES).optional() }).optional(),
    tcp: z.looseObject(port).optional(),
    exec: z
      .looseObject({ command: z.looseObject({ shell: z.string(), argv: z.array(z.string()) }).partial() })
      .optional(),
    intervalSeconds: seconds.optional().describe("default 60, at least 1"),
    timeoutSeconds: seconds.optional().describe("default 20"),
    delaySeconds: seconds.optional().describe("from the start to the first check; default 15"),
  })
  .describe(
    "one of http, tcp and exec, made again and again; its result is shown in tasks, and nothing follows from it",
  );
const ReadinessResultSchema = z.looseObject({
  name: z.string(),
  taskId: z.string(),
  ready: z.boolean(),
  lastResponse: z.object({ status: z.int(), contentType: z.string(), body: z.string() }).optional(),
});

const strings = z.union([z.string(), z.array(z.string())]);
const weight = z.int().min(1).max(100);
const limit = z.union([z.number(), z.literal("unlimited")]);

const AffinitySchema = z
  .array(
    z.union([
      z.string(),
      z.looseObject({
        app: z.string().optional(),
        selector: z.string().optional().describe("labels of apps: tier=db,env in (prod,qa)"),
        over: z.string().optional().describe("the field on which both are to meet; default @hostname"),
        weight: weight.optional().describe("makes it a preference; without one it is required"),
      }),
    ]),
  )
  .describe("each an app and how to meet it, an app's id, or a label selector");

const PlacementSchema = z.looseObject({
  strategy: z.enum(STRATEGIES).optional(),
  spreadOver: z
    .array(z.union([z.string(), z.looseObject({ field: z.string(), weight: weight.optional() })]))
    .optional()
    .describe("fields over whose values instances are kept even; default weight 50"),
  expressions: z.array(z.string()).optional().describe("storage==ssd, node!=n1*, region==~/eu-.+/"),
  affinity: AffinitySchema.optional(),
  antiAffinity: AffinitySchema.optional(),
  machineId: z.string().optional().describe("this agent and no other"),
  machineOf: z.string().optional().describe("an agent that runs this app"),
  machineMetadata: z
    .union([strings, z.record(z.string(), strings)])
    .optional()
    .describe("disk=ssd: one field twice means either value, different fields mean both"),
  conflicts: strings.optional().describe("patterns of ids of apps that may not share an agent with this one"),
  global: z.boolean().optional().describe("one on every agent that may run it"),
  gang: z
    .union([z.boolean(), z.looseObject({ patienceSeconds: seconds, holdSeconds: seconds }).partial()])
    .optional()
    .describe("all instances are placed in one commit, or none"),
  priority: z.enum(PRIORITIES).optional().describe("who is served first; default normal"),
});

const RolloutSchema = z.looseObject({
  strategy: z.enum(ROLLOUT_STRATEGIES).optional(),
  batches: z
    .union([z.int(), z.array(z.int())])
    .optional()
    .describe("instances of each batch; the last size repeats"),
  canary: z.int().optional().describe("instances of the new version that are tried first; default 1"),
  watchSeconds: seconds.optional().describe("how long a stage must stand before the next one"),
  waitsForPromotion: z.boolean().optional().describe("each stage but the last waits for a promotion"),
  timeoutSeconds: seconds.optional().describe("without progress it has failed; 0: never; default 600"),
  maxFailures: z
    .union([z.int(), z.literal("unlimited")])
    .optional()
    .describe("default 2"),
  rollbackOnFailure: z.boolean().optional(),
});

const appFields = {
  cmd: z.string().optional().describe("a shell line; either this, or args, or the image's own command"),
  args: z.array(z.string()).optional(),
  user: z.string().optional(),
  env: texts.optional(),
  labels: texts.optional(),
  instances: z.int().min(0).optional().describe("default 1"),
  cpus: z.number().optional().describe("cores; default 1"),
  mem: z.number().optional().describe("MiB; default 128"),
  disk: z.number().optional().describe("MiB; default 0"),
  gpus: z.int().optional().describe("default 0"),
  resourceLimits: z
    .object({ cpus: limit, mem: limit })
    .partial()
    .optional()
    .describe("what may be used beyond what is asked for"),
  resources: z
    .record(z.string(), z.union([z.int(), z.array(z.string()), z.object({ any: z.int() })]))
    .optional()
    .describe("an operator's own: an amount, exactly these items, or any so many of a set"),
  constraints: z
    .array(z.array(z.string()))
    .optional()
    .describe(`[field, operator] or [field, operator, value]; operators: ${OPERATORS.join(", ")}`),
  placement: PlacementSchema.optional(),
  acceptedResourceRoles: z.array(z.string()).optional(),
  container: ContainerSchema.optional(),
  networks: z.array(z.looseObject({ mode: z.enum(["host", "container/bridge", "none"]) })).optional(),
  portDefinitions: z.array(PortDefinitionSchema).optional(),
  requirePorts: z.boolean().optional(),
  healthChecks: z.array(HealthCheckSchema).optional(),
  readinessChecks: z
    .array(ReadinessCheckSchema)
    .max(1)
    .optional()
    .describe("asked from the start of an instance until it is ready; a rollout waits for it"),
  check: CheckSchema.optional(),
  backoffSeconds: seconds.optional(),
  backoffFactor: z.number().min(1).optional(),
  maxLaunchDelaySeconds: seconds.optional(),
  upgradeStrategy: z
    .object({ minimumHealthCapacity: z.number().min(0).max(1), maximumOverCapacity: z.number().min(0).max(1) })
    .partial()
    .optional(),
  rollout: RolloutSchema.optional().describe("the stages in which a new version takes over, and when it has failed"),
  killSelection: z.enum(["YOUNGEST_FIRST", "OLDEST_FIRST"]).optional(),
  taskKillGracePeriodSeconds: seconds.optional(),
  unreachableStrategy: z
    .union([z.literal("disabled"), z.object({ inactiveAfterSeconds: seconds, expungeAfterSeconds: seconds }).partial()])
    .optional(),
  dependencies: z.array(z.string()).optional(),
};

/** An app as people write it; older spellings are taken too, each with a warning. */
export const AppInputSchema = z
  .looseObject({ id: z.string().describe('a path such as "/prod/web"'), ...appFields })
  .openapi("AppInput");
export const AppUpdateSchema = z
  .looseObject({ ...appFields, version: z.string().optional().describe("alone: go back to this version") })
  .openapi("AppUpdate");

const IdsSchema = z.array(z.object({ id: z.string() }));
export const TaskSchema = z
  .looseObject({
    id: z.string(),
    appId: z.string(),
    host: z.string().optional().describe("absent while it waits for a place"),
    ports: z.array(z.int()),
    servicePorts: z.array(z.int()),
    slaveId: z.string().optional(),
    state: z.string(),
    stagedAt: z.string().optional(),
    startedAt: z.string().optional(),
    version: z.string(),
    region: z.string().optional(),
    zone: z.string().optional(),
    ipAddresses: z.array(z.object({ ipAddress: z.string(), protocol: z.string() })),
    checkResult: z
      .object({
        http: z.object({ statusCode: z.int().optional() }),
        tcp: z.object({ succeeded: z.boolean() }),
        command: z.object({ exitCode: z.int().optional() }),
      })
      .partial()
      .optional()
      .describe("one of the three, once the check was made; without a number there was no answer in time"),
    healthCheckResults: z
      .array(
        z.looseObject({
          alive: z.boolean(),
          consecutiveFailures: z.int(),
          firstSuccess: z.string().optional(),
          lastSuccess: z.string().optional(),
          lastFailure: z.string().optional(),
          lastFailureCause: z.string().optional(),
          instanceId: z.string(),
        }),
      )
      .optional()
      .describe("one for each health check, as of the last threshold that was crossed"),
  })
  .openapi("Task");
export const AppSchema = z
  .looseObject({
    id: z.string(),
    ...appFields,
    version: z.string(),
    versionInfo: z.object({ lastScalingAt: z.string(), lastConfigChangeAt: z.string() }),
    tasksStaged: z.int(),
    tasksRunning: z.int(),
    tasksHealthy: z.int(),
    tasksUnhealthy: z.int(),
    deployments: IdsSchema,
    tasks: z.array(TaskSchema).optional(),
    taskStats: z.record(z.string(), z.looseObject({})).optional(),
    lastTaskFailure: z.looseObject({ taskId: z.string(), state: z.string(), message: z.string() }).optional(),
    readinessCheckResults: z.array(ReadinessResultSchema).optional(),
  })
  .openapi("App");
export const ChangeSchema = z.object({ version: z.string(), deploymentId: z.string() }).openapi("Change", {
  description: "Follow the deployment that the header Marathon-Deployment-Id names; without it nothing had to change",
});

const ids = z.array(z.string());
/** A group as people write it; apps and groups are relative to it, to any depth. */
export const GroupInputSchema = z
  .looseObject({
    id: z.string().optional().describe("below the group of the address; that group itself when absent"),
    apps: z.array(AppInputSchema).optional().describe("all apps right in the group: what is not named is removed"),
    groups: z
      .array(z.looseObject({ id: z.string() }))
      .optional()
      .describe("all groups right in the group, as this one"),
    dependencies: ids.optional().describe("apps and groups that everything below waits for"),
    enforceRole: z.boolean().optional(),
    version: z.string().optional().describe("alone: go back to this version"),
    scaleBy: z.number().optional().describe("alone: so many times the instances of every app below, rounded up"),
  })
  .openapi("GroupInput");
export const GroupSchema = z
  .looseObject({
    id: z.string(),
    apps: z.array(AppSchema).optional(),
    groups: z.array(z.looseObject({ id: z.string() })).optional(),
    pods: z.array(z.looseObject({})).optional(),
    dependencies: ids,
    version: z.string(),
    enforceRole: z.boolean().optional(),
  })
  .openapi("Group");
const StepSchema = z.object({ actions: z.array(z.object({ action: z.string(), app: z.string() })) });
export const DryRunSchema = z.object({ steps: z.array(StepSchema) }).openapi("Steps");
