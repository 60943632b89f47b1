/**
 * Answers requests for task output. Every agent hears every request; one that has nothing of it says so at once.
 *
 * Who follows names a subject of its own in the header `Muster-Keepalive` and publishes an empty message there every
 * five seconds; after fifteen without one we stop, since a subscription that is gone looks like one that is slow. A
 * request without that header is followed for one such period only.
 */
import { readdirSync } from "node:fs";
import {
  HEADER,
  type LogsChunk,
  type LogsRequest,
  LogsRequestSchema,
  parseInstanceId,
  subjects,
} from "@muster/contracts";
import type { Log, Nats } from "@muster/runtime";
import type { Msg } from "@nats-io/transport-node";
import { instancesFolder } from "../host/sandbox.ts";
import { LOG_FOLLOW_MAX_MS, LOG_KEEPALIVE_MS, LOG_POLL_MS } from "../limits.ts";
import type { Supervisor } from "../tasks/supervisor.ts";
import { outputOf } from "./source.ts";
import { wholeLines } from "./whole.ts";

export type LogTools = {
  readonly nats: Nats;
  readonly agent: string;
  readonly workDir: string;
  readonly supervisor: Supervisor;
  readonly log: Log;
};

/** @returns how to stop it */
export function answerLogs(tools: LogTools): () => void {
  const { nats, log } = tools;
  const all = new AbortController();
  const subscription = nats.connection.subscribe(subjects.logs, {
    callback: (error, message) => {
      if (error !== null) return;
      const request = LogsRequestSchema.safeParse(parseJson(message.string()));
      if (!request.success || message.reply === undefined || message.reply === "") return;
      answer(tools, message, request.data, all.signal).catch((cause: unknown) =>
        log.warn({ error: (cause as Error).message }, "output could not be sent"),
      );
    },
  });
  return () => {
    subscription.unsubscribe();
    all.abort();
  };
}

async function answer(tools: LogTools, message: Msg, request: LogsRequest, stopped: AbortSignal): Promise<void> {
  const { nats, agent } = tools;
  const over = new AbortController();
  const ends = watchRequester(tools, message, request.follow, over);
  const signal = AbortSignal.any([over.signal, stopped]);
  const sent = new Map<string, Promise<unknown>>();
  let told = false;
  const tell = (): void => {
    const end: LogsChunk = { type: "end", agent, instances: sent.size };
    if (!told && !nats.connection.isClosed()) message.respond(JSON.stringify(end));
    told = true;
  };
  const send = async (instance: string, tail: number | null): Promise<void> => {
    await Promise.all(
      request.streams.map((stream) =>
        sendStream(tools, message, instance, stream, { tail, follow: request.follow, signal }),
      ),
    );
  };
  try {
    for (const instance of matching(tools, request)) sent.set(instance, send(instance, request.tail));
    // Whoever waits for the first words of all agents need not wait for those that have none yet.
    if (sent.size === 0 && !tools.supervisor.tasks.has(request.instance ?? "")) tell();
    if (told && request.instance !== null) return;
    while (request.follow && !signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, LOG_POLL_MS).unref());
      // An instance that appears while somebody looks is shown from its beginning.
      for (const [instance, task] of tools.supervisor.tasks)
        if (task.running !== null && !sent.has(instance) && isMeant(instance, request))
          sent.set(instance, send(instance, null));
      // One that was asked for by its id comes to an end; an app may always have another.
      if (request.instance !== null && sent.size > 0 && !tools.supervisor.tasks.has(request.instance)) break;
    }
    await Promise.all(sent.values());
  } finally {
    ends();
    tell();
  }
}

async function sendStream(
  { nats, agent, workDir, supervisor }: LogTools,
  message: Msg,
  instance: string,
  stream: "stdout" | "stderr",
  options: { tail: number | null; follow: boolean; signal: AbortSignal },
): Promise<void> {
  const isLive = (): boolean => supervisor.tasks.has(instance);
  const output = outputOf({ workDir, instance, task: supervisor.tasks.get(instance) ?? null, isLive }, stream, options);
  try {
    for await (const text of wholeLines(output)) {
      if (options.signal.aborted) return;
      const chunk: LogsChunk = { type: "chunk", agent, instance, stream, text };
      message.respond(JSON.stringify(chunk));
      // The connection's buffer must not grow with the file.
      await nats.connection.flush();
    }
  } catch (cause) {
    if (!options.signal.aborted) throw cause;
  }
}

/** Ends the work when the requester is gone or has had enough time. @returns how to stop watching */
function watchRequester({ nats }: LogTools, message: Msg, follow: boolean, over: AbortController): () => void {
  const subject = message.headers?.get(HEADER.keepalive) ?? "";
  const limit = setTimeout(() => over.abort(), subject === "" && follow ? LOG_KEEPALIVE_MS : LOG_FOLLOW_MAX_MS).unref();
  if (subject === "") return () => clearTimeout(limit);
  const silence = setTimeout(() => over.abort(), LOG_KEEPALIVE_MS).unref();
  const subscription = nats.connection.subscribe(subject, { callback: () => void silence.refresh() });
  return () => {
    clearTimeout(limit);
    clearTimeout(silence);
    subscription.unsubscribe();
  };
}

function isMeant(instance: string, request: LogsRequest): boolean {
  if (request.instance !== null) return instance === request.instance;
  return request.app !== null && parseInstanceId(instance)?.app === request.app;
}

/** Those that run, and ended ones: a sandbox stands for each. The oldest first. */
function matching({ workDir, supervisor }: LogTools, request: LogsRequest): string[] {
  const { tasks } = supervisor;
  const known = new Set([...readdirSync(instancesFolder(workDir)).filter((name) => !tasks.has(name)), ...tasks.keys()]);
  return [...known]
    .filter((instance) => isMeant(instance, request) && tasks.get(instance)?.running !== null)
    .sort((a, b) => attemptOf(a) - attemptOf(b));
}

const attemptOf = (instance: string): number => parseInstanceId(instance)?.attempt ?? 0;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
