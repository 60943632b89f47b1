/** `muster plan FILE`: what run would change, and where instances would stand. One exit code per answer; nothing is changed. */

import type { GroupPlan } from "@muster/client";
import { MusterError, type Plan, type Problem } from "@muster/contracts";
import { withBundle } from "../bundle.ts";
import { type Context, isForPrograms } from "../context.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { printDocument } from "../output.ts";
import { planLines } from "../plan-lines.ts";
import type { Run } from "../program.ts";
import type { SpecFile } from "../spec-file.ts";

const EXITS: Readonly<Record<Plan["outcome"], ExitCode>> = {
  unchanged: EXIT.reached,
  fits: EXIT.changes,
  unplaced: EXIT.notPlaced,
  refused: EXIT.conflict,
};

export const run: Run = async (given, files, { json, force }) => {
  const context: Context = json === true ? { ...given, output: "json" } : given;
  return await withBundle(context, files.length === 0 ? ["-"] : files, async ({ client }, bundle) => {
    const options = { force: force === true };
    if (bundle.kind === "apps") return tellSteps(context, await client.planApps(bundle.body, options));
    if (bundle.kind === "group") return tellSteps(context, await client.planGroup(bundle.body));
    const plan = located(bundle, await client.planApp(bundle.body, options));
    tell(context, plan);
    return EXITS[plan.outcome];
  });
};

/** Marathon's words for what is done to an app, in ours. */
const DONE: Readonly<Record<string, string>> = {
  StartApplication: "start",
  ScaleApplication: "scale",
  RestartApplication: "replace the instances of",
  StopApplication: "remove",
};

/** Only what would happen, and in which order: where instances would be placed is told of single apps. */
function tellSteps(context: Context, plan: GroupPlan): ExitCode {
  const { out, err } = context;
  if (isForPrograms(context)) printDocument(context, plan);
  else if (plan.steps.length === 0) out.print("nothing would change");
  else
    for (const [i, { actions }] of plan.steps.entries()) {
      out.print(out.paint("strong", `step ${i + 1} of ${plan.steps.length}`));
      out.print(...actions.map(({ action, app }) => `  ${DONE[action] ?? action} ${app}`));
    }
  if (!isForPrograms(context) && plan.steps.length > 0)
    err.print(err.paint("quiet", "  where instances would be placed is told of single apps: muster plan app.json"));
  return plan.steps.length === 0 ? EXIT.reached : EXIT.changes;
}

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
