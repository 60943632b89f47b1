/** Marathon's app as `/v2/apps` answers it: the fields we read, everything else passed through. */
import { z } from "zod";

export const AppViewSchema = z.looseObject({
  id: z.string(),
  instances: z.number().default(0),
  cpus: z.number().default(0),
  mem: z.number().default(0),
  disk: z.number().default(0),
  gpus: z.number().default(0),
  cmd: z.string().nullish(),
  args: z.array(z.string()).nullish(),
  container: z.looseObject({ docker: z.looseObject({ image: z.string() }).nullish() }).nullish(),
  version: z.string().nullish(),
  tasksStaged: z.number().default(0),
  tasksRunning: z.number().default(0),
  tasksHealthy: z.number().default(0),
  tasksUnhealthy: z.number().default(0),
  healthChecks: z.array(z.unknown()).nullish(),
  deployments: z.array(z.looseObject({ id: z.string() })).default([]),
});
export type AppView = z.infer<typeof AppViewSchema>;

export const AppsReplySchema = z.object({ apps: z.array(AppViewSchema) });
export const AppReplySchema = z.object({ app: AppViewSchema });
export const ChangeReplySchema = z.looseObject({
  version: z.string().nullish(),
});

/** The steps of a change of a group, in Marathon's words. */
export const GroupPlanSchema = z.object({
  steps: z.array(z.object({ actions: z.array(z.looseObject({ action: z.string(), app: z.string() })) })),
});
export type GroupPlan = z.infer<typeof GroupPlanSchema>;

export const VersionsReplySchema = z.object({ versions: z.array(z.string()) });
/** A version's spec, as it would be written. */
export const VersionViewSchema = z.looseObject({ id: z.string() });
export type VersionView = z.infer<typeof VersionViewSchema>;

const RejectSchema = z.looseObject({ reason: z.string(), declined: z.number(), processed: z.number() });
export const QueueItemSchema = z.looseObject({
  app: z.looseObject({ id: z.string() }).optional(),
  count: z.number(),
  since: z.string().optional(),
  delay: z.looseObject({ timeLeftSeconds: z.number(), overdue: z.boolean() }),
  processedOffersSummary: z.looseObject({ rejectSummaryLastOffers: z.array(RejectSchema).default([]) }).optional(),
});
export type QueueItem = z.infer<typeof QueueItemSchema>;
export const QueueReplySchema = z.looseObject({ queue: z.array(QueueItemSchema) });
