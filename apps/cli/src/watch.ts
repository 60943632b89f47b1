/** Watches a deployment to its end, or to the end of the user's patience. How it came out is the server's word. */

import { followDeployment } from "@muster/client";
import type { DeploymentProgress } from "@muster/contracts";
import { planLine } from "@muster/terminal/course";
import { showDeployment } from "@muster/terminal/show";
import { type Context, isForPrograms } from "./context.ts";
import type { ExitCode } from "./exit.ts";
import { Failures } from "./failures.ts";
import { newsOf } from "./news.ts";
import { printNext } from "./output.ts";
import type { Session } from "./session.ts";
import { showVerdict, tellVerdict, type Watched } from "./tell.ts";
import { hopelessFailure, type Impatience, verdictOf } from "./verdict.ts";

/** An app without health checks is believed once its instances ran for so long. */
const SETTLE_MS = 1_000;

export type WatchOptions = {
  /** 0 for ever. */
  readonly timeoutSeconds: number;
  /** The plan stands above the picture, and programs are told what changes rather than all that is known. */
  readonly isDeploy?: boolean;
  /** It had ended before it was looked at. */
  readonly isPast?: boolean;
};

export async function watch(
  context: Context,
  session: Session,
  change: Watched,
  { timeoutSeconds, isDeploy = false, isPast = false }: WatchOptions,
): Promise<ExitCode> {
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
      settleMs: isPast ? 0 : SETTLE_MS,
    });
    const onState = (state: DeploymentProgress): boolean => {
      failures.see(state);
      if (isPast || hopelessFailure(state) === null) return false;
      giveUp("hopeless");
      return true;
    };
    last = isForPrograms(context)
      ? await tellPrograms(context, states, { onState, isDeploy })
      : await showDeployment(states, context.err, {
          notes: () => failures.notes(context.err),
          opening: (state) => (isDeploy ? openingLines(context, state) : []),
          onState,
        });
  } finally {
    clearTimeout(timer);
    context.signal.removeEventListener("abort", onInterrupt);
  }
  if (impatience !== "interrupt") await failures.settle();
  const verdict = verdictOf(last, impatience, timeoutSeconds, { isPast });
  if (isForPrograms(context)) tellVerdict(context, verdict, change, last, Date.now() - startedAtMs);
  else showVerdict(context, verdict, change, last, failures, Date.now() - startedAtMs);
  return verdict.exitCode;
}

function openingLines({ err }: Context, state: DeploymentProgress): string[] {
  const line = planLine(state);
  return line === null ? [] : [err.paint("quiet", line)];
}

async function tellPrograms(
  context: Context,
  states: AsyncIterable<DeploymentProgress>,
  { onState, isDeploy }: { onState: (state: DeploymentProgress) => boolean; isDeploy: boolean },
): Promise<DeploymentProgress | null> {
  let last: DeploymentProgress | null = null;
  for await (const state of states) {
    const time = new Date().toISOString();
    const news = isDeploy ? newsOf(last, state, time) : [{ type: "state", time, ...state }];
    for (const one of news) printNext(context, one);
    last = state;
    if (onState(state)) break;
  }
  return last;
}
