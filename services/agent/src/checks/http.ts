/** One HTTP question. It ends in time; redirects are not followed, certificates not verified (Marathon's rules). */
import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import { type CheckResponse, READINESS_BODY_MAX } from "@muster/contracts";
import { READINESS_BYTES_MAX } from "../limits.ts";

export type Scheme = "http" | "https";

export type Question = {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly timeoutMs: number;
  /** The answer's body is read, as far as it is kept and in what is left of the time. */
  readonly keeps?: boolean;
};

export type Asked = {
  /** null: there was no answer in time. */
  readonly status: number | null;
  /** What happened, as a phrase for people. */
  readonly detail: string;
  readonly response: CheckResponse | null;
};

export async function ask(scheme: Scheme, { host, port, path, timeoutMs, keeps = false }: Question): Promise<Asked> {
  // Loaded when wanted: TLS is a good part of a small agent's memory.
  const request: (options: RequestOptions & { rejectUnauthorized?: boolean }) => ClientRequest =
    scheme === "http" ? (await import("node:http")).request : (await import("node:https")).request;
  const signal = AbortSignal.timeout(timeoutMs);
  const what = `${scheme.toUpperCase()} ${path} on port ${port}`;
  return new Promise((resolve) => {
    let isAnswered = false;
    const failed = (cause: unknown): void => {
      const why = signal.aborted ? ` did not answer within ${timeoutMs / 1000} s` : `: ${(cause as Error).message}`;
      if (!isAnswered) resolve({ status: null, detail: `${what}${why}`, response: null });
    };
    const answered = async (response: IncomingMessage): Promise<void> => {
      isAnswered = true;
      const { statusCode: status = 0, headers } = response;
      const body = keeps ? await readStart(response) : "";
      response.destroy();
      const kept = keeps ? { status, contentType: headers["content-type"] ?? "", body } : null;
      resolve({ status, detail: `${what} answered ${status}`, response: kept });
    };
    try {
      const sent = request({
        host,
        port,
        path: path.startsWith("/") ? path : `/${path}`,
        agent: false,
        rejectUnauthorized: false,
        headers: { "user-agent": "muster-health-check", connection: "close" },
        signal,
      });
      sent.once("response", (response) => void answered(response));
      sent.once("upgrade", (response, socket) => {
        socket.destroy();
        void answered(response);
      });
      sent.on("error", failed);
      sent.end();
    } catch (cause) {
      // A path that no request line can hold, such as one with a space.
      failed(cause);
    }
  });
}

/** As much of the body as is kept; what has come so far where it breaks off. */
async function readStart(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response) {
      chunks.push(chunk as Buffer);
      length += (chunk as Buffer).length;
      if (length >= READINESS_BYTES_MAX) break;
    }
  } catch {
    // Cut off by the other side, or by the end of our time.
  }
  return Buffer.concat(chunks).toString("utf8").slice(0, READINESS_BODY_MAX).toWellFormed();
}
