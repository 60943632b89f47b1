/** A whole cluster on this machine: hands over to the standalone program. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import { UsageError } from "../exit.ts";
import type { Run } from "../program.ts";

const STANDALONE = fileURLToPath(new URL("../../../../services/standalone/src/main.ts", import.meta.url));

export const run: Run = async (_context, args) => (await runUp(args)) as 0;

/** Answers its exit code; signals sent to us reach it. */
export function runUp(args: readonly string[], program = STANDALONE): Promise<number> {
  if (!existsSync(program))
    throw new UsageError(`${program} is missing: "muster up" works in a complete checkout only`);
  const child = spawn(process.execPath, [program, ...args], { stdio: "inherit" });
  // Ctrl-C on a terminal reaches the whole group: passing it on would count as a second, impatient one.
  const isOnTerminal = process.stdin.isTTY === true;
  process.on("SIGINT", () => isOnTerminal || child.kill("SIGINT"));
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}
