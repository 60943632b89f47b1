/** A command run beside a task, as COMMAND health checks want it. */
import { spawn } from "node:child_process";
import { signal } from "./proc.ts";
import type { Owner } from "./sandbox.ts";
import { commandLine } from "./shim.ts";

/** The exit status, or null when it took too long; then all of it is killed. */
export function runBeside(
  command: string | readonly string[],
  timeoutMs: number,
  { cwd, env, owner }: { cwd: string; env: Record<string, string>; owner: Owner | null },
): Promise<number | null> {
  return new Promise((resolve) => {
    const [program = "", ...args] = commandLine(command);
    const child = spawn(program, args, { cwd, env, detached: true, stdio: "ignore", ...(owner ?? {}) });
    const timer = setTimeout(() => {
      if (child.pid !== undefined) signal(-child.pid, "SIGKILL");
      resolve(null);
    }, timeoutMs);
    child.once("error", () => {
      clearTimeout(timer);
      resolve(127);
    });
    child.once("exit", (code) => {
      clearTimeout(timer);
      resolve(code ?? 128);
    });
  });
}
