/** What the gateway writes: apps, versions, deployments and the operator's word about agents. */
import { z } from "zod";
import { AppSpecSchema } from "../spec/app.ts";
import { GroupChangeSchema } from "./group.ts";

/** W3C trace context of the decision that wrote a document, or null when nobody traces. */
export const TraceSchema = z.string().nullable();

/** Who asked, and from where: `{ who: "http", from: "127.0.0.1:53211" }`. */
export const RequesterSchema = z.object({ who: z.string(), from: z.string() });
export type Requester = z.infer<typeof RequesterSchema>;

/**
 * An app that stands on two versions, and keeps both: in a stage of its deployment, while that is paused, and where one ended half
 * way. `fresh` instances of the app's own version, `kept` ones of an older version.
 */
export const MixSchema = z.object({ version: z.int(), fresh: z.int().min(0), kept: z.int().min(0) });
export type Mix = z.infer<typeof MixSchema>;

/** `app.<app>`. A second change while `deployment` runs loses its compare-and-set or is answered 409. */
export const AppDocumentSchema = z.object({
  id: z.string(),
  version: z.int(),
  instances: z.int().min(0),
  goal: z.enum(["run", "deleted"]),
  /** The running deployment, or null when the app stands as it was asked to. */
  deployment: z.string().nullable(),
  /** Null: all instances are to be of `version`. */
  mix: MixSchema.nullable().default(null),
  createdAtMs: z.int(),
  scaledAtMs: z.int(),
  trace: TraceSchema,
});
export type AppDocument = z.infer<typeof AppDocumentSchema>;

/** `order.<app>`: what people ask of the deployer about an app's instances; it is gone once the deployer has done it. */
export const OrderDocumentSchema = z.object({
  app: z.string(),
  /** Attempts of instances that are to end; unless the app was scaled down as well, others take their places at once. */
  victims: z.array(z.int()),
  /** The next attempt is held back no longer. */
  resetsDelay: z.boolean(),
  trace: TraceSchema,
});
export type OrderDocument = z.infer<typeof OrderDocumentSchema>;

/** `version.<app>.<version>`, immutable. */
export const VersionDocumentSchema = z.object({
  app: z.string(),
  version: z.int(),
  spec: AppSpecSchema,
  by: RequesterSchema,
  /** The version whose instances are good for this one too, or null: only its own are. */
  config: z.int().nullable().default(null),
});
export type VersionDocument = z.infer<typeof VersionDocumentSchema>;

/** `path.<path>` and `port.<n>`: a claim names its owner. */
export const ClaimDocumentSchema = z.object({ kind: z.enum(["app", "group"]), owner: z.string() });
export type ClaimDocument = z.infer<typeof ClaimDocumentSchema>;

/** `aborted`: stopped by a person, half way. */
export const DEPLOYMENT_STATES = ["running", "succeeded", "failed", "superseded", "aborted"] as const;
export type DeploymentState = (typeof DEPLOYMENT_STATES)[number];

/** Where an app stood, or is to stand. */
export const StandSchema = z.object({ version: z.int(), instances: z.int().min(0) });
export type Stand = z.infer<typeof StandSchema>;

/** What a deployment does with one app. `from` null: there was none; `to` null: there is to be none. */
export const DeploymentActionSchema = z.object({
  app: z.string(),
  action: z.enum(["start", "scale", "update", "upgrade", "restart", "delete"]),
  from: StandSchema.nullable(),
  to: StandSchema.nullable(),
  /** False: at once, whatever stages the spec asks for, as on the way back. */
  isStaged: z.boolean().default(true),
});
export type DeploymentAction = z.infer<typeof DeploymentActionSchema>;

/**
 * `deployment.<id>`: one change of one app or of many, from asked to done. Its steps follow each other, the actions of a step go side
 * by side. `app`, `version`, `instances` and `fromVersion` are those of its first action.
 */
export const DeploymentDocumentSchema = z.object({
  id: z.string(),
  app: z.string(),
  /** The group that was changed, or null: apps were. */
  group: z.string().nullable().default(null),
  /** What became of documents of groups at its beginning. */
  groups: z.array(GroupChangeSchema).default([]),
  action: z.enum(["start", "scale", "update", "upgrade", "restart", "delete", "group", "rollback"]),
  fromVersion: z.int().nullable(),
  version: z.int(),
  instances: z.int().min(0),
  state: z.enum(DEPLOYMENT_STATES),
  /** Empty in documents from before there were steps: then it is one action of one app. */
  steps: z.array(z.object({ actions: z.array(DeploymentActionSchema) })).default([]),
  /** Index of the step it is at. */
  step: z.int().min(0).default(0),
  /** Index of the step's stage; apps with fewer stages are at their last one. */
  stage: z.int().min(0).default(0),
  /** When that stage began, or null: when the deployment did. */
  stageSinceMs: z.int().nullable().default(null),
  /** Since when all of the stage stands, or null: it does not yet. */
  reachedAtMs: z.int().nullable().default(null),
  /** The stage may be left though it waits for a person's word. */
  isPromoted: z.boolean().default(false),
  isPaused: z.boolean().default(false),
  /** The deployment that this one goes back on, or null. */
  rollsBack: z.string().nullable().default(null),
  /** The deployment that goes back on this one, or null: none does. */
  rolledBackBy: z.string().nullable().default(null),
  startedAtMs: z.int(),
  endedAtMs: z.int().nullable(),
  by: RequesterSchema,
  /** What stands in its way or how it ended, a sentence. */
  message: z.string().nullable(),
  trace: TraceSchema,
});
export type DeploymentDocument = z.infer<typeof DeploymentDocumentSchema>;

/** Where every deployment begins. */
export const DEPLOYMENT_BEGINNING = {
  group: null,
  groups: [],
  state: "running",
  steps: [],
  step: 0,
  stage: 0,
  stageSinceMs: null,
  reachedAtMs: null,
  isPromoted: false,
  isPaused: false,
  rollsBack: null,
  rolledBackBy: null,
  endedAtMs: null,
  message: null,
} as const satisfies Partial<DeploymentDocument>;

/** `agent.<agent>`: the operator's word. Absent means `run`. */
export const AgentWordSchema = z.object({
  agent: z.string(),
  goal: z.enum(["run", "cordon", "drain", "remove"]),
  /** With `remove`: this incarnation and all before it are fenced. */
  fencedIncarnation: z.int().nullable(),
  atMs: z.int(),
});
export type AgentWord = z.infer<typeof AgentWordSchema>;
