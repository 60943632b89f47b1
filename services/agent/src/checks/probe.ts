/** One look at a task's health. Every probe ends in time; what it found is a phrase for people. */
import { connect } from "node:net";
import type { RunCheck } from "@muster/contracts";
import type { Running } from "../host/runtime.ts";
import { ask, type Scheme } from "./http.ts";

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
    const { message, syscall } = cause as NodeJS.ErrnoException;
    const detail = `the command could not be run: ${message}`;
    // An engine that is away says nothing about its containers.
    return syscall === "connect" ? { passed: null, detail } : failed(detail);
  }
}

export const probeTcp = (host: string, port: number, timeoutMs: number): Promise<Probed> =>
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

const probeHttp = async (
  scheme: Scheme,
  host: string,
  port: number,
  path: string,
  timeoutMs: number,
  ignore1xx: boolean,
): Promise<Probed> => {
  const asked = await ask(scheme, { host, port, path, timeoutMs });
  const { status, detail } = asked;
  if (status === null) return failed(detail);
  if (status < 200 && ignore1xx) return { passed: null, detail };
  // Marathon's rule.
  return status >= 200 && status < 400 ? passed(detail) : failed(detail);
};
