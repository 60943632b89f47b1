/** What is known of groups beside the ids of their apps. A group stands as long as its path is claimed, or an app is below it. */
import { z } from "zod";

/** `group.<group>`: only for groups that were written as such. */
export const GroupDocumentSchema = z.object({
  id: z.string(),
  /** Ids of apps and groups, absolute: everything below this group waits for them. */
  dependencies: z.array(z.string()),
  /** When it was last changed as a group, in milliseconds since the epoch. */
  version: z.int(),
  createdAtMs: z.int(),
  /** Null: nobody said. Of groups right below the root only. */
  enforceRole: z.boolean().nullable().default(null),
});
export type GroupDocument = z.infer<typeof GroupDocumentSchema>;

/** `groupversion.<group>.<version>`, immutable: what stood in the group from then on. Ids and numbers only, never specs. */
export const GroupVersionDocumentSchema = z.object({
  group: z.string(),
  version: z.int(),
  apps: z.array(z.object({ id: z.string(), version: z.int(), instances: z.int().min(0) })),
  /** The group itself and all below it. */
  groups: z.array(z.object({ id: z.string(), dependencies: z.array(z.string()) })),
});
export type GroupVersionDocument = z.infer<typeof GroupVersionDocumentSchema>;

/** `graph`: set anew by whoever changes what an app or a group depends on, so that two of them never close a cycle together. */
export const GraphDocumentSchema = z.object({ changes: z.int() });
export type GraphDocument = z.infer<typeof GraphDocumentSchema>;

/** How a deployment changes a group's own document. Null: there was none, or is to be none. */
export const GroupChangeSchema = z.object({
  group: z.string(),
  from: GroupDocumentSchema.nullable(),
  to: GroupDocumentSchema.nullable(),
});
export type GroupChange = z.infer<typeof GroupChangeSchema>;
