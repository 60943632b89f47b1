/**
 * What a cluster that was there before has: its apps come back, adopted where they still ran. The API is open meanwhile, so anything
 * may be deleted while it is shown; this is a mere showing, and what goes wrong with it never ends the cluster.
 */
import { type Client, followDeployment } from "@muster/client";
import { type DeploymentProgress, MusterError } from "@muster/contracts";
import { createLog, monotonicMs, type Nats, pause } from "@muster/runtime";
import { type Screen, showDeployment } from "@muster/terminal";

const log = createLog("standalone");

/** All apps together are waited for so long: a deployment may wait for a person for hours, and an app for a place for ever. */
const SHOWN_WITHIN_MS = 10_000;

export type Shown = { readonly app: string; readonly traceId: string | null; readonly isRunning: boolean };
type Present = { readonly id: string; readonly deployments?: readonly { readonly id: string }[] | undefined };

export type ShowPresentOptions = { readonly signal: AbortSignal; readonly withinMs?: number };

export async function showPresent(
  client: Client,
  nats: Nats,
  screen: Screen,
  apps: readonly Present[],
  { signal, withinMs = SHOWN_WITHIN_MS }: ShowPresentOptions,
): Promise<Shown[]> {
  const deadlineMs = monotonicMs() + withinMs;
  const isOver = () => signal.aborted || monotonicMs() >= deadlineMs;
  const patience = AbortSignal.any([signal, AbortSignal.timeout(withinMs)]);
  const shown: Shown[] = [];
  const followed = new Set<string>();
  for (const { id, deployments } of apps) {
    if (signal.aborted) break;
    const deployment = deployments?.[0]?.id;
    // One deployment may be of many apps.
    if (deployment !== undefined && !followed.has(deployment)) {
      followed.add(deployment);
      const about = { app: id, deployment, signal: patience };
      const goesOn = await harmless(() => showWhileMoving(client, nats, screen, about));
      if (goesOn && !signal.aborted)
        screen.print(`deployment ${deployment} goes on: npx muster deployments ${id.slice(1)}`);
    }
    const summary = await harmless(() => untilAnswered(client, id, isOver));
    if (summary === null) continue;
    screen.print(summary);
    shown.push({ app: id, traceId: null, isRunning: true });
  }
  return shown;
}

/** Answers null when `work` failed: because what it is about is gone, which is no news, or otherwise, which is logged. */
export async function harmless<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (cause) {
    const isGone = cause instanceof MusterError && ["app.unknown", "deployment.unknown"].includes(cause.code);
    if (!isGone) log.warn({ error: (cause as Error).message }, "something could not be shown");
    return null;
  }
}

type Moving = { readonly app: string; readonly deployment: string; readonly signal: AbortSignal };

/** True when it had not ended by then. */
async function showWhileMoving(client: Client, nats: Nats, screen: Screen, about: Moving): Promise<boolean> {
  const { app, deployment, signal } = about;
  const states = followDeployment(client, nats, app, deployment, { signal });
  const last = await showDeployment(states, screen, { onState: standsStill });
  return last === null || last.deployment?.state === "running";
}

/** Only a person's word takes it further. */
function standsStill({ deployment, course }: DeploymentProgress): boolean {
  if (deployment === null) return false;
  return deployment.isPaused || (course?.waits === true && deployment.reachedAtMs !== null && !deployment.isPromoted);
}

async function untilAnswered(client: Client, app: string, isOver: () => boolean): Promise<string> {
  for (;;) {
    const { status, summary, deployment } = await client.why({ app });
    if (status === "running" || status === "stopped" || deployment !== null || isOver()) return summary;
    await pause(100);
  }
}
