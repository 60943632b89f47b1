/** Why an app stands as it does: waiting, delayed, unhealthy, deploying, running or stopped, told apart and never mixed. */
import {
  type AppDocument,
  type AppId,
  appToken,
  type Backoff,
  type HealthView,
  type HoldDocument,
  type InstanceView,
  type StateView,
  type WaitingDocument,
  type Why,
} from "@muster/contracts";
import { knownApp } from "../apps/current.ts";
import { instancesAsked } from "../rollout/eligible.ts";
import { checkedOf } from "../rollout/rows.ts";
import { heldText, leftText } from "./held-text.ts";
import { countInstances, findInstance, instancesOf, lastFailure } from "./instances.ts";
import { appSentence, instanceSentence } from "./why-text.ts";

export type WhyQuestion =
  | { readonly app: AppId }
  /** An instance's id, or a beginning that no other has. */
  | { readonly instance: string };

/** Throws `app.unknown`, `instance.unknown`, `id.ambiguous`. `now` in milliseconds since the epoch. */
export function whyOf(state: StateView, health: HealthView, question: WhyQuestion, now: number): Why {
  if ("app" in question) return whyApp(state, health, question.app, now);
  const instance = findInstance(state, health, question.instance);
  const why = whyApp(state, health, instance.app, now);
  const isUnproven = unprovenOf(state, [instance]).length > 0;
  return { ...why, summary: instanceSentence(instance, isUnproven, why, now) };
}

function whyApp(state: StateView, health: HealthView, app: AppId, now: number): Why {
  const { document } = knownApp(state, app);
  const all = instancesOf(state, health, { app, ended: true });
  const [instances, ended] = [all.filter((each) => !isEnded(each)), all.filter(isEnded)];
  const { running, healthy } = countInstances(instances);
  const waiting = state.kind("waiting").get(appToken(app))?.value ?? null;
  const wanted = instancesAsked(state, document);
  const backoff = isShort(document, wanted, instances) ? backoffOf(state, document, now) : null;
  const deploymentId = document.deployment;
  const why = {
    app,
    status: statusOf(document, wanted, instances, waiting, backoff),
    wanted,
    running,
    healthy,
    waiting,
    hold: waiting === null ? null : holdOf(state, now),
    delay: backoff === null ? null : { failures: backoff.failures, untilMs: backoff.untilMs },
    lastFailure: lastFailure(ended),
    deployment: deploymentId === null ? null : (state.kind("deployment").get(deploymentId)?.value ?? null),
  };
  const held =
    why.deployment === null
      ? document.mix !== null || why.status === "stopped"
        ? leftText(state, document)
        : null
      : heldText(state, why.deployment, now);
  return {
    ...why,
    summary: appSentence(why, instances, { document, held, unproven: unprovenOf(state, instances) }, now),
  };
}

/** Those that run and whose health checks have said nothing yet. */
const unprovenOf = (state: StateView, instances: readonly InstanceView[]): readonly InstanceView[] =>
  instances.filter((instance) => {
    const version = state.kind("version").get(`${appToken(instance.app)}.${instance.version}`)?.value;
    return instance.state === "running" && instance.healthy === null && checkedOf(version?.spec ?? null).health;
  });

const ENDED: readonly InstanceView["state"][] = ["finished", "failed", "killed", "error"];
const isEnded = (instance: InstanceView): boolean => ENDED.includes(instance.state);

/**
 * Whether an attempt is to follow: where all that is asked for stands, or nothing is, failures from before hold nothing back. What is
 * silent or overdue is to be replaced.
 */
function isShort({ mix }: AppDocument, wanted: number, instances: readonly InstanceView[]): boolean {
  const stands = ({ goodFor, state }: InstanceView) =>
    goodFor !== null && state !== "killing" && state !== "unreachable" && state !== "overdue";
  return instances.filter(stands).length < (mix?.fresh ?? wanted);
}

/** The backoff that holds the app's current version back just now. */
function backoffOf(state: StateView, document: AppDocument, now: number): Backoff | null {
  const backoffs = state.kind("wanted").get(appToken(document.id))?.value.backoffs ?? [];
  const backoff = backoffs.find((each) => each.version === document.version);
  return backoff !== undefined && backoff.failures > 0 && backoff.untilMs > now ? backoff : null;
}

/** What a gang holds just now: its own share of the way to a place, or what others lack meanwhile. */
function holdOf(state: StateView, now: number): HoldDocument | null {
  const hold = state.kind("hold").get("")?.value ?? null;
  return hold !== null && hold.untilMs > now ? hold : null;
}

/** What stands in the way comes first: an app that deploys and waits is waiting. */
function statusOf(
  document: AppDocument,
  wanted: number,
  instances: readonly InstanceView[],
  waiting: WaitingDocument | null,
  backoff: Backoff | null,
): Why["status"] {
  if (document.instances === 0) return instances.length === 0 ? "stopped" : "deploying";
  if (waiting !== null && waiting.count > 0 && instances.some((instance) => instance.state === "waiting"))
    return "waiting";
  const running = instances.filter((instance) => instance.state === "running");
  if (backoff !== null && running.length < wanted) return "delayed";
  if (running.some((instance) => instance.healthy === false)) return "unhealthy";
  const isOnItsWay = running.length < wanted || running.some((instance) => instance.ready === false);
  return document.deployment !== null || isOnItsWay ? "deploying" : "running";
}
