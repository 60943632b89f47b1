/** Errors as people see them: Marathon's `message` and `details`, our `code` beside them, the status from the catalogue. */
import { ERRORS, type ErrorBody, type ErrorCode, MusterError, type Problem } from "@muster/contracts";
import { log, RETRY_AFTER_SECONDS } from "../gateway.ts";

/** Refusals that say when to come again. */
const COME_AGAIN: ReadonlySet<string> = new Set<ErrorCode>([
  "cluster.not-ready",
  "cluster.busy",
  "cluster.timeout",
  "request.too-many",
  "stream.too-many",
]);

/** @param more further headers, such as `Allow`. */
export function errorResponse(error: unknown, more: Readonly<Record<string, string>> = {}): Response {
  const known = error instanceof MusterError ? error : internal(error);
  if (known.code === "internal") log.error({ error: known.message, stack: stackOf(known) }, "a request failed");
  const headers: Record<string, string> = { "content-type": "application/json", ...more };
  if (COME_AGAIN.has(known.code)) headers["retry-after"] = String(RETRY_AFTER_SECONDS);
  if (known.code === "stream.refused") headers.allow = "GET";
  // Whoever sends more than is read is told so; the rest of it is not waited for.
  if (known.code === "document.too-large") headers.connection = "close";
  return new Response(JSON.stringify(errorBody(known)), { status: known.status, headers });
}

/** What nobody foresaw is logged in full and told in a word: messages of the inside are not for the outside. */
const internal = (cause: unknown): MusterError =>
  new MusterError("internal", `Something went wrong inside the gateway: ${ERRORS.internal.title}. Its log says more.`, {
    cause,
  });

const stackOf = (error: Error): string | undefined => (error.cause instanceof Error ? error.cause.stack : error.stack);

export function errorBody({ message, code, problems, deployments }: MusterError): ErrorBody {
  return {
    message,
    code,
    ...(problems.length === 0 ? {} : { details: detailsOf(problems) }),
    ...(deployments.length === 0 ? {} : { deployments: deployments.map((id) => ({ id })) }),
  };
}

type Detail = Exclude<NonNullable<ErrorBody["details"]>, string>[number];

/** One entry per place, with all that is wrong there. */
function detailsOf(problems: readonly Problem[]): Detail[] {
  const byPath = new Map<string, Detail>();
  for (const { path, message, line, column } of problems) {
    const detail = byPath.get(path);
    if (detail !== undefined) detail.errors.push(message);
    else {
      const place = line === undefined || column === undefined ? {} : { line, column };
      byPath.set(path, { path, errors: [message], ...place });
    }
  }
  return [...byPath.values()];
}
