/** A command inside a container, as COMMAND health checks want it. */

import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { signal } from "../proc.ts";
import { commandLine } from "../shim.ts";
import type { Engine } from "./engine.ts";

const POLL_MS = 50;

/** The engine may count its pids elsewhere than we do: only a process that our kernel shows in this container is meant. */
function isInside(pid: number, container: string): boolean {
  try {
    return pid > 1 && readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(container);
  } catch {
    return false;
  }
}

/** The exit status, or null when it took too long; then it is killed, where the engine runs on this very machine. */
export async function execInside(
  engine: Engine,
  container: string,
  command: string | readonly string[],
  timeoutMs: number,
): Promise<number | null> {
  const deadline = performance.now() + timeoutMs;
  const docker = await engine.calls();
  const exec = await docker
    .getContainer(container)
    .exec({ Cmd: [...commandLine(command)], AttachStdout: false, AttachStderr: false });
  // The client hands out a stream even for this; unread it would hold its socket open.
  (await exec.start({ Detach: true })).destroy();
  for (;;) {
    const state = await exec.inspect();
    if (!state.Running && state.ExitCode !== null) return state.ExitCode;
    if (performance.now() >= deadline) {
      if (isInside(state.Pid, container)) signal(state.Pid, "SIGKILL");
      return null;
    }
    await pause(POLL_MS, undefined, { ref: false });
  }
}
