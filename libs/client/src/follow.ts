/** Follows a deployment to its end: events say when to look, the API says what is true. */
import {
  type AppId,
  affectedApps,
  type DeploymentDocument,
  type DeploymentProgress,
  type InstanceView,
  MusterError,
  stepsOf,
  subjects,
  TERMINAL_STATES,
} from "@muster/contracts";
import { monotonicMs, type Nats } from "@muster/runtime";
import type { Client } from "./client.ts";
import { courseOf, factsOf, type SpecFacts, targetsOf } from "./course.ts";
import { Pulse } from "./pulse.ts";
import { Settling } from "./settling.ts";

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

/** Apps whose events are listened to; of a larger deployment the others show with the next look. */
const APPS_HEARD_MAX = 100;

/** Apps whose specs are asked for at once; those of more are shown as if they had no checks and no stages. */
const SPECS_ASKED_MAX = 50;

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
  const subscriptions = [
    nats.connection.subscribe(subjects.event("deployment", deploymentId, ">"), { callback: () => pulse.beat() }),
  ];
  const heard = new Set<AppId>();
  const hear = (apps: readonly AppId[]) => {
    for (const one of apps.slice(0, APPS_HEARD_MAX)) {
      if (heard.has(one)) continue;
      heard.add(one);
      for (const subject of subjects.eventsOfApp(one))
        subscriptions.push(nats.connection.subscribe(subject, { callback: () => pulse.beat() }));
    }
  };
  const stop = () => pulse.stop();
  signal?.addEventListener("abort", stop);
  const looker = new Looker(client, app, deploymentId);
  const settling = new Settling(settleMs);
  let told = "";
  let lastGoodMs = monotonicMs();
  let progress: DeploymentProgress | null = null;
  try {
    while (signal?.aborted !== true) {
      const lookedAtMs = monotonicMs();
      let tookMs = 0;
      try {
        progress = await looker.look(progress);
        lastGoodMs = monotonicMs();
        tookMs = lastGoodMs - lookedAtMs;
      } catch (cause) {
        const limitMs =
          cause instanceof MusterError && cause.code === "deployment.unknown" ? UNSEEN_PATIENCE_MS : patienceMs;
        if (!mayPass(cause) || monotonicMs() - lastGoodMs > limitMs) throw cause;
      }
      if (progress !== null) {
        const text = JSON.stringify(progress, withoutTimes);
        if (progress.deployment !== null) hear(affectedApps(progress.deployment));
        if (text !== told) yield progress;
        told = text;
        if (settling.isOver(progress, monotonicMs())) return;
      }
      // Looks at an app of thousands take long: half of the time is left to the gateway.
      await pulse.next(Math.max(LOOK_EVERY_MS, 2 * tookMs));
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
  [
    "nats.unreachable",
    "cluster.not-ready",
    "cluster.busy",
    "cluster.timeout",
    "deployment.unknown",
    "internal",
  ].includes(cause.code);

/** Asks for all that a picture shows, and for what never changes only once. */
class Looker {
  readonly #client: Client;
  readonly #app: AppId;
  readonly #deploymentId: string;
  readonly #facts = new Map<string, SpecFacts>();

  constructor(client: Client, app: AppId, deploymentId: string) {
    this.#client = client;
    this.#app = app;
    this.#deploymentId = deploymentId;
  }

  async look(before: DeploymentProgress | null): Promise<DeploymentProgress> {
    const [client, app] = [this.#client, this.#app];
    // The deployment is read first: instances read after its end show how it ended.
    const deployment = await client.deployment(this.#deploymentId);
    const all = await this.#instances(deployment);
    const instances = all.filter((one) => !hasEnded(one) || (one.sinceMs ?? 0) >= deployment.startedAtMs);
    const heldUp = instances.find((one) => one.state === "waiting") ?? instances.find(hasEnded);
    // It only explains; the last one will do when a look fails.
    const why = heldUp === undefined ? null : await client.why({ app: heldUp.app }).catch(() => before?.why ?? null);
    await this.#learn(deployment);
    const facts = (id: AppId, version: number) => this.#facts.get(keyOf(id, version));
    return {
      app,
      deployment,
      targets: targetsOf(deployment, facts),
      course: courseOf(deployment, facts),
      instances,
      why,
    };
  }

  async #instances(deployment: DeploymentDocument): Promise<InstanceView[]> {
    const apps = new Set(affectedApps(deployment));
    if (apps.size <= 1) return await instancesOf(this.#client, [...apps][0] ?? this.#app);
    return (await this.#client.instances({ ended: true })).filter((one) => apps.has(one.app));
  }

  /** What the specs of the step say. Only for the picture: what cannot be read has no checks and no stages. */
  async #learn(deployment: DeploymentDocument): Promise<void> {
    const actions = stepsOf(deployment)[deployment.step]?.actions ?? [];
    const unknown = actions.flatMap(({ app, to }) =>
      to === null || this.#facts.has(keyOf(app, to.version)) ? [] : [{ app, version: to.version }],
    );
    const asked = unknown.slice(0, SPECS_ASKED_MAX).map(async ({ app, version }) => {
      try {
        const spec = await this.#client.appVersion(app, new Date(version).toISOString());
        this.#facts.set(keyOf(app, version), factsOf(spec));
      } catch {
        // It is asked for again at the next look: this gateway may not have seen the version yet.
      }
    });
    await Promise.all(asked);
  }
}

const keyOf = (app: AppId, version: number): string => `${app} ${version}`;

/** An app that was deleted has none, and is soon not known at all. */
async function instancesOf(client: Client, app: AppId): Promise<InstanceView[]> {
  try {
    return await client.instances({ app, ended: true });
  } catch (cause) {
    if (cause instanceof MusterError && cause.code === "app.unknown") return [];
    throw cause;
  }
}

/** "waiting since 12 s" is no news a second later. */
const withoutTimes = (key: string, value: unknown): unknown =>
  key === "summary" || key === "decidedAtMs" ? undefined : value;

const hasEnded = ({ state }: InstanceView): boolean => (TERMINAL_STATES as readonly string[]).includes(state);
