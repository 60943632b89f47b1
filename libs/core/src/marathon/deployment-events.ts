/**
 * Deployments as Marathon tells them. One of several steps tells each of them (`muster.deployment.step`); an only step begins and ends
 * with its deployment. What an event does not say is taken from the deployment's document.
 */
import {
  type CloudEvent,
  DeploymentActionSchema,
  type DeploymentDocument,
  renderApp,
  type Stand,
  type StateView,
} from "@muster/contracts";
import { specAt } from "../apps/current.ts";
import { isoTime } from "../apps/time.ts";
import { marathonAction } from "../deployment/marathon-action.ts";
import { stepsOf } from "../deployment/steps.ts";
import type { MarathonJson } from "../reports/tasks.ts";
import { deploymentOf } from "./documents.ts";
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

/** The first step begins with the deployment, and was told with it; of stages Marathon knows nothing. */
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
      return number === 1 || (numberIn(data, "stage") ?? 1) > 1
        ? []
        : [{ eventType: "deployment_info", plan, currentStep }];
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
  // The removal of an app ends its deployment, and tells no step.
  const isRemoval = isDone && textIn(data, "action") === "delete";
  return deployment.tellsSteps && !isRemoval ? [end] : [step, end];
};

/** The group that was changed; of an app the one that holds it, and of several the deepest one that holds all of them. */
function changedGroups({ apps, version, document }: Deployment): Told[] {
  return [{ eventType: "group_change_success", groupId: document?.group ?? parentOf(apps), version }];
}

function planOf(state: StateView, deployment: Deployment, form: PlanForm): MarathonJson {
  const { id, steps, version } = deployment;
  const plan = { id, steps, version };
  if (form === "light") return plan;
  return {
    ...plan,
    original: groupOf(appsAt(state, deployment, "from"), version),
    target: groupOf(appsAt(state, deployment, "to"), version),
  };
}

/** The apps of the deployment as far as their versions are still there; a whole cluster's would be too much to tell each time. */
function appsAt(state: StateView, { document }: Deployment, when: "from" | "to"): MarathonJson[] {
  const actions = document === null ? [] : stepsOf(document).flatMap((step) => step.actions);
  // Where several actions change an app, it stood before the first as it did, and stands after the last as it shall.
  const stands = new Map<string, Stand | null>();
  for (const action of actions) if (when === "to" || !stands.has(action.app)) stands.set(action.app, action[when]);
  return [...stands].flatMap(([app, stand]) => {
    const spec = stand === null ? null : specAt(state, app, stand.version);
    if (stand === null || spec === null) return [];
    return [renderApp({ ...spec, instances: stand.instances }, { version: stand.version })];
  });
}

/** null: the event does not even name a deployment. */
function read(event: CloudEvent, state: StateView): Deployment | null {
  const data = fieldsOf(event.data);
  const id = textIn(data, "id") ?? textIn(data, "deployment") ?? (event.subject === "" ? null : event.subject);
  if (id === null) return null;
  const document = deploymentOf(state, id);
  const told = readSteps(data.steps);
  const steps = told.length > 0 ? told : document === null ? singleStep(data) : stepsStored(document);
  const version = numberIn(data, "version") ?? document?.version ?? null;
  const acted = steps.flatMap(({ actions }) => actions.map(({ app }) => app));
  const [named, app] = [textsIn(data, "apps"), textIn(data, "app")];
  return {
    id,
    apps: [...new Set(named.length > 0 ? named : acted.length > 0 ? acted : app === null ? [] : [app])],
    version: version === null ? event.time : isoTime(version),
    steps,
    // Of what is gone only its apps are known: a change of one app has one step.
    tellsSteps: (document?.steps.length ?? named.length) > 1,
    document,
  };
}

const stepsStored = (document: DeploymentDocument): Step[] =>
  stepsOf(document).map(({ actions }) => ({
    actions: actions.map(({ action, app }) => ({ action: marathonAction(action), app })),
  }));

/** As the event of a deployment without steps names its only action. */
function singleStep(data: Fields): Step[] {
  const app = textIn(data, "app");
  const action = DeploymentActionSchema.shape.action.safeParse(data.action);
  return app === null || !action.success ? [] : [{ actions: [{ action: marathonAction(action.data), app }] }];
}

/** Steps whose actions name what is done and to what; none for anything else, such as their number. */
function readSteps(value: unknown): Step[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((step) => {
    const { actions } = fieldsOf(step);
    if (!Array.isArray(actions)) return [];
    const read = actions.map(fieldsOf).flatMap((fields) => {
      const [action, app] = [textIn(fields, "action"), textIn(fields, "app")];
      return action === null || app === null ? [] : [{ action, app }];
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
