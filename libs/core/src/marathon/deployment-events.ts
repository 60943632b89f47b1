/**
 * Deployments as Marathon tells them. One of several steps tells each of them (`muster.deployment.step`); one that tells none has
 * a single step, which begins and ends with it. What an event does not say is taken from the deployment's document.
 */
import { type CloudEvent, type DeploymentDocument, renderApp, type StateView } from "@muster/contracts";
import type { MarathonJson } from "../apps/app-info.ts";
import { isoTime } from "../apps/time.ts";
import { deploymentOf, specIn } from "./documents.ts";
import type { PlanForm, Told, Translate } from "./event.ts";
import { groupOf, parentOf } from "./group.ts";

type Step = { readonly actions: readonly { readonly action: string; readonly app: string }[] };

/** A deployment, put together from what the event and the document say. */
type Deployment = {
  readonly id: string;
  readonly apps: readonly string[];
  readonly version: string;
  /** None where nothing says what is done. */
  readonly steps: readonly Step[];
  /** Its steps are told one by one. */
  readonly tellsSteps: boolean;
  readonly document: DeploymentDocument | null;
};

export const deploymentStarted: Translate = (event, { state, form }) => {
  const deployment = read(event, state);
  if (deployment === null) return [];
  return [
    ...changedGroups(deployment),
    {
      eventType: "deployment_info",
      plan: planOf(state, deployment, form),
      currentStep: { actions: deployment.steps[0]?.actions ?? [] },
    },
  ];
};

/** The first step begins with the deployment, and was told with it. */
export const deploymentStep: Translate = (event, { state, form }) => {
  const deployment = read(event, state);
  if (deployment === null) return [];
  const data = fieldsOf(event.data);
  const number = numberIn(data, "step") ?? 1;
  const own = readSteps([{ actions: data.actions }]);
  const currentStep = { actions: own[0]?.actions ?? deployment.steps[number - 1]?.actions ?? [] };
  const plan = planOf(state, deployment.steps.length === 0 ? { ...deployment, steps: own } : deployment, form);
  switch (data.outcome) {
    case "started":
      return number === 1 ? [] : [{ eventType: "deployment_info", plan, currentStep }];
    case "succeeded":
      return [{ eventType: "deployment_step_success", plan, currentStep }];
    case "failed":
      return [{ eventType: "deployment_step_failure", plan, currentStep }];
    default:
      return [];
  }
};

export const deploymentEnded: Translate = (event, { state, form }) => {
  const deployment = read(event, state);
  if (deployment === null) return [];
  const data = fieldsOf(event.data);
  const isDone = data.state === "succeeded";
  const plan = planOf(state, deployment, form);
  const step: Told = {
    eventType: isDone ? "deployment_step_success" : "deployment_step_failure",
    plan,
    currentStep: { actions: deployment.steps.at(-1)?.actions ?? [] },
  };
  const end: Told = isDone
    ? { eventType: "deployment_success", id: deployment.id, plan }
    : {
        eventType: "deployment_failed",
        id: deployment.id,
        plan,
        reason: textIn(data, "message") ?? String(data.state),
      };
  return deployment.tellsSteps ? [end] : [step, end];
};

/** Marathon names the group that holds the changed app, or the deepest one that holds all of them. */
function changedGroups({ apps, version }: Deployment): Told[] {
  return [{ eventType: "group_change_success", groupId: parentOf(apps), version }];
}

function planOf(state: StateView, deployment: Deployment, form: PlanForm): MarathonJson {
  const { id, steps, version } = deployment;
  const plan = { id, steps, version };
  if (form === "light") return plan;
  return {
    ...plan,
    original: groupOf(appsAt(state, deployment, "before"), version),
    target: groupOf(appsAt(state, deployment, "after"), version),
  };
}

/** The apps of the deployment as far as their versions are still there; a whole cluster's would be too much to tell each time. */
function appsAt(state: StateView, { apps, document }: Deployment, when: "before" | "after"): MarathonJson[] {
  return apps.flatMap((app) => {
    const version = document === null || document.app !== app ? null : versionAt(document, when);
    const spec = version === null ? null : specIn(state, app, version);
    if (version === null || spec === null) return [];
    const instances = when === "after" && document !== null ? document.instances : spec.instances;
    return [renderApp({ ...spec, instances }, { version })];
  });
}

const versionAt = ({ fromVersion, version, action }: DeploymentDocument, when: "before" | "after"): number | null =>
  when === "before" ? fromVersion : action === "delete" ? null : version;

/** null: the event does not even name a deployment. */
function read(event: CloudEvent, state: StateView): Deployment | null {
  const data = fieldsOf(event.data);
  const id = textIn(data, "id") ?? textIn(data, "deployment") ?? (event.subject === "" ? null : event.subject);
  if (id === null) return null;
  const document = deploymentOf(state, id);
  const stored = fieldsOf(document);
  const told = [readSteps(data.steps), readSteps(stored.steps)].find((steps) => steps.length > 0) ?? null;
  const app = textIn(data, "app") ?? document?.app ?? null;
  const named = [textsIn(data, "apps"), textsIn(stored, "apps")].find((apps) => apps.length > 0);
  const acted = (told ?? []).flatMap(({ actions }) => actions.map((action) => action.app));
  const apps = [...new Set(named ?? (acted.length > 0 ? acted : app === null ? [] : [app]))];
  const version = numberIn(data, "version") ?? document?.version ?? null;
  const action = textIn(data, "action") ?? document?.action ?? null;
  const single = app === null || action === null ? [] : [{ actions: [{ action: marathonAction(action), app }] }];
  return {
    id,
    apps,
    version: version === null ? event.time : isoTime(version),
    steps: told ?? single,
    tellsSteps: told !== null || textsIn(data, "apps").length > 0 || event.type === "muster.deployment.step",
    document,
  };
}

const MARATHON_ACTIONS: Readonly<Record<string, string>> = {
  start: "StartApplication",
  scale: "ScaleApplication",
  upgrade: "RestartApplication",
  restart: "RestartApplication",
  delete: "StopApplication",
};
const marathonAction = (action: string): string => MARATHON_ACTIONS[action] ?? action;

/** Steps whose actions name what is done and to what; none for anything else, such as their number. */
function readSteps(value: unknown): Step[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((step) => {
    const { actions } = fieldsOf(step);
    if (!Array.isArray(actions)) return [];
    const read = actions.map(fieldsOf).flatMap((fields) => {
      const [action, app] = [textIn(fields, "action"), textIn(fields, "app")];
      return action === null || app === null ? [] : [{ action: marathonAction(action), app }];
    });
    return [{ actions: read }];
  });
}

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields => (typeof value === "object" && value !== null ? (value as Fields) : {});
const textIn = (fields: Fields, name: string): string | null =>
  typeof fields[name] === "string" ? (fields[name] as string) : null;
const numberIn = (fields: Fields, name: string): number | null =>
  Number.isSafeInteger(fields[name]) ? (fields[name] as number) : null;
const textsIn = (fields: Fields, name: string): string[] => {
  const value = fields[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
};
