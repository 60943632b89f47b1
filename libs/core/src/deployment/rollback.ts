/** The way back: a deployment of its own that undoes what another one has done so far, its last step first. */
import {
  type AppDocument,
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
};

/** Null: it has done nothing that could be undone. Apps that it created stay, with no instance. */
export function rollbackOf(
  state: StateView,
  undone: DeploymentDocument,
  { id, by, trace, now }: BackOptions,
): Back | null {
  const done = stepsOf(undone).slice(0, undone.step + 1);
  const draft = new Draft(state);
  const steps = done
    .toReversed()
    .map(({ actions }) => ({ actions: actions.flatMap((action) => inverse(draft, undone, action)) }))
    .filter(({ actions }) => actions.length > 0);
  if (steps.length === 0) return null;
  const groups = restoreGroups(draft, undone.groups);
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
  const all = steps.flatMap(({ actions }) => actions);
  const apps = all.map((action): Write => {
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
    apps: all.map(({ app }) => app),
  };
}

/** Old dependencies come back with old versions. They counted all along; whoever adds others now must see that they still do. */
function graphSetAnew(state: StateView): Write[] {
  const graph = state.kind("graph").get("");
  return graph === undefined
    ? []
    : [{ key: keys.graph, value: { changes: graph.value.changes + 1 }, expect: graph.revision }];
}

function inverse(draft: Draft, undone: DeploymentDocument, { app, from, to }: DeploymentAction): DeploymentAction[] {
  const current = draft.kind("app").get(appToken(app))?.value;
  // What another deployment has taken over is its business.
  if (current !== undefined && current.deployment !== undone.id) return [];
  const stand: Stand | null = current === undefined ? null : { version: current.version, instances: current.instances };
  const back: Stand | null = from ?? (to === null ? null : { version: to.version, instances: 0 });
  if (back === null) return [];
  const spec = draft.kind("version").get(`${appToken(app)}.${back.version}`)?.value.spec;
  if (spec === undefined) return [];
  const isComingAgain = current === undefined || current.goal === "deleted";
  if (isComingAgain && from !== null && !reclaim(draft, spec)) return [];
  const action =
    stand === null ? "start" : stand.version === back.version && current?.mix === null ? "scale" : "upgrade";
  return [{ app, action, from: stand, to: back, isStaged: false }];
}
