/** One look at a task's health. Every probe ends in time; what it found is a phrase for people. */
import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import { connect } from "node:net";
import type { RunCheck } from "@muster/contracts";
import type { Running } from "../host/runtime.ts";

/** `passed` null: says nothing either way, as an ignored 1xx. */
export type Probed = { readonly passed: boolean | null; readonly detail: string };

const passed = (detail: string): Probed => ({ passed: true, detail });
const failed = (detail: string): Probed => ({ passed: false, detail });

export async function probe({ check, port }: RunCheck, running: Running): Promise<Probed> {
  const timeoutMs = check.timeoutSeconds * 1_000;
  if (check.protocol === "COMMAND") return probeCommand(check.command ?? "", running, timeoutMs);
  if (port === null) return failed("it has no port to be checked at");
  const host = running.addressOf(port);
  if (host === null) return failed(`no network leads to its port ${port}`);
  switch (check.protocol) {
    case "TCP":
    case "MESOS_TCP":
      return probeTcp(host, port, timeoutMs);
    case "HTTP":
    case "MESOS_HTTP":
      return probeHttp("http", host, port, check.path ?? "/", timeoutMs, check.ignoreHttp1xx);
    case "HTTPS":
    case "MESOS_HTTPS":
      return probeHttp("https", host, port, check.path ?? "/", timeoutMs, check.ignoreHttp1xx);
  }
}

async function probeCommand(line: string, running: Running, timeoutMs: number): Promise<Probed> {
  try {
    const status = await running.exec(line, timeoutMs);
    if (status === null) return failed(`the command took longer than ${timeoutMs / 1000} s`);
    return status === 0 ? passed("the command succeeded") : failed(`the command exited with status ${status}`);
  } catch (cause) {
    return failed(`the command could not be run: ${(cause as Error).message}`);
  }
}

const probeTcp = (host: string, port: number, timeoutMs: number): Promise<Probed> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const done = (result: Probed): void => {
      socket.destroy();
      resolve(result);
    };
    socket.once("connect", () => done(passed(`port ${port} accepts connections`)));
    socket.once("timeout", () => done(failed(`port ${port} did not answer within ${timeoutMs / 1000} s`)));
    socket.once("error", (cause) => done(failed(`port ${port}: ${cause.message}`)));
  });

/** 200 to 399 passes; redirects are not followed, certificates not verified (Marathon's rules). */
async function probeHttp(
  scheme: "http" | "https",
  host: string,
  port: number,
  path: string,
  timeoutMs: number,
  ignore1xx: boolean,
): Promise<Probed> {
  // Loaded when wanted: TLS is a good part of a small agent's memory.
  const request: (options: RequestOptions & { rejectUnauthorized?: boolean }) => ClientRequest =
    scheme === "http" ? (await import("node:http")).request : (await import("node:https")).request;
  const signal = AbortSignal.timeout(timeoutMs);
  return new Promise((resolve) => {
    const sent = request({
      host,
      port,
      path: path.startsWith("/") ? path : `/${path}`,
      agent: false,
      rejectUnauthorized: false,
      headers: { "user-agent": "muster-health-check", connection: "close" },
      signal,
    });
    const answered = (response: IncomingMessage): void => {
      response.destroy();
      const { statusCode = 0 } = response;
      const detail = `${scheme.toUpperCase()} ${path} on port ${port} answered ${statusCode}`;
      if (statusCode < 200 && ignore1xx) resolve({ passed: null, detail });
      else resolve(statusCode >= 200 && statusCode < 400 ? passed(detail) : failed(detail));
    };
    sent.once("response", answered);
    sent.once("upgrade", (response, socket) => {
      socket.destroy();
      answered(response);
    });
    sent.on("error", (cause) =>
      resolve(
        failed(
          signal.aborted
            ? `${scheme.toUpperCase()} ${path} on port ${port} did not answer within ${timeoutMs / 1000} s`
            : `${scheme.toUpperCase()} ${path} on port ${port}: ${cause.message}`,
        ),
      ),
    );
    sent.end();
  });
}
