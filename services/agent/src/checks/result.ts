/**
 * The app's check of one task: made `delaySeconds` after the start and then `intervalSeconds` after each answer, for as long as the
 * task runs. Nothing it finds ends the task. What it finds is told when it is something else than what was told last.
 */
import type { CheckResult, RunResultCheck } from "@muster/contracts";
import type { Running } from "../host/runtime.ts";
import type { CheckedTask } from "../tasks/task.ts";
import type { Checks } from "./checks.ts";
import { ask, type Scheme } from "./http.ts";
import { probeTcp } from "./probe.ts";

/** A result, and what happened as a phrase for people. */
export type Looked = { readonly result: CheckResult; readonly detail: string };

export type ResultTools = {
  readonly dice: () => number;
  readonly look: (check: RunResultCheck, running: Running) => Promise<Looked>;
};

const realTools: ResultTools = { dice: Math.random, look: lookAt };

export function startResultCheck(task: CheckedTask, tools: ResultTools = realTools): Checks {
  const { check } = task.record.run;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  if (check === null) return { stop: () => {} };

  let told = JSON.stringify(task.checkResult);
  const look = async (): Promise<void> => {
    const { result, detail } = await tools.look(check, task.running);
    if (stopped) return;
    const now = JSON.stringify(result);
    if (now !== told) task.found(result, detail);
    told = now;
    later(check.check.intervalSeconds);
  };
  // Many tasks start at once; their checks drift apart from the first one on.
  const later = (seconds: number): void => {
    timer = setTimeout(() => void look(), seconds * 1_000 * (0.9 + tools.dice() / 5));
  };
  later(check.check.delaySeconds);
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** It ends in time, and never rejects. */
export async function lookAt({ check, port }: RunResultCheck, running: Running): Promise<Looked> {
  const { probe } = check;
  const timeoutMs = check.timeoutSeconds * 1_000;
  switch (probe.type) {
    case "exec":
      return lookByCommand(probe.command, running, timeoutMs);
    case "tcp": {
      const { host, why } = addressOf(running, port);
      if (host === null || port === null) return { result: { type: "tcp", succeeded: false }, detail: why };
      const { passed, detail } = await probeTcp(host, port, timeoutMs);
      return { result: { type: "tcp", succeeded: passed === true }, detail };
    }
    case "http": {
      const { host, why } = addressOf(running, port);
      if (host === null || port === null) return { result: { type: "http", statusCode: null }, detail: why };
      const scheme: Scheme = probe.scheme === "HTTP" ? "http" : "https";
      const { status, detail } = await ask(scheme, { host, port, path: probe.path, timeoutMs });
      return { result: { type: "http", statusCode: status }, detail };
    }
  }
}

function addressOf(running: Running, port: number | null): { host: string | null; why: string } {
  if (port === null) return { host: null, why: "it has no port to be checked at" };
  return { host: running.addressOf(port), why: `no network leads to its port ${port}` };
}

async function lookByCommand(
  command: string | readonly string[],
  running: Running,
  timeoutMs: number,
): Promise<Looked> {
  try {
    const exitCode = await running.exec(command, timeoutMs);
    const detail =
      exitCode === null
        ? `the command took longer than ${timeoutMs / 1000} s`
        : `the command exited with status ${exitCode}`;
    return { result: { type: "command", exitCode }, detail };
  } catch (cause) {
    const detail = `the command could not be run: ${(cause as Error).message}`;
    return { result: { type: "command", exitCode: null }, detail };
  }
}
