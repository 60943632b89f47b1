/** How a watched deployment came out: one object for programs, a few lines for people. */
import type { Change, DeploymentProgress } from "@muster/client";
import { duration } from "@muster/terminal/units";
import type { Context } from "./context.ts";
import type { Failures } from "./failures.ts";
import { printNext } from "./output.ts";
import type { Verdict } from "./verdict.ts";

export type Watched = Change & { readonly deployment: string };

export function tellVerdict(
  context: Context,
  verdict: Verdict,
  { app, deployment, version, traceId }: Watched,
  last: DeploymentProgress | null,
  elapsedMs: number,
): void {
  const why = last?.why ?? null;
  printNext(context, { type: "verdict", ...verdict, app, deployment, version, trace: traceId, elapsedMs, why });
}

export function showVerdict(
  { err, out, output }: Context,
  verdict: Verdict,
  { app, deployment, traceId }: Watched,
  failures: Failures,
  elapsedMs: number,
): void {
  const { paint, glyphs } = err;
  const isGood = verdict.outcome === "succeeded";
  if (!isGood && verdict.outcome !== "interrupted") err.print(...failures.report(err));
  const isBad = !isGood && verdict.outcome !== "interrupted";
  const mark = isGood ? paint("good", glyphs.ok) : isBad ? paint("bad", glyphs.bad) : paint("warn", glyphs.warn);
  err.print(`${mark} ${verdict.message}  ${paint("quiet", duration(elapsedMs))}`);
  const name = app.replace(/^\//, "");
  const next = {
    succeeded: [],
    failed: [`muster why ${name}`, `muster logs ${name}`],
    superseded: [`muster ps ${name}`],
    hopeless: [`muster logs ${name}`, `muster stop ${name}`],
    "not-placed": [`muster why ${name}`, "muster agents"],
    "timed-out": [`muster ps ${name}`, `muster why ${name}`],
    interrupted: [`muster ps ${name}`, `muster why ${name}`],
  }[verdict.outcome];
  const goesOn = ["hopeless", "not-placed"].includes(verdict.outcome) ? "Muster goes on trying. " : "";
  if (next.length > 0) err.print(paint("quiet", `  ${goesOn}Next: ${next.join(` ${glyphs.dot} `)}`));
  const ids = [`deployment ${deployment}`, ...(traceId === null ? [] : [`trace ${traceId}`])];
  err.print(paint("quiet", `  ${ids.join(` ${glyphs.dot} `)}`));
  if (output === "name") out.print(deployment);
}
