/** Watches a deployment to its end, to the end of the user's patience, or until it is clear that it will not come up. */
import { type DeploymentProgress, followDeployment } from "@muster/client";
import { showDeployment } from "@muster/terminal/show";
import { type Context, isForPrograms } from "./context.ts";
import type { ExitCode } from "./exit.ts";
import { Failures } from "./failures.ts";
import { printNext } from "./output.ts";
import type { Session } from "./session.ts";
import { showVerdict, tellVerdict, type Watched } from "./tell.ts";
import { hopelessFailure, type Impatience, verdictOf } from "./verdict.ts";

/** An app without health checks is believed once its instances ran for so long. */
const SETTLE_MS = 1_000;

/** @param timeoutSeconds 0 for ever */
export async function watch(
  context: Context,
  session: Session,
  timeoutSeconds: number,
  change: Watched,
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
