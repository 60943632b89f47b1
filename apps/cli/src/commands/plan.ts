/** `muster plan FILE`: what run would change, and where instances would stand. One exit code per answer; nothing is changed. */
import { MusterError, type Plan, type Problem } from "@muster/contracts";
import { type Context, isForPrograms } from "../context.ts";
import { printError } from "../errors.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { printDocument } from "../output.ts";
import { planLines } from "../plan-lines.ts";
import type { Run } from "../program.ts";
import { withSession } from "../session.ts";
import { readSource, type SpecFile, specOf } from "../spec-file.ts";

const EXITS: Readonly<Record<Plan["outcome"], ExitCode>> = {
  unchanged: EXIT.reached,
  fits: EXIT.changes,
  unplaced: EXIT.notPlaced,
  refused: EXIT.conflict,
};

export const run: Run = async (given, [file = "-"], { json, force }) => {
  const context: Context = json === true ? { ...given, output: "json" } : given;
  const source = await readSource(file);
  let spec: SpecFile | null = null;
  try {
    const read = await specOf(source);
    spec = read;
    return await withSession(context, async ({ client }) => {
      const plan = located(read, await client.planApp(read.body, { force: force === true }));
      tell(context, plan);
      return EXITS[plan.outcome];
    });
  } catch (cause) {
    return printError(spec?.locate(cause) ?? cause, context.err, source);
  }
};

/** Warnings name places in what was sent; people look at their file. */
function located(spec: SpecFile, plan: Plan): Plan {
  const error = spec.locate(new MusterError("spec.invalid", "", { problems: plan.warnings as Problem[] }));
  return error instanceof MusterError ? { ...plan, warnings: [...error.problems] } : plan;
}

const warningText = ({ path, message, line, column }: Plan["warnings"][number]): string =>
  `${path === "" ? "" : `${path}: `}${message}${line === undefined ? "" : ` (line ${line}, column ${column})`}`;

function tell(context: Context, plan: Plan): void {
  const { out, err, output } = context;
  const { paint, glyphs } = err;
  if (isForPrograms(context)) {
    printDocument(context, plan);
    return;
  }
  err.print(...plan.warnings.map((warning) => paint("warn", `${glyphs.warn} ${warningText(warning)}`)));
  if (output === "name") out.print(plan.outcome);
  else out.print(...planLines(plan, out, Date.now()));
  if (plan.refusal !== null && plan.refusal.code === "app.locked")
    err.print(paint("quiet", "  overtake the deployment with: muster run --force"));
}
