/** How a watched deployment came out: one object for programs, a few lines for people. */
import type { Change } from "@muster/client";
import type { AppId, DeploymentProgress } from "@muster/contracts";
import { slotLines } from "@muster/terminal/deployment";
import { duration } from "@muster/terminal/units";
import { clean } from "@muster/terminal/width";
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
  const rolledBackBy = last?.deployment?.rolledBackBy ?? null;
  const about = { app, deployment, version, trace: traceId, ...(rolledBackBy === null ? {} : { rolledBackBy }) };
  printNext(context, { type: "verdict", time: new Date().toISOString(), ...verdict, ...about, elapsedMs, why });
}

export function showVerdict(
  { err, out, output }: Context,
  verdict: Verdict,
  { app: asked, deployment, traceId }: Watched,
  last: DeploymentProgress | null,
  failures: Failures,
  elapsedMs: number,
): void {
  const { paint, glyphs } = err;
  const isGood = verdict.outcome === "succeeded";
  const isBad = !isGood && verdict.outcome !== "interrupted";
  const report = isBad ? failures.report(err) : [];
  const { sentence, output: words } = partsOf(verdict.message);
  const back = last?.deployment?.rolledBackBy ?? null;
  err.print(...report);
  // Instances that ended long ago are forgotten; what the deployment itself remembers of them is then all there is.
  if (report.length === 0) err.print(...words.map((line) => `    ${paint("quiet", glyphs.bar)} ${clean(line)}`));
  const mark = isGood ? paint("good", glyphs.ok) : isBad ? paint("bad", glyphs.bad) : paint("warn", glyphs.warn);
  err.print(`${mark} ${clean(sentence)}  ${paint("quiet", duration(elapsedMs))}`);
  if (back !== null) err.print(paint("warn", `  rolled back by ${back}`));
  const name = troubled(last, asked).replace(/^\//, "");
  const again = `muster deploy --attach ${deployment}`;
  const next = {
    succeeded: [],
    failed: [...(back === null ? [] : [`muster deploy --attach ${back}`]), `muster why ${name}`, `muster logs ${name}`],
    aborted: [`muster deployments ${name}`, `muster ps ${name}`],
    superseded: [`muster ps ${name}`],
    hopeless: [`muster logs ${name}`, `muster stop ${name}`],
    "not-placed": [`muster why ${name}`, again],
    "timed-out": [again, `muster why ${name}`],
    interrupted: [again, `muster ps ${name}`],
  }[verdict.outcome];
  const goesOn = ["hopeless", "not-placed"].includes(verdict.outcome) ? "Muster goes on trying. " : "";
  if (next.length > 0) err.print(paint("quiet", `  ${goesOn}Next: ${next.join(` ${glyphs.dot} `)}`));
  const ids = [`deployment ${deployment}`, ...(traceId === null ? [] : [`trace ${traceId}`])];
  err.print(paint("quiet", `  ${ids.join(` ${glyphs.dot} `)}`));
  if (output === "name") out.print(deployment);
}

/** Of several apps the one that people will want to look at: the first that an instance failed of or waits for, else the first there is. */
function troubled(last: DeploymentProgress | null, asked: AppId): AppId {
  if (last?.deployment === null || last?.deployment === undefined) return asked;
  const lacking = slotLines(last).find(({ isReady, isOld }) => !isReady && !isOld);
  return lacking?.instance.app ?? last.deployment.app;
}

/** What the server says of a failure: its sentence, and the last words of the task below it. */
export function partsOf(message: string): { sentence: string; output: readonly string[] } {
  const [first = "", ...output] = message.split("\n");
  return {
    sentence: output.length > 0 ? first.replace(/;[^;]*:$/, "") : first,
    output: output.filter((line) => line.trim() !== ""),
  };
}
