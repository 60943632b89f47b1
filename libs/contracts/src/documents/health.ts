/** What is judged true of instances and agents. Hot, and rebuilt from facts when lost. */
import { z } from "zod";
import { ResourcesSchema } from "../resources.ts";
import { TASK_STATES } from "./agent.ts";
import { TraceSchema } from "./app.ts";
import { TERMINAL_STATES } from "./wish.ts";

/**
 * What an agent states in a fact: a task state, a health check that crossed its threshold, a readiness check's answer, or
 * `checked`, another result of the app's check.
 */
export const FACT_STATES = [...TASK_STATES, "healthy", "unhealthy", "ready", "unready", "checked"] as const;
export type FactState = (typeof FACT_STATES)[number];

/** An answer to a readiness check, kept where the app asks for it. */
export const CheckResponseSchema = z.object({
  status: z.int(),
  /** Empty when the answer named none. */
  contentType: z.string(),
  /** The first `READINESS_BODY_MAX` characters. */
  body: z.string(),
});
export type CheckResponse = z.infer<typeof CheckResponseSchema>;

/** What one health check had found when a threshold was last crossed: in between its agent counts and tells nothing. */
export const HealthRecordSchema = z.object({
  alive: z.boolean(),
  consecutiveFailures: z.int().min(0),
  /** By the agent's clock; null: never yet. */
  firstSuccessMs: z.int().nullable(),
  lastSuccessMs: z.int().nullable(),
  lastFailureMs: z.int().nullable(),
  lastFailureCause: z.string().nullable(),
});
export type HealthRecord = z.infer<typeof HealthRecordSchema>;

/** What an app's check has found. null: there was no answer in time. */
export const CheckResultSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("http"), statusCode: z.int().nullable() }),
  z.object({ type: z.literal("tcp"), succeeded: z.boolean() }),
  z.object({ type: z.literal("command"), exitCode: z.int().nullable() }),
]);
export type CheckResult = z.infer<typeof CheckResultSchema>;

/** The data of a fact's CloudEvent, on `muster.facts.<shard>.<agent>.<app>.<slot>.<attempt>.<state>`. */
export const FactSchema = z.object({
  instance: z.string(),
  app: z.string(),
  slot: z.int(),
  attempt: z.int(),
  version: z.int(),
  agent: z.string(),
  hostname: z.string(),
  incarnation: z.int(),
  /** Running number in the agent's outbox. */
  number: z.int(),
  state: z.enum(FACT_STATES),
  /** Stream sequence of the instance record the agent acted on: whoever judges the fact has read as far. */
  recordSequence: z.int(),
  ports: z.array(z.int()),
  pid: z.int().nullable(),
  container: z.string().nullable(),
  exitCode: z.int().nullable(),
  signal: z.string().nullable(),
  /** A closed, documented word: `exited`, `command-not-found`, `image-not-found`, `health-check`, `killed-on-request` ... */
  reason: z.string(),
  /** A sentence for people; with a failure the last lines of its output. */
  message: z.string(),
  /** Adopted after a restart of the agent, not started by it. */
  adopted: z.boolean(),
  /** With `ready` and `unready`, where the app wants the last answer kept. */
  response: CheckResponseSchema.nullable().default(null),
  /** With `healthy` and `unhealthy`: one for each health check, in the app's order. */
  health: z.array(HealthRecordSchema).nullable().default(null),
  /** With `checked`. */
  checkResult: CheckResultSchema.nullable().default(null),
});
export type Fact = z.infer<typeof FactSchema>;

/** Levels of an instance: what its agent last stated, or what its silence means. */
export const LEVELS = [...TASK_STATES, "overdue", "unreachable"] as const;
export type Level = (typeof LEVELS)[number];

/** `verdict.<app>.<slot>.<attempt>` in the health bucket. */
export const VerdictDocumentSchema = z.object({
  instance: z.string(),
  agent: z.string(),
  version: z.int(),
  level: z.enum(LEVELS),
  /** What the agent last stated, whatever its silence means now; null when it never spoke. */
  stated: z.enum(TASK_STATES).nullable(),
  /** null while no check has spoken, and for apps without checks. */
  healthy: z.boolean().nullable(),
  /** One for each health check, in the app's order; null while `healthy` is. */
  health: z.array(HealthRecordSchema).nullable().default(null),
  /** null while no readiness check has spoken, and for apps without one. What was ready stays so while it runs. */
  ready: z.boolean().nullable().default(null),
  response: CheckResponseSchema.nullable().default(null),
  /** null until the app's check was made, and for apps without one. */
  checkResult: CheckResultSchema.nullable().default(null),
  /** Why it is not waited for any more, a sentence, where it did not come to run in time; null again when it does. */
  givenUp: z.string().nullable().default(null),
  /** Stream sequence of the fact this rests on; lower ones are refused. */
  fact: z.int(),
  startedAtMs: z.int().nullable(),
  sinceMs: z.int(),
  exitCode: z.int().nullable(),
  signal: z.string().nullable(),
  reason: z.string(),
  message: z.string(),
  pid: z.int().nullable(),
  container: z.string().nullable(),
  trace: TraceSchema,
});
export type VerdictDocument = z.infer<typeof VerdictDocumentSchema>;

/** `ended.<app>.<slot>.<attempt>`: the terminal fact placement releases on; ends with the record. */
export const EndedDocumentSchema = z.object({
  instance: z.string(),
  agent: z.string(),
  version: z.int(),
  fact: z.int(),
  state: z.enum(TERMINAL_STATES),
  exitCode: z.int().nullable(),
  signal: z.string().nullable(),
  reason: z.string(),
  message: z.string(),
  atMs: z.int(),
  trace: TraceSchema,
});
export type EndedDocument = z.infer<typeof EndedDocumentSchema>;

/** `agent.<agent>` in the health bucket: the incarnation whose inventory was reconciled with the ledger. */
export const AgentVerdictSchema = z.object({
  agent: z.string(),
  reconciledIncarnation: z.int(),
  /** Live tasks nobody knows: listed, counted against the capacity, never killed unasked. */
  orphans: z.array(z.object({ instance: z.string(), resources: ResourcesSchema, ports: z.array(z.int()) })),
  atMs: z.int(),
});
export type AgentVerdict = z.infer<typeof AgentVerdictSchema>;

/** `cursor.<shard>`: facts up to this sequence are judged. */
export const CursorSchema = z.object({ fact: z.int() });
/** `term.<service>.<shard>` in the state bucket. */
export const TermSchema = z.object({ holder: z.string(), epoch: z.int() });
export type Term = z.infer<typeof TermSchema>;
/** A key of the lease bucket: one per process, naming the services it runs. */
export const LeaseSchema = z.object({
  process: z.string(),
  services: z.array(z.string()),
  startedAtMs: z.int(),
  /** `host:port` of the HTTP API, where the process has a gateway. */
  http: z.string().nullable().default(null),
  /** Services whose shards it gives to others, as long as there are others. */
  abdicated: z.array(z.string()).default([]),
});
export type Lease = z.infer<typeof LeaseSchema>;
