/** Public events as CloudEvents 1.0 in JSON, and the catalogue of their types. */
import { z } from "zod";
import { GATE_REASONS } from "./documents/agent.ts";
import { DEPLOYMENT_STATES, RequesterSchema } from "./documents/app.ts";
import { FACT_STATES, FactSchema } from "./documents/health.ts";
import { EndedRowSchema, PlacedRowSchema, RefusalSchema } from "./documents/wish.ts";

/** CloudEvents context attributes; `traceparent` is the distributed tracing extension. */
export const envelopeOf = <T extends z.ZodType>(type: string, data: T) =>
  z.object({
    specversion: z.literal("1.0"),
    id: z.string(),
    source: z.string(),
    type: z.literal(type),
    subject: z.string(),
    time: z.iso.datetime(),
    datacontenttype: z.literal("application/json"),
    traceparent: z.string().optional(),
    data,
  });

const ProblemSchema = z.object({
  path: z.string(),
  message: z.string(),
  line: z.int().optional(),
  column: z.int().optional(),
});

const ActionToldSchema = z.object({ action: z.string(), app: z.string() });
const AppData = z.object({ app: z.string(), version: z.int(), deployment: z.string().nullable() });

/** A client of `/v2/events` or `/v1/events`; its id is drawn by the gateway it reads from. */
const StreamData = z.object({ client: z.string(), remoteAddress: z.string() });
const SubscriptionData = z.object({ id: z.string(), callbackUrl: z.string() });

/** Every event type but the task facts: its public kind and name, and the shape of its data. */
export const EVENTS = {
  "muster.app.accepted": {
    kind: "app",
    name: "accepted",
    about: "A spec was validated and stored; its deployment begins.",
    data: AppData.extend({
      instances: z.int(),
      action: z.string(),
      understood: z.array(ProblemSchema),
      submitted: z.int().nullable(),
    }),
  },
  "muster.app.placed": {
    kind: "app",
    name: "placed",
    about: "Instances were committed to agents.",
    data: z.object({ app: z.string(), rows: z.array(PlacedRowSchema.extend({ instance: z.string() })) }),
  },
  "muster.app.waiting": {
    kind: "app",
    name: "waiting",
    about: "Instances wait, and why.",
    data: z.object({
      app: z.string(),
      count: z.int(),
      agentsSeen: z.int(),
      refusals: z.array(RefusalSchema),
      nearest: z.object({ agent: z.string(), lacks: z.string() }).nullable(),
      wouldFitIf: z.array(z.string()),
    }),
  },
  "muster.app.released": {
    kind: "app",
    name: "released",
    about: "Instances ended and gave back what they held.",
    data: z.object({ app: z.string(), rows: z.array(EndedRowSchema.extend({ instance: z.string() })) }),
  },
  "muster.app.deleted": {
    kind: "app",
    name: "deleted",
    about: "The last instance of a deleted app was released.",
    data: z.object({ app: z.string() }),
  },
  "muster.submit.rejected": {
    kind: "submit",
    name: "rejected",
    about: "A published spec was refused; the error list is the one HTTP answers.",
    data: z.object({
      sequence: z.int(),
      messageId: z.string().nullable(),
      subject: z.string(),
      status: z.int(),
      code: z.string(),
      message: z.string(),
      problems: z.array(ProblemSchema),
    }),
  },
  "muster.deployment.started": {
    kind: "deployment",
    name: "started",
    about: "A change of an app, or of many, begins.",
    data: AppData.extend({
      id: z.string(),
      action: z.string(),
      instances: z.int(),
      apps: z.array(z.string()).optional(),
      steps: z.array(z.object({ actions: z.array(ActionToldSchema) })).optional(),
    }),
  },
  "muster.deployment.step": {
    kind: "deployment",
    name: "step",
    about: "A deployment enters a step or a stage of it; one of several steps has done one, or failed in it.",
    data: AppData.extend({
      id: z.string(),
      /** From 1. */
      step: z.int(),
      steps: z.int(),
      /** From 1. */
      stage: z.int(),
      stages: z.int(),
      outcome: z.enum(["started", "succeeded", "failed"]),
      actions: z.array(ActionToldSchema),
      message: z.string().nullable(),
    }),
  },
  "muster.deployment.ended": {
    kind: "deployment",
    name: "ended",
    about: "A change of an app is done, failed or overtaken by a newer one.",
    data: AppData.extend({
      id: z.string(),
      action: z.string(),
      state: z.enum(DEPLOYMENT_STATES),
      message: z.string().nullable(),
      /** The deployment that goes back on it. */
      rolledBackBy: z.string().optional(),
    }),
  },
  "muster.agent.gate": {
    kind: "agent",
    name: "gate",
    about: "An agent's gate opened or closed for new instances.",
    data: z.object({ agent: z.string(), open: z.boolean(), reason: z.enum(GATE_REASONS), incarnation: z.int() }),
  },
  "muster.stream.attached": {
    kind: "stream",
    name: "attached",
    about: "A client began to read events over HTTP.",
    data: StreamData,
  },
  "muster.stream.detached": {
    kind: "stream",
    name: "detached",
    about: "A client reads no more events over HTTP: it left, or its gateway stopped or cut it off.",
    data: StreamData,
  },
  "muster.subscription.added": {
    kind: "subscription",
    name: "added",
    about: "Events are posted to a callback from now on.",
    data: SubscriptionData.extend({ by: RequesterSchema }),
  },
  "muster.subscription.removed": {
    kind: "subscription",
    name: "removed",
    about: "Events are posted to a callback no more, because somebody asked for that.",
    data: SubscriptionData.extend({ by: RequesterSchema }),
  },
  "muster.subscription.suspended": {
    kind: "subscription",
    name: "suspended",
    about: "A callback has not taken an event for so long that it is tried only now and then.",
    data: SubscriptionData.extend({ sequence: z.int(), deliveries: z.int(), message: z.string() }),
  },
  "muster.subscription.resumed": {
    kind: "subscription",
    name: "resumed",
    about: "A callback that was suspended takes events again, from the one on that it did not take.",
    data: SubscriptionData.extend({ sequence: z.int(), deliveries: z.int() }),
  },
} as const;

