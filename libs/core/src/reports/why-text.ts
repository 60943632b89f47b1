/** Why, as one sentence: what is missing, who refused it and for which reason, what came closest, and since when. */
import {
  type AppDocument,
  type AppId,
  type InstanceView,
  unreachable,
  type WaitingDocument,
  type Why,
} from "@muster/contracts";
import { spanText } from "../apps/time.ts";
import { holdText, obstacleText } from "./obstacles.ts";

type Facts = Omit<Why, "summary">;

const nameOf = (app: AppId): string => app.replace(/^\//, "");
const instancesText = (count: number): string => `${count} instance${count === 1 ? "" : "s"}`;

type Standing = {
  readonly document: AppDocument;
  /** What holds it where it stands, or null. */
  readonly held: string | null;
  /** Those that run and whose health checks have said nothing yet. */
  readonly unproven: readonly InstanceView[];
};

export function appSentence(
  why: Facts,
  instances: readonly InstanceView[],
  { document, held, unproven }: Standing,
  now: number,
): string {
  const more = held === null ? "" : `; ${held}`;
  const name = nameOf(why.app);
  switch (why.status) {
    case "waiting":
      return waitingSentence(name, why, now);
    case "delayed":
      return delayedSentence(name, why, now);
    case "unhealthy":
      return unhealthySentence(name, instances);
    case "deploying":
      return document.goal === "deleted"
        ? stoppedSentence(name, document, instances)
        : `${deployingSentence(name, why, instances, unproven)}${more}`;
    case "running":
      if (why.wanted === 0) return `${name} runs on every agent that may run it, and there is none`;
      return document.mix === null
        ? `${name} runs as asked: ${runningText(why)}`
        : `${name} stands half way between two versions: ${runningText(why)}, ${document.mix.kept} of them of the older one${more}`;
    case "stopped":
      return `${stoppedSentence(name, document, instances)}${more}`;
    default:
      return unreachable(why.status);
  }
}

const runningText = ({ running, healthy }: Facts): string =>
  `${instancesText(running)}${healthy > 0 ? `, ${healthy} healthy` : ""}`;

/** `hello needs 1 more: of 3 agents 2 refused by constraints (rack is rack-1), 1 by cpus (needs 0.5, 0.2 free); ...` */
function waitingSentence(name: string, { waiting, hold }: Facts, now: number): string {
  const document = waiting as WaitingDocument;
  const isGang = document.refusals.some(({ check }) => check === "gang");
  const need = isGang ? `${name} is placed whole or not at all` : `${name} needs ${document.count} more`;
  const held = holdText(document, hold, now);
  const since = `waiting since ${spanText(now - document.sinceMs)}`;
  return [`${need}: ${obstacleText(document)}`, ...(held === null ? [] : [held]), since].join("; ");
}

function delayedSentence(name: string, { delay, lastFailure }: Facts, now: number): string {
  const { failures, untilMs } = delay as NonNullable<Why["delay"]>;
  const times = failures === 1 ? "once" : `${failures} times in a row`;
  const last = lastFailure === null ? "" : ` (last: ${lastFailure.message} on ${lastFailure.agent})`;
  return `${name} failed ${times}${last}: the next attempt is due in ${spanText(untilMs - now)}`;
}

function unhealthySentence(name: string, instances: readonly InstanceView[]): string {
  const running = instances.filter((instance) => instance.state === "running");
  const ill = running.filter((instance) => instance.healthy === false);
  const [first] = ill;
  const example =
    first === undefined ? "" : ` (${first.id} on ${first.agent}${first.message === "" ? "" : `: ${first.message}`})`;
  return `${ill.length} of ${instancesText(running.length)} of ${name} ${ill.length === 1 ? "fails its" : "fail their"} health checks${example}`;
}

function deployingSentence(
  name: string,
  { wanted, running, deployment, lastFailure }: Facts,
  instances: readonly InstanceView[],
  unproven: readonly InstanceView[],
): string {
  const what = deployment === null ? `${name} is starting` : `${name} is being changed (${deployment.action})`;
  const states = new Map<string, number>();
  for (const { state } of instances) if (state !== "running") states.set(state, (states.get(state) ?? 0) + 1);
  const silent = [...new Set(instances.filter(({ state }) => state === "unreachable").map(({ agent }) => agent))];
  const others = [...states].map(([state, count]) =>
    state === "unreachable" ? `${count} unreachable (${silent.slice(0, 3).join(", ")} silent)` : `${count} ${state}`,
  );
  const unready = instances.filter((instance) => instance.state === "running" && instance.ready === false);
  const waited = [
    ...(unproven.length === 0 ? [] : [`${unproven.length} not healthy yet`]),
    ...(unready.length === 0 ? [] : [`${unready.length} not ready yet`]),
  ];
  const told = [`${running} of ${instancesText(wanted)} running`, ...waited, ...others].join(", ");
  const answered = unready.find(({ reason }) => reason === "not-ready");
  // Checks that had one of the same version killed tell why the next one is not healthy either.
  const isTelling = running < wanted || unproven.some(({ version }) => version === lastFailure?.version);
  const obstacle =
    deployment?.message ??
    (answered === undefined ? null : `${answered.id} on ${answered.agent}: ${answered.message}`) ??
    (lastFailure === null || !isTelling ? "" : `last failure: ${lastFailure.message} on ${lastFailure.agent}`);
  return `${what}: ${told}${obstacle === "" ? "" : `; ${obstacle}`}`;
}

function stoppedSentence(name: string, document: AppDocument, instances: readonly InstanceView[]): string {
  if (document.goal === "run") return `${name} is stopped: 0 instances are asked for`;
  const left = instances.length === 0 ? "its last instance has ended" : `${instancesText(instances.length)} left`;
  return `${name} is being deleted: ${left}`;
}

function illnessText({ healthy, ready }: InstanceView, isUnproven: boolean): string {
  if (healthy === false) return " and fails its health checks";
  if (isUnproven) return " and is not healthy yet";
  return ready === false ? " and is not ready yet" : "";
}

/** `isUnproven`: it runs, and its health checks have said nothing yet. */
export function instanceSentence(instance: InstanceView, isUnproven: boolean, why: Why, now: number): string {
  const { id, state, agent, sinceMs, message, reason } = instance;
  const since = sinceMs === null ? "" : ` since ${spanText(now - sinceMs)}`;
  const detail = message === "" ? "" : `: ${message}`;
  switch (state) {
    case "waiting":
      return `${id} is not placed yet: ${why.summary}`;
    case "placed":
      return `${id} was placed on ${agent}, which has not answered yet${since}`;
    case "overdue":
      if (reason === "not-running") return `${id} is replaced${since}, ${agent} is told to end it${detail}`;
      return `${id} is overdue${since}: ${agent} was told to run it and does not say that it does${detail}`;
    case "unreachable":
      return `${id} is unreachable${since}: its agent ${agent} is silent${detail}`;
    case "finished":
    case "failed":
    case "killed":
    case "error":
      return `${id} ${state === "error" ? "could not be run" : state} on ${agent}${sinceMs === null ? "" : ` ${spanText(now - sinceMs)} ago`}${detail}`;
    case "running":
      return `${id} is running on ${agent}${since}${illnessText(instance, isUnproven)}${detail}`;
    case "staging":
    case "starting":
    case "killing":
      return `${id} is ${state} on ${agent}${since}${detail}`;
    default:
      return unreachable(state);
  }
}
