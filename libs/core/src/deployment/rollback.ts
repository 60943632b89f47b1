/** The way back: a deployment of its own that undoes what another one has done so far, its last step first. */
import {
  type AppDocument,
  type AppId,
  type Assertion,
  appToken,
  type DeploymentAction,
  type DeploymentDocument,
  type EventDraft,
  keys,
  type Requester,
  type Stand,
  type StateView,
  type Write,
} from "@muster/contracts";
import { Draft } from "../groups/draft.ts";
import { entered, newDeployment, startedEvent, stepEvent, unborn } from "./begin.ts";
import { reclaim, restoreGroups } from "./reclaim.ts";
import { specOfAction } from "./stages.ts";
import { stepsOf } from "./steps.ts";

export type Back = {
  readonly deployment: DeploymentDocument;
  /** All of it but the end of what it undoes. */
  readonly writes: readonly Write[];
  readonly asserts: readonly Assertion[];
  readonly events: readonly EventDraft[];
  /** Apps it writes itself. */
  readonly apps: readonly string[];
};

export type BackOptions = {
  readonly id: string;
  readonly by: Requester;
  readonly trace: string | null;
  readonly now: number;
  /** Apps that it created go, and groups with them; else they stay with no instance, and with them the spec and what is known of its failure. */
  readonly removesCreated: boolean;
};

/** Null: it has done nothing that could be undone. */
export function rollbackOf(
  state: StateView,
  undone: DeploymentDocument,
  { id, by, trace, now, removesCreated }: BackOptions,
): Back | null {
  const all = stepsOf(undone);
  const draft = new Draft(state);
  const inverseOf = (action: DeploymentAction) => inverse(draft, undone, action, removesCreated);
  // What a later step was to create stands with no instance: nobody depends on it, and it goes at once.
  const unbegun = all.slice(undone.step + 1).flatMap(({ actions }) => actions.filter(isCreation));
  const done = all.slice(0, undone.step + 1).map(({ actions }) => actions);
  const steps = [...done, ...(removesCreated ? [unbegun] : [])]
    .toReversed()
    .map((actions) => ({ actions: actions.flatMap(inverseOf) }))
    .filter(({ actions }) => actions.length > 0);
  if (steps.length === 0) return null;
  const groups = restoreGroups(draft, undone.groups, removedBy(steps));
  const deployment = newDeployment({
    id,
    action: "rollback",
    group: undone.group,
    groups,
    rollsBack: undone.id,
    steps,
    startedAtMs: now,
    by,
    trace,
  });
  const first = new Set(steps[0]?.actions.map(({ app }) => app));
  const inverted = steps.flatMap(({ actions }) => actions);
  const apps = inverted.map((action): Write => {
    const { app } = action;
    const entry = state.kind("app").get(appToken(app));
    const document: AppDocument = {
      ...(entry?.value ?? unborn(app, action.to?.version ?? now, now)),
      deployment: id,
      trace,
    };
    const value = first.has(app) ? entered(document, action, specOfAction(state, action), now) : document;
    return { key: keys.app(app), value, expect: entry?.revision ?? state.revision(keys.app(app)) };
  });
  return {
    deployment,
    writes: [
      ...apps,
      ...draft.writes,
      { key: keys.deployment(id), value: deployment, expect: state.revision(keys.deployment(id)) },
      ...graphSetAnew(state),
    ],
    asserts: draft.asserts,
    events: [startedEvent(deployment), stepEvent(state, deployment, "started", null)],
    apps: inverted.map(({ app }) => app),
  };
}

/** Old dependencies come back with old versions. They counted all along; whoever adds others now must see that they still do. */
function graphSetAnew(state: StateView): Write[] {
  const graph = state.kind("graph").get("");
  return graph === undefined
    ? []
    : [{ key: keys.graph, value: { changes: graph.value.changes + 1 }, expect: graph.revision }];
}

const isCreation = ({ from, to }: DeploymentAction): boolean => from === null && to !== null;

const removedBy = (steps: DeploymentDocument["steps"]): ReadonlySet<AppId> =>
  new Set(steps.flatMap(({ actions }) => actions.flatMap(({ app, to }) => (to === null ? [app] : []))));

function inverse(
  draft: Draft,
  undone: DeploymentDocument,
  action: DeploymentAction,
  removesCreated: boolean,
): DeploymentAction[] {
  const { app, from, to } = action;
  const current = draft.kind("app").get(appToken(app))?.value;
  // What another deployment has taken over is its business.
  if (current !== undefined && current.deployment !== undone.id) return [];
  const stand: Stand | null = current === undefined ? null : { version: current.version, instances: current.instances };
  if (removesCreated && isCreation(action))
    return stand === null ? [] : [{ app, action: "delete", from: stand, to: null, isStaged: false }];
  const back: Stand | null = from ?? (to === null ? null : { version: to.version, instances: 0 });
  if (back === null) return [];
  const spec = draft.kind("version").get(`${appToken(app)}.${back.version}`)?.value.spec;
  if (spec === undefined) return [];
  const isComingAgain = current === undefined || current.goal === "deleted";
  if (isComingAgain && from !== null && !reclaim(draft, spec)) return [];
  const how = stand === null ? "start" : stand.version === back.version && current?.mix === null ? "scale" : "upgrade";
  return [{ app, action: how, from: stand, to: back, isStaged: false }];
}
