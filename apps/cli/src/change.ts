/** Every command that changes an app: ask, then watch it happen, then say how it came out. */
import { type Change, type ChangeOptions, type DeploymentProgress, followDeployment } from "@muster/client";
import { openTelemetry, traceIdOf } from "@muster/runtime";
import { showDeployment } from "@muster/terminal/show";
import { duration } from "@muster/terminal/units";
import { type Context, isForPrograms } from "./context.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { Failures } from "./failures.ts";
import { printNext } from "./output.ts";
import type { Session } from "./session.ts";
import { hopelessFailure, type Impatience, type Verdict, verdictOf } from "./verdict.ts";

/** An app without health checks is believed once its instances ran for so long. */
const SETTLE_MS = 1_000;

export type WaitOptions = { readonly detach?: boolean; readonly timeout?: number; readonly force?: boolean };

/** @param make asks the server for the change */
export async function carryOut(
  context: Context,
  session: Session,
  name: string,
  options: WaitOptions,
  make: (options: ChangeOptions) => Promise<Change>,
): Promise<ExitCode> {
  const telemetry = await openTelemetry({ otlp: process.env.OTEL_EXPORTER_OTLP_ENDPOINT || null });
  const span = telemetry.start("cli", `muster ${name}`, { parent: process.env.TRACEPARENT ?? null, kind: "client" });
  try {
    const change = await make({ force: options.force === true, traceparent: span.traceparent });
    span.set({ "muster.app": change.app, "muster.deployment": change.deployment });
    const { err } = context;
    err.print(...change.warnings.map((warning) => `${err.paint("warn", `${err.glyphs.warn} ${warning}`)}`));
    const traceId = change.traceId ?? traceIdOf(span.traceparent);
    const exitCode =
      change.deployment === null
        ? nothingToDo(context, change)
        : options.detach === true
          ? detached(context, change, change.deployment, traceId)
          : await watch(context, session, options, { ...change, deployment: change.deployment, traceId });
    span.end();
    return exitCode;
  } catch (cause) {
    span.end(cause);
    throw cause;
  } finally {
    await telemetry.stop();
  }
}

function nothingToDo(context: Context, { app, version }: Change): ExitCode {
  if (isForPrograms(context))
    printNext(context, { type: "verdict", outcome: "unchanged", exitCode: EXIT.reached, app, version });
  else context.err.print(`${context.err.paint("good", context.err.glyphs.ok)} ${app} already is as asked`);
  return EXIT.reached;
}

function detached(context: Context, change: Change, deployment: string, trace: string | null): ExitCode {
  if (isForPrograms(context)) printNext(context, { app: change.app, deployment, version: change.version, trace });
  else context.out.print(deployment);
  return EXIT.reached;
}

type Watched = Change & { readonly deployment: string };

async function watch(context: Context, session: Session, options: WaitOptions, change: Watched): Promise<ExitCode> {
  const timeoutSeconds = options.timeout ?? 0;
  const failures = new Failures(session);
  const patience = new AbortController();
  let impatience: Impatience = null;
  const giveUp = (why: Impatience) => {
    impatience ??= why;
    patience.abort();
  };
  const onInterrupt = () => giveUp("interrupt");
  context.signal.addEventListener("abort", onInterrupt);
  if (context.signal.aborted) onInterrupt();
  const timer = timeoutSeconds > 0 ? setTimeout(() => giveUp("timeout"), timeoutSeconds * 1_000) : undefined;
  const startedAtMs = Date.now();
  let last: DeploymentProgress | null = null;
  try {
    const states = followDeployment(session.client, session.nats, change.app, change.deployment, {
      signal: patience.signal,
      settleMs: SETTLE_MS,
    });
    const onState = (state: DeploymentProgress): boolean => {
      failures.see(state);
      if (hopelessFailure(state) === null) return false;
      giveUp("hopeless");
      return true;
    };
    last = isForPrograms(context)
      ? await tellPrograms(context, states, onState)
      : await showDeployment(states, context.err, { notes: () => failures.notes(context.err), onState });
  } finally {
    clearTimeout(timer);
    context.signal.removeEventListener("abort", onInterrupt);
  }
  if (impatience !== "interrupt") await failures.settle();
  const verdict = verdictOf(last, impatience, timeoutSeconds);
  if (isForPrograms(context)) tellVerdict(context, verdict, change, last, Date.now() - startedAtMs);
  else showVerdict(context, verdict, change, failures, Date.now() - startedAtMs);
  return verdict.exitCode;
}

async function tellPrograms(
  context: Context,
  states: AsyncIterable<DeploymentProgress>,
  onState: (state: DeploymentProgress) => boolean,
): Promise<DeploymentProgress | null> {
  let last: DeploymentProgress | null = null;
  for await (const state of states) {
    last = state;
    printNext(context, { type: "state", at: new Date().toISOString(), ...state });
    if (onState(state)) break;
  }
  return last;
}

function tellVerdict(
  context: Context,
  verdict: Verdict,
  { app, deployment, version, traceId }: Watched,
  last: DeploymentProgress | null,
  elapsedMs: number,
): void {
  const why = last?.why ?? null;
  printNext(context, { type: "verdict", ...verdict, app, deployment, version, trace: traceId, elapsedMs, why });
}

function showVerdict(
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
