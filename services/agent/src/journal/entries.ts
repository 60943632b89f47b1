/** What the journal holds, line by line, and what the lines add up to. */
import {
  CheckResultSchema,
  type FactState,
  HealthRecordSchema,
  type InstanceDocument,
  InstanceDocumentSchema,
  TASK_STATES,
  TaskEventSchema,
  type TaskState,
  TERMINAL_STATES,
  type TerminalState,
} from "@muster/contracts";
import { z } from "zod";

/** How a task is found again after the agent was away. */
export const HandleSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("process"), pid: z.int(), startTime: z.string(), boot: z.string() }),
  z.object({ type: z.literal("docker"), container: z.string(), pid: z.int().nullable() }),
]);
export type Handle = z.infer<typeof HandleSchema>;

/** What is known of one instance. It outlives its task: an id is never started twice. */
export const KeptSchema = z.object({
  instance: z.string(),
  /** Stream sequence of the newest record seen; older news about the instance is ignored. */
  sequence: z.int(),
  /** Null once the end is reported: then only the id must be remembered. */
  record: InstanceDocumentSchema.nullable(),
  handle: HandleSchema.nullable(),
  /** The last state that was stated. */
  state: z.enum(TASK_STATES).nullable(),
  /** Why it is being ended, while the state is `killing`. */
  killReason: z.string().nullable(),
  healthy: z.boolean().nullable(),
  health: z.array(HealthRecordSchema).nullable().default(null),
  ready: z.boolean().nullable().default(null),
  checkResult: CheckResultSchema.nullable().default(null),
  runningAtMs: z.int().nullable(),
  endedAtMs: z.int().nullable(),
  /** When its record was seen to be gone. */
  purgedAtMs: z.int().nullable(),
});
export type Kept = z.infer<typeof KeptSchema>;

export const EntrySchema = z.discriminatedUnion("type", [
  /** About to be started; `record` is null for an id that must never start here. */
  z.object({
    type: z.literal("intent"),
    instance: z.string(),
    sequence: z.int(),
    record: InstanceDocumentSchema.nullable(),
  }),
  /** The checkpoint after the start. */
  z.object({ type: z.literal("started"), instance: z.string(), handle: HandleSchema }),
  z.object({ type: z.literal("fact"), event: TaskEventSchema }),
  /** Facts up to this number are in the stream. */
  z.object({ type: z.literal("stored"), number: z.int() }),
  z.object({ type: z.literal("purged"), instance: z.string(), sequence: z.int(), atMs: z.int() }),
  /** Written by a rewrite: the sum of all lines before. */
  z.object({ type: z.literal("kept"), kept: KeptSchema }),
  z.object({ type: z.literal("counter"), next: z.int() }),
]);
export type Entry = z.infer<typeof EntrySchema>;

export const isTerminal = (state: FactState | TaskState | null): state is TerminalState =>
  (TERMINAL_STATES as readonly (string | null)[]).includes(state);

export const unknownInstance = (instance: string, sequence: number, record: InstanceDocument | null): Kept => ({
  instance,
  sequence,
  record,
  handle: null,
  state: null,
  killReason: null,
  healthy: null,
  health: null,
  ready: null,
  checkResult: null,
  runningAtMs: null,
  endedAtMs: null,
  purgedAtMs: null,
});
