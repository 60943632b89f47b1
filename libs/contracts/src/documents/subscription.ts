/** Who wants events posted to them. */
import { z } from "zod";
import { RequesterSchema } from "./app.ts";

/** `subscription.<id>`, written by gateways. The id is made from the URL, so that one URL has one subscription. */
export const SubscriptionDocumentSchema = z.object({
  id: z.string(),
  callbackUrl: z.string(),
  /** The first event that is posted to it, as its place in the stream of events. */
  fromSequence: z.int().min(1),
  createdAtMs: z.int(),
  by: RequesterSchema,
});
export type SubscriptionDocument = z.infer<typeof SubscriptionDocumentSchema>;
