/** Every command that changes an app: ask, then watch it happen, then say how it came out. */
import type { Change, ChangeOptions } from "@muster/client";
import type { Why } from "@muster/contracts";
import { openTelemetry, traceIdOf } from "@muster/runtime";
import { type Context, isForPrograms } from "./context.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { printNext } from "./output.ts";
import type { Session } from "./session.ts";
import { watch } from "./watch.ts";

export type WaitOptions = {
  readonly detach?: boolean;
  readonly timeout?: number;
  readonly force?: boolean;
  /** As `muster deploy` shows it. */
  readonly isDeploy?: boolean;
  /** Several apps are changed: there is no one app to ask about. */
  readonly isOfMany?: boolean;
};

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
    err.print(...change.warnings.map((warning) => err.paint("warn", `${err.glyphs.warn} ${warning}`)));
    const { deployment } = change;
    const begun = { ...change, traceId: change.traceId ?? traceIdOf(span.traceparent) };
    const exitCode =
      deployment === null
        ? await unchanged(context, session, options, change)
        : options.detach === true
          ? detached(context, { ...begun, deployment })
          : await watch(
              context,
              session,
              { ...begun, deployment },
              { timeoutSeconds: options.timeout ?? 0, isDeploy: options.isDeploy === true },
            );
    span.end();
    return exitCode;
  } catch (cause) {
    span.end(cause);
    throw cause;
  } finally {
    await telemetry.stop();
  }
}

function detached(context: Context, { app, deployment, version, traceId }: Change & { deployment: string }): ExitCode {
  if (isForPrograms(context)) printNext(context, { app, deployment, version, trace: traceId });
  else context.out.print(deployment);
  return EXIT.reached;
}

/** What stands already need not run: an app that waits or crashes is told as such. */
const STANDS: Readonly<Record<Why["status"], ExitCode>> = {
  running: EXIT.reached,
  stopped: EXIT.reached,
  deploying: EXIT.reached,
  waiting: EXIT.notPlaced,
  delayed: EXIT.failed,
  unhealthy: EXIT.failed,
};

async function unchanged(
  context: Context,
  { client }: Session,
  { detach, isOfMany }: WaitOptions,
  { app, version }: Change,
): Promise<ExitCode> {
  const why = detach === true || isOfMany === true ? null : await client.why({ app });
  const exitCode = why === null ? EXIT.reached : STANDS[why.status];
  const message = `nothing to change${why === null ? "" : `: ${why.summary}`}`;
  if (isForPrograms(context))
    printNext(context, {
      type: "verdict",
      time: new Date().toISOString(),
      outcome: "unchanged",
      exitCode,
      message,
      app,
      deployment: null,
      version,
      why,
    });
  else {
    const { paint, glyphs } = context.err;
    const mark = exitCode === EXIT.reached ? paint("good", glyphs.ok) : paint("warn", glyphs.warn);
    context.err.print(`${mark} ${message}`);
  }
  return exitCode;
}
