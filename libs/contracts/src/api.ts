/** Shapes of the HTTP API that are Muster's own (`/v1`), and of the API over NATS. Marathon's shapes live in the gateway. */
import { z } from "zod";
import { GATE_REASONS } from "./documents/agent.ts";
import { DeploymentDocumentSchema } from "./documents/app.ts";
import { LEVELS } from "./documents/health.ts";
import { HoldDocumentSchema, WaitingDocumentSchema } from "./documents/wish.ts";
import { AttributeSchema, PortRangeSchema, ResourcesSchema } from "./resources.ts";

/** Request on `muster.api`: an HTTP request as a message. `traceparent` travels in the message's headers. */
export const ApiRequestSchema = z.object({
  method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]),
  /** Path with query: `/v2/apps?embed=apps.tasks`. */
  path: z.string().startsWith("/"),
  body: z.string().nullable(),
  /** Who asks, for the deployment's history: `muster CLI of alice@laptop`. */
  from: z.string(),
});
export type ApiRequest = z.infer<typeof ApiRequestSchema>;

/** Its reply; a body too large for one message comes in parts, numbered in the `Muster-Part` header. */
export const ApiReplySchema = z.object({
  status: z.int(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
});
export type ApiReply = z.infer<typeof ApiReplySchema>;

/** Error body of every endpoint: Marathon's `message` and `details`, our `code` beside them. */
export const ErrorBodySchema = z.object({
  message: z.string(),
  code: z.string().optional(),
  details: z
    .union([
      z.string(),
      z.array(
        z.object({
          path: z.string(),
          errors: z.array(z.string()),
          line: z.int().optional(),
          column: z.int().optional(),
        }),
      ),
    ])
    .optional(),
  deployments: z.array(z.object({ id: z.string() })).optional(),
});
export type ErrorBody = z.infer<typeof ErrorBodySchema>;

/** One instance as people see it: wished, waiting, placed or ended. */
export const InstanceViewSchema = z.object({
  id: z.string(),
  app: z.string(),
  slot: z.int(),
  attempt: z.int(),
  version: z.int(),
  /** The version its app stands at, where this instance is good for it: of that version, or made of the same. null: of another one. */
  goodFor: z.int().nullable().default(null),
  /** `waiting`: wanted, not placed. `placed`: committed, the agent has not spoken yet. */
  state: z.enum(["waiting", "placed", ...LEVELS]),
  healthy: z.boolean().nullable(),
  /** null where its version has no readiness check, or it has ended; else false until the first one has passed. */
  ready: z.boolean().nullable().default(null),
  agent: z.string().nullable(),
  host: z.string().nullable(),
  ports: z.array(z.int()),
  pid: z.int().nullable(),
  container: z.string().nullable(),
  sinceMs: z.int().nullable(),
  startedAtMs: z.int().nullable(),
  exitCode: z.int().nullable(),
  reason: z.string(),
  message: z.string(),
});
export type InstanceView = z.infer<typeof InstanceViewSchema>;
/** `GET /v1/instances?app=/hello&ended=true`. */
export const InstancesReplySchema = z.object({ instances: z.array(InstanceViewSchema) });

export const AgentViewSchema = z.object({
  id: z.string(),
  hostname: z.string(),
  address: z.string(),
  capacity: ResourcesSchema,
  used: ResourcesSchema,
  ports: z.array(PortRangeSchema),
  attributes: z.record(z.string(), AttributeSchema),
  runtimes: z.array(z.string()),
  instances: z.int(),
  incarnation: z.int(),
  gate: z.object({ open: z.boolean(), reason: z.enum(GATE_REASONS), sinceMs: z.int() }),
  orphans: z.array(z.string()),
});
export type AgentView = z.infer<typeof AgentViewSchema>;
/** `GET /v1/agents`. */
export const AgentsReplySchema = z.object({ agents: z.array(AgentViewSchema) });

/** `GET /v1/why?app=/hello` or `?instance=hello.0.12`. */
export const WhySchema = z.object({
  app: z.string(),
  /** waiting, delayed (backoff), deploying, running, stopped: told apart, never mixed. */
  status: z.enum(["waiting", "delayed", "deploying", "running", "unhealthy", "stopped"]),
  wanted: z.int(),
  running: z.int(),
  healthy: z.int(),
  waiting: WaitingDocumentSchema.nullable(),
  /** Free capacity that a gang keeps just now, this app or one that it waits beside; null: nobody does. */
  hold: HoldDocumentSchema.nullable().default(null),
  /** When the next attempt is due after failures, or null. */
  delay: z.object({ failures: z.int(), untilMs: z.int() }).nullable(),
  lastFailure: InstanceViewSchema.nullable(),
  deployment: DeploymentDocumentSchema.nullable(),
  /** One sentence that answers the question. */
  summary: z.string(),
});
export type Why = z.infer<typeof WhySchema>;

/** One field of a spec that would change, by its path as problems name it: `/env/LEVEL`, `/constraints(0)`. */
export const PlanChangeSchema = z.object({
  path: z.string(),
  op: z.enum(["add", "remove", "change"]),
  /** null where it is added. */
  old: z.unknown(),
  /** null where it is removed. */
  new: z.unknown(),
});
export type PlanChange = z.infer<typeof PlanChangeSchema>;

const SpotSchema = z.object({ agent: z.string(), count: z.int().min(1) });
/** So many instances on one agent. */
export type Spot = z.infer<typeof SpotSchema>;
const StopSchema = SpotSchema.extend({ instances: z.array(z.string()) });

/** One answer, one exit code of `muster plan`: nothing would change; all has a place; some has none; it would be refused now. */
export const PLAN_OUTCOMES = ["unchanged", "fits", "unplaced", "refused"] as const;

/** `POST /v1/plan`: what a spec would change, and where its instances would stand. Nothing is changed by asking. */
export const PlanSchema = z.object({
  app: z.string(),
  outcome: z.enum(PLAN_OUTCOMES),
  /** One sentence that answers the question. */
  summary: z.string(),
  /** `update`: what changes is nothing that instances are made of, and none is restarted. */
  action: z.enum(["none", "start", "scale", "update", "upgrade"]),
  /** Why the change itself would be refused just now, such as by a deployment that runs; the plan then overtakes it. */
  refusal: z.object({ code: z.string(), message: z.string() }).nullable(),
  /** The version the app stands at, or null where there is no app yet. */
  version: z.int().nullable(),
  instances: z.object({ from: z.int(), to: z.int() }),
  changes: z.array(PlanChangeSchema),
  /** True when every instance that stands is replaced; else some are only added or stopped. */
  replaces: z.boolean(),
  /** Instances that go on as they are. */
  keeps: z.int(),
  /** What happens at once, within the capacities of `upgradeStrategy`: the rest follows as instances come up and end. */
  first: z.object({ places: z.array(SpotSchema), stops: z.array(StopSchema) }),
  /** All of it, `first` included: the agents that would get instances, most first, and what would be stopped. */
  places: z.array(SpotSchema),
  stops: z.array(StopSchema),
  /** How many instances stand ready at least, and stand at most, until all is done; null where none is replaced. */
  meanwhile: z.object({ least: z.int(), most: z.int() }).nullable(),
  /** Steps that were rehearsed one by one. `isWhole` false: the rest as if all old instances had made way at once. */
  rehearsed: z.object({ steps: z.int(), isWhole: z.boolean() }),
  /** Instances without a place, and the refusals of those that were tried. */
  unplaced: z.int(),
  waiting: WaitingDocumentSchema.nullable(),
  /** Failures hold the app's next instances back until then. */
  delayedUntilMs: z.int().nullable(),
  /** What was understood otherwise than it was written. */
  warnings: z.array(
    z.object({ path: z.string(), message: z.string(), line: z.int().optional(), column: z.int().optional() }),
  ),
});
export type Plan = z.infer<typeof PlanSchema>;

/** `GET /v1/cluster`: what `muster doctor` and `muster up` show first. */
export const ClusterViewSchema = z.object({
  apps: z.int(),
  instances: z.object({ wanted: z.int(), placed: z.int(), running: z.int(), healthy: z.int() }),
  agents: z.object({ total: z.int(), open: z.int() }),
  services: z.array(z.object({ service: z.string(), process: z.string(), startedAtMs: z.int() })),
});
export type ClusterView = z.infer<typeof ClusterViewSchema>;

/** Request on `muster.logs`: every agent that has output of it answers with chunks, then one `end`. */
export const LogsRequestSchema = z.object({
  /** App path or instance id; ended instances included. */
  app: z.string().nullable(),
  instance: z.string().nullable(),
  streams: z.array(z.enum(["stdout", "stderr"])),
  /** Only the last so many lines of each stream; null: all that is kept. */
  tail: z.int().min(0).nullable(),
  follow: z.boolean(),
});
export type LogsRequest = z.infer<typeof LogsRequestSchema>;
export const LogsChunkSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("chunk"),
    agent: z.string(),
    instance: z.string(),
    stream: z.enum(["stdout", "stderr"]),
    /** Whole lines, UTF-8. */
    text: z.string(),
  }),
  z.object({ type: z.literal("end"), agent: z.string(), instances: z.int() }),
]);
export type LogsChunk = z.infer<typeof LogsChunkSchema>;
