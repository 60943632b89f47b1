/** Follows a deployment to its end: events say when to look, the API says what is true. */
import {
  type AppId,
  type DeploymentDocument,
  type InstanceView,
  MusterError,
  subjects,
  TERMINAL_STATES,
  type Why,
} from "@muster/contracts";
import { monotonicMs, type Nats } from "@muster/runtime";
import type { Client } from "./client.ts";
import { Pulse } from "./pulse.ts";
import { Settling } from "./settling.ts";

/** What is known of a deployment at one moment. */
export type DeploymentProgress = {
  readonly app: AppId;
  readonly deployment: DeploymentDocument | null;
  /** The app has health checks: an instance is ready when they have passed. */
  readonly hasChecks: boolean;
  /** Living instances of the app, and those that ended since the deployment began. */
  readonly instances: readonly InstanceView[];
  /** Why instances wait or are held back, or null while none is. */
  readonly why: Why | null;
};

export type FollowOptions = {
  /** Ends the following, not the deployment. */
  readonly signal?: AbortSignal;
  /** How long the API may be away before following fails. */
  readonly patienceMs?: number;
  /** After success, how long the instances of an app without health checks must go on running; 0, the default, looks no more. */
  readonly settleMs?: number;
};

/** An event is followed by a look, but never by more than ten looks a second. */
const LOOK_EVERY_MS = 100;
/** Events may be lost; a look this often makes up for it. */
const POLL_MS = 1_000;
const PATIENCE_MS = 30_000;
/** The gateway that answers may not have seen the deployment that another one wrote. */
const UNSEEN_PATIENCE_MS = 5_000;

/**
 * Yields every state that differs from the one before, the last with a deployment that is not `running` any more (and, with `settleMs`, with instances that stayed).
 * @throws MusterError when the API stays away, or the deployment is not known.
 */
export async function* followDeployment(
  client: Client,
  nats: Nats,
  app: AppId,
  deploymentId: string,
  { signal, patienceMs = PATIENCE_MS, settleMs = 0 }: FollowOptions = {},
): AsyncGenerator<DeploymentProgress, void, undefined> {
  const pulse = new Pulse({ pollMs: POLL_MS });
  const feed = [...subjects.eventsOfApp(app), subjects.event("deployment", deploymentId, ">")];
  const subscriptions = feed.map((subject) => nats.connection.subscribe(subject, { callback: () => pulse.beat() }));
  const stop = () => pulse.stop();
  signal?.addEventListener("abort", stop);
  const settling = new Settling(settleMs);
  let told = "";
  let lastGoodMs = monotonicMs();
  let progress: DeploymentProgress | null = null;
  try {
    while (signal?.aborted !== true) {
      const lookedAtMs = monotonicMs();
      try {
        progress = await look(client, app, deploymentId, progress);
        lastGoodMs = monotonicMs();
      } catch (cause) {
        const limitMs =
          cause instanceof MusterError && cause.code === "deployment.unknown" ? UNSEEN_PATIENCE_MS : patienceMs;
        if (!mayPass(cause) || monotonicMs() - lastGoodMs > limitMs) throw cause;
      }
      if (progress !== null) {
        const text = JSON.stringify(progress, withoutTimes);
        if (text !== told) yield progress;
        told = text;
        if (settling.isOver(progress, monotonicMs())) return;
      }
      // Looks at an app of thousands take long: half of the time is left to the gateway.
      await pulse.next(Math.max(LOOK_EVERY_MS, 2 * (monotonicMs() - lookedAtMs)));
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    pulse.stop();
    for (const subscription of subscriptions) subscription.unsubscribe();
  }
}

/** A gateway that restarts, or has not caught up, is worth waiting for; a refusal is not. */
const mayPass = (cause: unknown): boolean =>
  cause instanceof MusterError &&
  ["nats.unreachable", "cluster.not-ready", "deployment.unknown", "internal"].includes(cause.code);

async function look(
  client: Client,
  app: AppId,
  deploymentId: string,
  before: DeploymentProgress | null,
): Promise<DeploymentProgress> {
  // The deployment is read first: instances read after its end show how it ended.
  const deployment = await client.deployment(deploymentId);
  const all = await instancesOf(client, app);
  const instances = all.filter((one) => !hasEnded(one) || (one.sinceMs ?? 0) >= deployment.startedAtMs);
  const isHeldUp = instances.some((one) => one.state === "waiting" || hasEnded(one));
  // It only explains; the last one will do when a look fails.
  const why = isHeldUp ? await client.why({ app }).catch(() => before?.why ?? null) : null;
  const hasChecks = before?.hasChecks ?? (await checksOf(client, app));
  return { app, deployment, hasChecks, instances, why };
}

/** An app that was deleted has none, and is soon not known at all. */
async function instancesOf(client: Client, app: AppId): Promise<InstanceView[]> {
  try {
    return await client.instances({ app, ended: true });
  } catch (cause) {
    if (cause instanceof MusterError && cause.code === "app.unknown") return [];
    throw cause;
  }
}

/** Only for the picture: an app that cannot be read has none. */
const checksOf = async (client: Client, app: AppId): Promise<boolean> =>
  ((await client.app(app).catch(() => null))?.healthChecks ?? []).length > 0;

/** "waiting since 12 s" is no news a second later. */
const withoutTimes = (key: string, value: unknown): unknown =>
  key === "summary" || key === "decidedAtMs" ? undefined : value;

const hasEnded = ({ state }: InstanceView): boolean => (TERMINAL_STATES as readonly string[]).includes(state);
