/** How a new version takes the place of the old one, beyond `upgradeStrategy`: in which stages, and when it has failed. */
import { z } from "zod";

/**
 * `rolling`: one stage, paced by `upgradeStrategy` alone. `batches`: so many new instances at a time. `canary`: a few of the new
 * version beside the old one, then all. `blueGreen`: all of the new version beside all of the old one, then the old ones go.
 */
export const ROLLOUT_STRATEGIES = ["rolling", "batches", "canary", "blueGreen"] as const;
export type RolloutStrategy = (typeof ROLLOUT_STRATEGIES)[number];

export const RolloutSpecSchema = z.object({
  strategy: z.enum(ROLLOUT_STRATEGIES),
  /** Instances of each batch; the last size is repeated. */
  batches: z.array(z.int().min(1)),
  /** Instances of the new version that are tried first. */
  canary: z.int().min(1),
  /** Seconds that all instances of a stage must stand, healthy, before the next stage begins. */
  watchSeconds: z.number().min(0),
  /** Each stage but the last waits for a person's word. */
  waitsForPromotion: z.boolean(),
  /** Seconds without progress after which the deployment has failed; null: never. */
  timeoutSeconds: z.number().positive().nullable(),
  /** How often each instance of the new version may fail while none of it is up, in a staged rollout at all; null: any number. */
  maxFailures: z.int().min(0).nullable(),
  /** A deployment that failed goes back to the version before it. */
  rollbackOnFailure: z.boolean(),
});
export type RolloutSpec = z.infer<typeof RolloutSpecSchema>;

export const ROLLOUT_DEFAULTS: RolloutSpec = {
  strategy: "rolling",
  batches: [1],
  canary: 1,
  watchSeconds: 0,
  waitsForPromotion: false,
  timeoutSeconds: 600,
  maxFailures: 2,
  rollbackOnFailure: false,
};
