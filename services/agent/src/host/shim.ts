/**
 * The shell that stands between us and a task, so that the exit status survives an agent that is away. It leads the
 * task's session and process group, gets the group's SIGTERM too and outlives it: a caught signal's handler runs after
 * the foreground child has ended, and the child itself starts with the default action again.
 *
 * The status is one line on file 4, opened by us where the task cannot write; a line without its end counts as not
 * written. File 3 is the task's stderr: the shell's own words, such as "Terminated", belong to nobody.
 */
import { constants } from "node:os";
import type { RunDocument } from "@muster/contracts";
import type { Ending, Reason } from "./runtime.ts";

export const SHIM = `trap : HUP INT QUIT TERM
(exec "$@") 2>&3 3>&- 4>&-
code=$?
echo $code >&4
exit $code
`;

export const shimArguments = (argv: readonly string[]): string[] => ["-c", SHIM, "muster-task", ...argv];

/** Text is a shell line; a list is executed as it is. */
export const commandLine = (command: string | readonly string[]): readonly string[] =>
  typeof command === "string" ? ["/bin/sh", "-c", command] : command;

export const argvOf = (command: NonNullable<RunDocument["command"]>): readonly string[] =>
  commandLine(command.type === "shell" ? command.line : command.argv);

const SIGNALS = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));
const FIRST_SIGNAL = 128;

/** An exit status as shells give it: above 128 it names the signal that ended the task. */
export function endingOf(exitCode: number): Ending {
  const signal = exitCode > FIRST_SIGNAL ? (SIGNALS.get(exitCode - FIRST_SIGNAL) ?? null) : null;
  return { exitCode, signal, reason: reasonOf(exitCode, signal), message: sentenceOf(exitCode, signal) };
}

function reasonOf(exitCode: number, signal: string | null): Reason {
  if (signal !== null) return "signalled";
  if (exitCode === 127) return "command-not-found";
  if (exitCode === 126) return "command-not-executable";
  return "exited";
}

function sentenceOf(exitCode: number, signal: string | null): string {
  if (signal !== null) return `ended by signal ${signal} (exit status ${exitCode})`;
  if (exitCode === 127) return "a command was not found (exit status 127)";
  if (exitCode === 126) return "a command could not be executed (exit status 126)";
  return `exited with status ${exitCode}`;
}
