/** Reads instance records as they come, from the launch channel or in an answer: one bad one spoils no other. */
import {
  type InstanceDocument,
  InstanceDocumentSchema,
  type InstanceRef,
  instanceId,
  parseInstanceId,
} from "@muster/contracts";

export type ReadRecord =
  | { readonly type: "record"; readonly record: InstanceDocument }
  | { readonly type: "malformed"; readonly why: string };

/** The instance a launch subject speaks of: its last three tokens. */
export const refOfSubject = (subject: string): InstanceRef | null =>
  parseInstanceId(subject.split(".").slice(-3).join("."));

/** @param ref whom the subject names; the document must agree with it and with itself */
export function readRecord(agent: string, ref: InstanceRef, body: unknown): ReadRecord {
  const parsed = InstanceDocumentSchema.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return {
      type: "malformed",
      why: `${issue?.path.join("/") || "the document"}: ${issue?.message ?? "not as expected"}`,
    };
  }
  const record = parsed.data;
  if (record.agent !== agent) return { type: "malformed", why: `it is for the agent ${record.agent}` };
  if (record.instance !== instanceId(ref) || instanceId(record) !== record.instance)
    return { type: "malformed", why: `its subject names ${instanceId(ref)}, the document ${record.instance}` };
  return { type: "record", record };
}