export type EventType = keyof typeof EVENTS;
export type EventData<T extends EventType> = z.infer<(typeof EVENTS)[T]["data"]>;

/** `muster.task.running` and so on: what agents state of their instances. */
export const taskEventType = (state: (typeof FACT_STATES)[number]): string => `muster.task.${state}`;
export const TaskEventSchema = z.object({
  specversion: z.literal("1.0"),
  id: z.string(),
  source: z.string(),
  type: z.enum(FACT_STATES.map(taskEventType)),
  subject: z.string(),
  time: z.iso.datetime(),
  datacontenttype: z.literal("application/json"),
  traceparent: z.string().optional(),
  data: FactSchema,
});
export type TaskEvent = z.infer<typeof TaskEventSchema>;

export const CloudEventSchema = z.object({
  specversion: z.literal("1.0"),
  id: z.string(),
  source: z.string(),
  type: z.string(),
  subject: z.string(),
  time: z.string(),
  datacontenttype: z.string(),
  traceparent: z.string().optional(),
  data: z.unknown(),
});
export type CloudEvent = z.infer<typeof CloudEventSchema>;

/** An event before it is told: the committer adds time and source. `id` is drawn before the decision commits. */
export type EventDraft<T extends EventType = EventType> = {
  readonly type: T;
  /** The app's, agent's, deployment's, client's or subscription's id, or the submit sequence. */
  readonly subject: string;
  readonly id: string;
  readonly data: EventData<T>;
  /** Trace context of its own, where a batch holds decisions of several traces. */
  readonly trace?: string | null;
};

/** Makes the envelope people read. `atMs` since the epoch. */
export function cloudEvent(
  event: { type: string; id: string; subject: string; data: unknown },
  about: { source: string; atMs: number; traceparent: string | null },
): CloudEvent {
  return {
    specversion: "1.0",
    id: event.id,
    source: about.source,
    type: event.type,
    subject: event.subject,
    time: new Date(about.atMs).toISOString(),
    datacontenttype: "application/json",
    ...(about.traceparent === null ? {} : { traceparent: about.traceparent }),
    data: event.data,
  };
}

/** The same attributes as message headers, so that subscribers can route without reading bodies. */
export const cloudEventHeaders = (event: CloudEvent): Record<string, string> => ({
  "content-type": "application/cloudevents+json",
  "ce-specversion": event.specversion,
  "ce-id": event.id,
  "ce-source": event.source,
  "ce-type": event.type,
  "ce-subject": event.subject,
  "ce-time": event.time,
  ...(event.traceparent === undefined ? {} : { traceparent: event.traceparent }),
});
