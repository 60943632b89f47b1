/** What the gateway writes: apps, versions, deployments and the operator's word about agents. */
import { z } from "zod";
import { AppSpecSchema } from "../spec/app.ts";

/** W3C trace context of the decision that wrote a document, or null when nobody traces. */
export const TraceSchema = z.string().nullable();

/** Who asked, and from where: `{ who: "http", from: "127.0.0.1:53211" }`. */
export const RequesterSchema = z.object({ who: z.string(), from: z.string() });
export type Requester = z.infer<typeof RequesterSchema>;

/** `app.<app>`. A second change while `deployment` runs loses its compare-and-set or is answered 409. */
export const AppDocumentSchema = z.object({
  id: z.string(),
  version: z.int(),
  instances: z.int().min(0),
  goal: z.enum(["run", "deleted"]),
  /** The running deployment, or null when the app stands as it was asked to. */
  deployment: z.string().nullable(),
  createdAtMs: z.int(),
  scaledAtMs: z.int(),
  trace: TraceSchema,
});
export type AppDocument = z.infer<typeof AppDocumentSchema>;

/** `version.<app>.<version>`, immutable. */
export const VersionDocumentSchema = z.object({
  app: z.string(),
  version: z.int(),
  spec: AppSpecSchema,
  by: RequesterSchema,
});
export type VersionDocument = z.infer<typeof VersionDocumentSchema>;

/** `path.<path>` and `port.<n>`: a claim names its owner. */
export const ClaimDocumentSchema = z.object({ kind: z.enum(["app", "group"]), owner: z.string() });
export type ClaimDocument = z.infer<typeof ClaimDocumentSchema>;

export const DEPLOYMENT_STATES = ["running", "succeeded", "failed", "superseded"] as const;

/** `deployment.<id>`: one change of one app, from asked to done. */
export const DeploymentDocumentSchema = z.object({
  id: z.string(),
  app: z.string(),
  action: z.enum(["start", "scale", "upgrade", "restart", "delete"]),
  fromVersion: z.int().nullable(),
  version: z.int(),
  instances: z.int().min(0),
  state: z.enum(DEPLOYMENT_STATES),
  startedAtMs: z.int(),
  endedAtMs: z.int().nullable(),
  by: RequesterSchema,
  /** What stands in its way or how it ended, a sentence. */
  message: z.string().nullable(),
  trace: TraceSchema,
});
export type DeploymentDocument = z.infer<typeof DeploymentDocumentSchema>;

/** `agent.<agent>`: the operator's word. Absent means `run`. */
export const AgentWordSchema = z.object({
  agent: z.string(),
  goal: z.enum(["run", "cordon", "drain", "remove"]),
  /** With `remove`: this incarnation and all before it are fenced. */
  fencedIncarnation: z.int().nullable(),
  atMs: z.int(),
});
export type AgentWord = z.infer<typeof AgentWordSchema>;
