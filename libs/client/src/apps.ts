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
