/** Task output, asked of every agent at once: each answers with what it has, then says that this was all. */
import { type AgentView, HEADER, type LogsChunk, LogsChunkSchema, type LogsRequest, subjects } from "@muster/contracts";
import { monotonicMs, type Nats } from "@muster/runtime";
import { createInbox, headers, type Subscription } from "@nats-io/transport-node";
import type { Client } from "./client.ts";

const KEEPALIVE_MS = 5_000;
/** Agents that say nothing for so long are not waited for, unless output is followed. */
const SILENCE_MS = 2_000;

export type LogChunk = Extract<LogsChunk, { type: "chunk" }>;
export type ReadLogsOptions = { readonly signal?: AbortSignal; readonly silenceMs?: number };

/** Agents that can answer: a closed gate does not matter, a machine that is gone does. */
export const canAnswer = ({ gate }: AgentView): boolean => gate.reason !== "unreachable" && gate.reason !== "removed";

/**
 * Yields chunks as they come, of all agents mixed, each instance's in order. Ends when every agent that can answer has said
 * so or nobody has spoken for two seconds; with `follow` only when `signal` is aborted.
 */
export async function* readLogs(
  client: Client,
  nats: Nats,
  request: LogsRequest,
  { signal, silenceMs = SILENCE_MS }: ReadLogsOptions = {},
): AsyncGenerator<LogChunk, void, undefined> {
  const expected = request.follow ? [] : (await client.agents()).filter(canAnswer).map(({ id }) => id);
  const silent = new Set(expected);
  const [inbox, keepalive] = [createInbox(), createInbox()];
  const subscription = nats.connection.subscribe(inbox);
  const end = () => subscription.unsubscribe();
  signal?.addEventListener("abort", end);
  const watch = request.follow ? keepAlive(nats, keepalive) : new Silence(silenceMs, end);
  const all = headers();
  if (request.follow) all.set(HEADER.keepalive, keepalive);
  try {
    if (signal?.aborted === true || (!request.follow && expected.length === 0)) return;
    nats.connection.publish(subjects.logs, JSON.stringify(request), { reply: inbox, headers: all });
    for await (const message of subscription as Subscription) {
      // "No responders": not one agent listens.
      if (message.headers?.code === 503) return;
      watch.heard();
      const chunk = LogsChunkSchema.safeParse(parseJson(message.string()));
      if (!chunk.success) continue;
      if (chunk.data.type === "chunk") yield chunk.data;
      else {
        silent.delete(chunk.data.agent);
        if (!request.follow && silent.size === 0) return;
      }
    }
  } finally {
    signal?.removeEventListener("abort", end);
    watch.stop();
    subscription.unsubscribe();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

type Watch = { heard(): void; stop(): void };

function keepAlive(nats: Nats, subject: string): Watch {
  const timer = setInterval(() => {
    if (!nats.connection.isClosed()) nats.connection.publish(subject);
  }, KEEPALIVE_MS);
  return { heard: () => undefined, stop: () => clearInterval(timer) };
}

class Silence implements Watch {
  readonly #timer: NodeJS.Timeout;
  #heardAtMs = monotonicMs();
  constructor(limitMs: number, onSilence: () => void) {
    this.#timer = setInterval(() => {
      if (monotonicMs() - this.#heardAtMs >= limitMs) onSilence();
    }, limitMs / 10);
  }
  heard(): void {
    this.#heardAtMs = monotonicMs();
  }
  stop(): void {
    clearInterval(this.#timer);
  }
}
