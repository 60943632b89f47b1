/** Errors as people want to read them: what, where with the line itself, and what to do. */
import { MusterError, type Problem } from "@muster/contracts/errors";
import type { Screen } from "@muster/terminal/screen";
import { truncate } from "@muster/terminal/width";
import { type ExitCode, exitCodeOf, UsageError } from "./exit.ts";

/** A document as it was read, for errors that point into it. */
export type Source = { readonly name: string; readonly text: string };

/** Prints an error on stderr and answers the exit code for it. */
export function printError(cause: unknown, err: Screen, source: Source | null = null): ExitCode {
  err.print(...errorLines(cause, err, source));
  return exitCodeOf(cause);
}

export function errorLines(cause: unknown, err: Screen, source: Source | null = null): string[] {
  const { paint, glyphs } = err;
  const mark = paint("bad", glyphs.bad);
  if (!(cause instanceof MusterError)) {
    if (cause instanceof UsageError) return [`${mark} ${cause.message}`];
    const stack = process.env.MUSTER_LOG_LEVEL === "debug" && cause instanceof Error ? [cause.stack ?? ""] : [];
    return [`${mark} ${cause instanceof Error ? cause.message : String(cause)}`, ...stack];
  }
  const located = cause.problems.filter(({ path, line }) => path !== "" || line !== undefined);
  const name = source === null ? "" : `${source.name}: `;
  const lines = [
    `${mark} ${name}${cause.message}`,
    ...located.flatMap((problem) => problemLines(problem, err, source)),
  ];
  const [deployment] = cause.deployments;
  if (deployment !== undefined && cause.code === "app.locked")
    lines.push(`  ${paint("quiet", `deployment ${deployment} is running; wait for it, or overtake it with --force`)}`);
  return lines;
}

function problemLines({ path, message, line, column }: Problem, err: Screen, source: Source | null): string[] {
  const { paint, glyphs } = err;
  const where = line === undefined ? "" : `${line}${column === undefined ? "" : `:${column}`}`;
  const head = [paint("accent", where), paint("strong", path), message].filter((part) => part !== "").join("  ");
  const text = line === undefined ? undefined : source?.text.split("\n")[line - 1];
  if (text === undefined || line === undefined) return [`  ${head}`];
  const gutter = String(line);
  const bar = paint("quiet", glyphs.bar);
  const shown = text.replaceAll("\t", " ").trimEnd();
  const pointer =
    column === undefined
      ? []
      : [`    ${" ".repeat(gutter.length)} ${bar} ${" ".repeat(column - 1)}${paint("bad", glyphs.caret)}`];
  return [
    `  ${head}`,
    truncate(`    ${paint("quiet", gutter)} ${bar} ${shown}`, err.columns(), glyphs.ellipsis),
    ...pointer.map((one) => truncate(one, err.columns(), glyphs.ellipsis)),
  ];
}
