/** The API over NATS: any gateway of the queue group answers, so whoever reaches NATS needs no address of ours. */
import {
  type ApiReply,
  type ApiRequest,
  ApiRequestSchema,
  HEADER,
  MusterError,
  schemaFault,
  subjects,
} from "@muster/contracts";
import { replyInParts } from "@muster/runtime";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { log, SERVICE } from "./gateway.ts";
import { errorResponse } from "./http/errors.ts";
import type { Api } from "./http/route.ts";

/** Longer addresses are nobody's: HTTP bounds them by the size of its headers. */
const PATH_CHARS_MAX = 8_192;

export type NatsApi = { stop(): Promise<void> };

export function answerOverNats(connection: NatsConnection, api: Api): NatsApi {
  const running = new Set<Promise<void>>();
  const subscription = connection.subscribe(subjects.api, {
    queue: SERVICE,
    callback: (error, message) => {
      if (error !== null) {
        log.warn({ error: error.message }, "the API over NATS cannot be subscribed to");
        return;
      }
      const work = answer(api, message).finally(() => running.delete(work));
      running.add(work);
    },
  });
  return {
    async stop() {
      if (!subscription.isClosed() && !connection.isClosed()) await subscription.drain().catch(() => undefined);
      await Promise.all(running);
    },
  };
}

async function answer(api: Api, message: Msg): Promise<void> {
  try {
    const response = await respond(api, message).catch(errorResponse);
    const reply: ApiReply = {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: await response.text(),
    };
    replyInParts(message, JSON.stringify(reply));
  } catch (cause) {
    log.error({ error: (cause as Error).message }, "a request over NATS could not be answered");
  }
}

async function respond(api: Api, message: Msg): Promise<Response> {
  const { method, path, body, from } = readRequest(message.data);
  const headers = new Headers({ "content-type": "application/json" });
  const traceparent = message.headers?.get(HEADER.traceparent);
  if (traceparent) headers.set("traceparent", traceparent.replaceAll(/[^\x20-\x7e]/g, ""));
  const isQuestion = method === "GET";
  const request = new Request(new URL(`http://${SERVICE}${path}`), { method, headers, body: isQuestion ? null : body });
  return await api.fetch(request, { requester: { who: "nats", from } });
}

/** Throws `json.malformed` for whatever is no request. */
function readRequest(data: Uint8Array): ApiRequest {
  const expected = 'expected {"method": "GET", "path": "/v2/apps", "body": null, "from": "who asks"}';
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
  } catch (cause) {
    throw new MusterError("json.malformed", `The request is not JSON: ${expected}`, { cause });
  }
  const parsed = ApiRequestSchema.safeParse(value, { error: schemaFault });
  if (
    parsed.success &&
    parsed.data.path.length <= PATH_CHARS_MAX &&
    URL.canParse(`http://${SERVICE}${parsed.data.path}`)
  ) {
    return parsed.data;
  }
  const fault = parsed.success
    ? "the path is none"
    : parsed.error.issues.map((issue) => `${issue.path.join(".") || "it"}: ${issue.message}`).join("; ");
  throw new MusterError("json.malformed", `The request cannot be read (${fault}): ${expected}`);
}
