import { spawn } from "node:child_process";
import { constants } from "node:os";
import { isatty } from "node:tty";

/**
 * Runs a program in our place: its streams are ours and signals sent to us reach it. We never end before it does.
 * Returns the exit code that we should end with, which for a signal is 128 + its number as in a shell.
 */
export function handOver(file, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: "inherit", ...options });
    const onTerminal = [0, 1, 2].some((fd) => isatty(fd));
    // Ctrl-C on a terminal reaches the whole group, the child too: passing it on would count as a second, impatient one.
    process.on("SIGINT", () => onTerminal || child.kill("SIGINT"));
    for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}
