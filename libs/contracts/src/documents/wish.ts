/** What the deployer wants and what placement answers: one row set per app each, compared row by row. */
import { z } from "zod";
import { TraceSchema } from "./app.ts";
import { rowsSchema, toColumns } from "./columns.ts";

/** One instance that should exist (`run`) or should end (`stop`). Absence is never an order. */
export const WantedRowSchema = z.object({
  slot: z.int().min(0),
  attempt: z.int().min(0),
  version: z.int(),
  goal: z.enum(["run", "stop"]),
  /** The one agent it may run on (an app with one instance on every agent), or null. */
  agent: z.string().nullable().default(null),
});
export type WantedRow = z.infer<typeof WantedRowSchema>;

/** How often a version failed in a row, and until when its next attempt is held back (Marathon's backoff). */
export const BackoffSchema = z.object({
  version: z.int(),
  failures: z.int().min(0),
  delayMs: z.number().min(0),
  untilMs: z.int(),
});
export type Backoff = z.infer<typeof BackoffSchema>;

/** Failures of one version since its deployment began. */
export const TallySchema = z.object({
  deployment: z.string(),
  version: z.int(),
  failures: z.int().min(1),
  /** Of those, for a reason that stays. */
  fatal: z.int().min(0),
  /** Where and how the last one ended: `n1: exited with status 1: no database`. */
  last: z.string(),
});
export type Tally = z.infer<typeof TallySchema>;

/** `wanted.<app>`. `nextAttempt` starts at the revision at which the app was created and only grows. */
export const WantedDocumentSchema = z.object({
  app: z.string(),
  rows: rowsSchema(WantedRowSchema, { agent: () => null }),
  nextAttempt: z.int().min(0),
  backoffs: z.array(BackoffSchema),
  /** Null: nothing has failed since the running deployment began, or none runs. */
  tally: TallySchema.nullable().default(null),
  trace: TraceSchema,
});
export type WantedDocument = z.infer<typeof WantedDocumentSchema>;

export const PlacedRowSchema = z.object({
  slot: z.int().min(0),
  attempt: z.int().min(0),
  version: z.int(),
  /** What the instance record says: `stop` once the order to end was committed. */
  goal: z.enum(["run", "stop"]),
  agent: z.string(),
  ports: z.array(z.int()),
  /** Items taken of the agent's custom sets, by set. */
  items: z.record(z.string(), z.array(z.string())).default({}),
  atMs: z.int(),
});
export type PlacedRow = z.infer<typeof PlacedRowSchema>;

export const TERMINAL_STATES = ["finished", "failed", "killed", "error"] as const;
export type TerminalState = (typeof TERMINAL_STATES)[number];

/** How a released instance ended; kept until its wanted row is gone. */
export const EndedRowSchema = z.object({
  slot: z.int().min(0),
  attempt: z.int().min(0),
  version: z.int(),
  agent: z.string(),
  state: z.enum(TERMINAL_STATES),
  exitCode: z.int().nullable(),
  signal: z.string().nullable(),
  reason: z.string(),
  /** A failure's own words, the last lines of its output among them; cut to `ENDED_MESSAGE_MAX`. */
  message: z.string().default(""),
  atMs: z.int(),
});
export type EndedRow = z.infer<typeof EndedRowSchema>;

/** `placed.<app>`: the answer and the app's fence. `history` keeps the last ended instances for people. */
export const PlacedDocumentSchema = z.object({
  app: z.string(),
  rows: rowsSchema(PlacedRowSchema, { ports: () => [], items: () => ({}) }),
  ended: z.array(EndedRowSchema),
  history: z.array(EndedRowSchema),
});
export type PlacedDocument = z.infer<typeof PlacedDocumentSchema>;

/** `rules`: the apps, by token, whose specs say something about other apps. Every placement asserts it, so that none is missed. */
export const RulesDocumentSchema = z.object({ apps: z.array(z.string()) });
export type RulesDocument = z.infer<typeof RulesDocumentSchema>;

/** `neighbour.<app>`: another app, one that a rule of this app speaks of, was placed. What this app decides without having seen it is stale. */
export const NeighbourDocumentSchema = z.object({ app: z.string() });

/** `hold`: free capacity that a gang keeps while it waits for the rest; one gang at a time, and only until a deadline. */
export const HoldDocumentSchema = z.object({
  app: z.string(),
  version: z.int(),
  /** Members held, by agent. */
  members: z.record(z.string(), z.int().min(1)),
  sinceMs: z.int(),
  untilMs: z.int(),
});
export type HoldDocument = z.infer<typeof HoldDocumentSchema>;

/** A document as it is stored: large row sets as columns. */
export function storedForm(key: string, value: unknown): unknown {
  if (key.startsWith("placed.")) {
    const document = value as PlacedDocument;
    return {
      ...document,
      rows: toColumns(document.rows, ["slot", "attempt", "version", "goal", "agent", "ports", "items", "atMs"]),
    };
  }
  if (key.startsWith("wanted.")) {
    const document = value as WantedDocument;
    return { ...document, rows: toColumns(document.rows, ["slot", "attempt", "version", "goal", "agent"]) };
  }
  return value;
}

/** `attempts`: the highest attempt ever handed out by an app that is gone, where the stream has not passed it yet. */
export const AttemptsDocumentSchema = z.object({ highest: z.int().min(0) });

/** The checks an agent must pass, in the order in which they are asked. */
export const CHECKS = [
  "gate",
  "runtime",
  "role",
  "machine",
  "constraints",
  "expressions",
  "affinity",
  "conflicts",
  "cpus",
  "memory",
  "disk",
  "gpus",
  "custom",
  "ports",
  "gang",
] as const;
export type CheckName = (typeof CHECKS)[number];

/** What could cure a refusal. */
export const CURES = ["agent.offer", "agent.gate", "instance.released", "app.placed", "spec.changed"] as const;
export type Cure = (typeof CURES)[number];

/** One stage of the funnel: how many agents this check refused, and an example of asked and had. */
export const RefusalSchema = z.object({
  check: z.enum(CHECKS),
  agents: z.int().min(0),
  /** The commonest or nearest reason, a sentence: `needs 0.5 cpus, 0.2 free`. */
  reason: z.string(),
});
export type Refusal = z.infer<typeof RefusalSchema>;

/** `waiting.<app>`: why rows are not placed, decided on a named state of the world. */
export const WaitingDocumentSchema = z.object({
  app: z.string(),
  /** How many instances wait. */
  count: z.int().min(0),
  sinceMs: z.int(),
  decidedAtMs: z.int(),
  agentsSeen: z.int().min(0),
  refusals: z.array(RefusalSchema),
  /** The agent that came closest, and what it lacks. */
  nearest: z.object({ agent: z.string(), lacks: z.string() }).nullable(),
  /** What would let it be placed, a phrase each: `one more agent like n3`, `without rack GROUP_BY 3`. */
  wouldFitIf: z.array(z.string()).default([]),
  /** Apps whose placement could cure it, by token; `*` means any. */
  follows: z.array(z.string()).default([]),
  /** A gang may hold capacity from this time on; null for what is no gang. */
  holdFromMs: z.int().nullable().default(null),
  cures: z.array(z.enum(CURES)),
  /** Revision of the wish this was decided on. */
  wantedRevision: z.int(),
  trace: TraceSchema,
});
export type WaitingDocument = z.infer<typeof WaitingDocumentSchema>;
