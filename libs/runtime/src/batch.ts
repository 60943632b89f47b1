/**
 * Atomic batches written by hand: the client's own drops every expectation but the first and hides the server's error.
 * Protocol: headers `Nats-Batch-Id`, `Nats-Batch-Sequence`, and `Nats-Batch-Commit: 1` on the last message (ADR-50).
 */
import { randomUUID } from "node:crypto";
import { BATCH_MESSAGES_MAX } from "@muster/contracts";
import type { NatsConnection } from "@nats-io/transport-node";
import { wireHeaders } from "./headers.ts";

export type BatchMessage = {
  readonly subject: string;
  readonly body: string | Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
};

export type BatchOutcome =
  /** Message i of the batch stands at `last - count + 1 + i`. */
  | { readonly type: "committed"; readonly last: number; readonly count: number }
  /** A revision was stale. `seen` is the sequence the server named, or null. */
  | { readonly type: "conflict"; readonly code: number; readonly seen: number | null; readonly message: string }
  /** The server cannot take the batch now: too many open, an election. Nothing was written. */
  | { readonly type: "busy"; readonly message: string }
  /** Nobody answered in time: it may have landed or not. */
  | { readonly type: "unknown"; readonly message: string }
  | { readonly type: "refused"; readonly code: number; readonly message: string };

export const EXPECT = {
  revision: "Nats-Expected-Last-Subject-Sequence",
  subject: "Nats-Expected-Last-Subject-Sequence-Subject",
} as const;

const WRONG_LAST_SEQUENCE = 10071;
const WRONG_LAST_SEQUENCE_IN_BATCH = 10164;
const TOO_MANY_OPEN_BATCHES = 10210;
const COMMIT_TIMEOUT_MS = 10_000;

type Reply = { seq?: number; count?: number; batch?: string; error?: { err_code: number; description: string } };

/** Headers by which the messages of a batch are known, also when they are read from the stream. */
export const BATCH = { id: "Nats-Batch-Id", sequence: "Nats-Batch-Sequence", commit: "Nats-Batch-Commit" } as const;

/** Commits all messages or none. Never throws for what the server says; throws when the batch itself is malformed. */
export async function commitBatch(
  connection: NatsConnection,
  messages: readonly BatchMessage[],
  id: string = randomUUID(),
): Promise<BatchOutcome> {
  if (messages.length === 0 || messages.length > BATCH_MESSAGES_MAX)
    throw new Error(`a batch holds 1 to ${BATCH_MESSAGES_MAX} messages, not ${messages.length}`);
  const subjects = new Set(messages.map((message) => message.subject));
  if (subjects.size !== messages.length) throw new Error("a batch names no subject twice");
  const last = messages.length - 1;
  for (let i = 0; i < last; i += 1) {
    const message = messages[i] as BatchMessage;
    connection.publish(message.subject, message.body, { headers: headersOf(message, id, i + 1, false) });
  }
  const final = messages[last] as BatchMessage;
  try {
    const reply = await connection.request(final.subject, final.body, {
      headers: headersOf(final, id, messages.length, true),
      timeout: COMMIT_TIMEOUT_MS,
    });
    return outcomeOf(reply.json<Reply>(), messages.length);
  } catch (cause) {
    const name = (cause as Error).name;
    if (name === "NoRespondersError" || /no responders/i.test((cause as Error).message))
      return { type: "busy", message: "no stream answers" };
    return { type: "unknown", message: (cause as Error).message };
  }
}

const headersOf = (message: BatchMessage, id: string, sequence: number, isLast: boolean) =>
  wireHeaders(message.headers, {
    [BATCH.id]: id,
    [BATCH.sequence]: String(sequence),
    ...(isLast ? { [BATCH.commit]: "1" } : {}),
  });

function outcomeOf(reply: Reply, count: number): BatchOutcome {
  if (reply.error === undefined) {
    if (reply.seq === undefined || reply.count !== count)
      return { type: "unknown", message: `an unexpected answer: ${JSON.stringify(reply)}` };
    return { type: "committed", last: reply.seq, count };
  }
  const { err_code: code, description: message } = reply.error;
  switch (code) {
    case WRONG_LAST_SEQUENCE:
    case WRONG_LAST_SEQUENCE_IN_BATCH: {
      const seen = /: (\d+)$/.exec(message);
      return { type: "conflict", code, seen: seen === null ? null : Number(seen[1]), message };
    }
    case TOO_MANY_OPEN_BATCHES:
    case 10008: // no suitable peers yet
    case 10176: // the server forgot the batch, as after an election
      return { type: "busy", message };
    default:
      return { type: "refused", code, message };
  }
}
