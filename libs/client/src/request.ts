/** The HTTP API over NATS: one request, one answer, and errors as sentences. */
import {
  type ApiReply,
  ApiReplySchema,
  type ApiRequest,
  ERRORS,
  type ErrorBody,
  ErrorBodySchema,
  type ErrorCode,
  HEADER,
  MusterError,
  subjects,
} from "@muster/contracts";
import { monotonicMs, type Nats, pause, requestInParts } from "@muster/runtime";

export type Call = {
  readonly method: ApiRequest["method"];
  readonly path: string;
  readonly body?: string | null;
  readonly traceparent?: string | null;
  /** It changes nothing, whatever its method: asking again is harmless. */
  readonly isQuestion?: boolean;
};

export type CallOptions = {
  /** How long to wait for an answer. */
  readonly timeoutMs?: number;
  /** After how long without an answer a reading request is sent again. */
  readonly askAgainMs?: number;
  /** How long to try again while no gateway is there or it is not ready; both refuse before anything was done. */
  readonly patienceMs?: number;
};

const TIMEOUT_MS = 15_000;
/** Whoever had the request may have died with it. */
const ASK_AGAIN_MS = 5_000;
const PATIENCE_MS = 1_000;
const NOT_READY_PATIENCE_MS = 10_000;
const RETRY_MS = 200;
/** Headers count towards a message's size. */
const HEADERS_BYTES = 1_024;

/**
 * Sends one call and answers what came back, whatever its status.
 * @throws MusterError nats.unreachable when nobody answers; the sentence says who was asked and what to do.
 */
export async function call(nats: Nats, from: string, request: Call, options: CallOptions = {}): Promise<ApiReply> {
  const { timeoutMs = TIMEOUT_MS, askAgainMs = ASK_AGAIN_MS, patienceMs = PATIENCE_MS } = options;
  const message: ApiRequest = { method: request.method, path: request.path, body: request.body ?? null, from };
  const text = JSON.stringify(message);
  refuseLarge(nats, text);
  const headers = request.traceparent ? { [HEADER.traceparent]: request.traceparent } : {};
  const startedAtMs = monotonicMs();
  const waitedMs = () => monotonicMs() - startedAtMs;
  const isReading = request.method === "GET";
  for (;;) {
    let answer: string;
    try {
      const waitMs = isReading ? Math.min(askAgainMs, Math.max(1, timeoutMs - waitedMs())) : timeoutMs;
      answer = await requestInParts(nats.connection, subjects.api, text, { timeoutMs: waitMs, headers });
    } catch (cause) {
      if (!isNoResponders(cause)) {
        if (!isReading || waitedMs() + RETRY_MS >= timeoutMs) throw silent(nats, request, timeoutMs, cause);
        await pause(RETRY_MS);
        continue;
      }
      if (waitedMs() > patienceMs) throw nobody(nats, cause);
      await pause(RETRY_MS);
      continue;
    }
    const reply = ApiReplySchema.parse(JSON.parse(answer));
    const isNotReady = reply.status === 503 && errorBody(reply).code === "cluster.not-ready";
    if (!isNotReady || waitedMs() > Math.max(patienceMs, NOT_READY_PATIENCE_MS)) return reply;
    await pause(RETRY_MS);
  }
}

/** The server would close the connection over it. */
function refuseLarge(nats: Nats, text: string): void {
  const bytes = Buffer.byteLength(text);
  const bytesMax = (nats.connection.info?.max_payload ?? Number.POSITIVE_INFINITY) - HEADERS_BYTES;
  if (bytes <= bytesMax) return;
  throw new MusterError(
    "document.too-large",
    `the request has ${bytes} bytes, and this nats-server takes ${bytesMax}: raise its max_payload or send less`,
  );
}

const isNoResponders = (cause: unknown): boolean => cause instanceof Error && /no responders/i.test(cause.message);

function nobody(nats: Nats, cause: unknown): MusterError {
  const where = nats.connection.getServer();
  return new MusterError(
    "nats.unreachable",
    `a nats-server answers at ${where} but no gateway does: start Muster with "npm start" or "muster up"`,
    { cause },
  );
}

function silent(nats: Nats, request: Call, timeoutMs: number, cause: unknown): MusterError {
  const { method, path, isQuestion = method === "GET" } = request;
  const unknown = isQuestion ? "" : "; whether the change was made is not known, so look before you repeat it";
  return new MusterError(
    "nats.unreachable",
    `no answer to ${method} ${path} within ${timeoutMs / 1000} s from the gateway at ${nats.connection.getServer()}${unknown}: see "muster doctor"`,
    { cause },
  );
}

function errorBody(reply: ApiReply): ErrorBody {
  try {
    const parsed = ErrorBodySchema.safeParse(JSON.parse(reply.body));
    if (parsed.success) return parsed.data;
  } catch {
    // Not JSON: the text itself is the message.
  }
  return { message: reply.body.trim() || `the gateway answered with status ${reply.status}` };
}

/** The error an answer tells of, with the server's own words; null for success. */
export function errorOf(reply: ApiReply): MusterError | null {
  if (reply.status < 400) return null;
  const body = errorBody(reply);
  const problems = Array.isArray(body.details)
    ? body.details.map(({ path, errors, line, column }) => ({
        path,
        message: errors.join("; "),
        ...(line === undefined ? {} : { line }),
        ...(column === undefined ? {} : { column }),
      }))
    : [];
  const details = typeof body.details === "string" ? `: ${body.details}` : "";
  return new MusterError(codeOf(body.code, reply.status), body.message + details, {
    problems,
    deployments: body.deployments?.map(({ id }) => id) ?? [],
  });
}

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERRORS, code);

/** A newer gateway may know codes that we do not: then the status says what kind of error it is. */
function codeOf(code: string | undefined, status: number): ErrorCode {
  if (code !== undefined && isErrorCode(code)) return code;
  if (status === 400) return "json.malformed";
  if (status === 404) return "route.unknown";
  if (status === 409) return "app.conflict";
  if (status === 413) return "document.too-large";
  if (status === 422) return "spec.invalid";
  return status === 503 ? "cluster.not-ready" : "internal";
}
