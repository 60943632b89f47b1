/** Errors as people want to read them: what, where with the line itself, and what to do. */
import { MusterError, type Problem } from "@muster/contracts/errors";
import type { Screen } from "@muster/terminal/screen";
import { plural } from "@muster/terminal/units";
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
  const isAboutDocument = /^(json|document|spec)\./.test(cause.code);
  const name = source === null || !isAboutDocument ? "" : `${source.name}: `;
  // Servers put the first problem into the message for those who see nothing else; here all of them follow.
  const isTold = name !== "" && cause.problems.length > 0 && cause.problems.every(({ path }) => path !== "");
  const lines = [`${mark} ${name}${isTold ? plural(cause.problems.length, "problem") : cause.message}`];
  for (const problem of cause.problems) {
    const isSaid = problem.path === "" && cause.message.includes(problem.message);
    lines.push(...(isSaid ? [] : [headLine(problem, err)]), ...frameLines(problem, err, source));
  }
  const [deployment] = cause.deployments;
  if (deployment !== undefined && cause.code === "app.locked")
    lines.push(`  ${paint("quiet", "overtake it with --force")}`);
  return lines;
}

function headLine({ path, message, line, column }: Problem, { paint }: Screen): string {
  const where = line === undefined ? "" : `${line}${column === undefined ? "" : `:${column}`}`;
  return `  ${[paint("accent", where), paint("strong", path), message].filter((part) => part !== "").join("  ")}`;
}

/** The line itself, and a mark under the place. */
function frameLines({ line, column }: Problem, err: Screen, source: Source | null): string[] {
  const { paint, glyphs } = err;
  const text = line === undefined ? undefined : source?.text.split("\n")[line - 1];
  if (text === undefined || line === undefined) return [];
  const gutter = String(line);
  const bar = paint("quiet", glyphs.bar);
  const lines = [`    ${paint("quiet", gutter)} ${bar} ${text.replaceAll("\t", " ").trimEnd()}`];
  if (column !== undefined) {
    const before = " ".repeat(column - 1);
    lines.push(`    ${" ".repeat(gutter.length)} ${bar} ${before}${paint("bad", glyphs.caret)}`);
  }
  return lines.map((one) => truncate(one, err.columns(), glyphs.ellipsis));
}
