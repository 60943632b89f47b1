/** `muster deploy FILE...`: what run does, with its plan, stages and waits; or the same picture of a deployment that goes on elsewhere. */
import { traceIdOf } from "@muster/runtime";
import { publishBundle, withBundle } from "../bundle.ts";
import { carryOut, type WaitOptions } from "../change.ts";
import { type Context, streamed } from "../context.ts";
import { type ExitCode, UsageError } from "../exit.ts";
import { findRunning } from "../find-deployment.ts";
import type { Run } from "../program.ts";
import { withSession } from "../session.ts";
import { watch } from "../watch.ts";
import { run as plan } from "./plan.ts";

export const run: Run = async (given, files, options) => {
  if (options.dryRun === true) return await plan(given, files, options);
  const context = streamed(given);
  const { attach } = options;
  const waiting: WaitOptions = { ...(options as WaitOptions), isDeploy: true };
  if (typeof attach === "string") {
    if (files.length > 0) throw new UsageError("give a file, or --attach to a deployment that was begun before");
    return await attachTo(context, attach, waiting);
  }
  if (files.length === 0)
    throw new UsageError('say what to deploy: "muster deploy hello.json", or "muster deploy --attach ID"');
  return await withBundle(context, files, (session, bundle) =>
    carryOut(context, session, "deploy", { ...waiting, isOfMany: bundle.kind !== "app" }, (change) =>
      publishBundle(session.client, bundle, change),
    ),
  );
};

const attachTo = (context: Context, text: string, { timeout = 0 }: WaitOptions): Promise<ExitCode> =>
  withSession(context, async (session) => {
    const { id, app, version, trace, state } = await findRunning(session.client, text);
    const change = { app, deployment: id, version: new Date(version).toISOString(), warnings: [] };
    return await watch(
      context,
      session,
      { ...change, traceId: traceIdOf(trace) },
      { timeoutSeconds: timeout, isDeploy: true, isPast: state !== "running" },
    );
  });
