/** The way back: a deployment of its own that undoes what another one has done so far, its last step first. */
import {
  type AppDocument,
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
import { entered, newDeployment, startedEvent, stepEvent } from "./begin.ts";
import { specOfAction } from "./stages.ts";
import { stepsOf } from "./steps.ts";

export type Back = {
  readonly deployment: DeploymentDocument;
  /** All of it but the end of what it undoes. */
  readonly writes: readonly Write[];
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
  const steps = done
    .toReversed()
    .map(({ actions }) => ({ actions: actions.flatMap((action) => inverse(state, undone, action)) }))
    .filter(({ actions }) => actions.length > 0);
  if (steps.length === 0) return null;
  const deployment = newDeployment({
    id,
    action: "rollback",
    group: undone.group,
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
      ...(entry?.value ?? anew(action, now)),
      deployment: id,
      trace,
    };
    const value = first.has(app) ? entered(document, action, specOfAction(state, action), now) : document;
    return { key: keys.app(app), value, expect: entry?.revision ?? state.revision(keys.app(app)) };
  });
  return {
    deployment,
    writes: [...apps, { key: keys.deployment(id), value: deployment, expect: state.revision(keys.deployment(id)) }],
    events: [startedEvent(deployment), stepEvent(state, deployment, "started", null)],
    apps: all.map(({ app }) => app),
  };
}

function inverse(
  state: StateView,
  undone: DeploymentDocument,
  { app, from, to }: DeploymentAction,
): DeploymentAction[] {
  const current = state.kind("app").get(appToken(app))?.value;
  // What another deployment has taken over is its business.
  if (current !== undefined && current.deployment !== undone.id) return [];
  const stand: Stand | null = current === undefined ? null : { version: current.version, instances: current.instances };
  const back: Stand | null = from ?? (to === null ? null : { version: to.version, instances: 0 });
  if (back === null) return [];
  const isOldVersionKept = state.kind("version").has(`${appToken(app)}.${back.version}`);
  if (!isOldVersionKept) return [];
  const action =
    stand === null ? "start" : stand.version === back.version && current?.mix === null ? "scale" : "upgrade";
  return [{ app, action, from: stand, to: back, isStaged: false }];
}

/** An app that was removed, and comes again. */
const anew = ({ app, to }: DeploymentAction, now: number): AppDocument => ({
  id: app,
  version: to?.version ?? 0,
  instances: 0,
  goal: "run",
  deployment: null,
  mix: null,
  createdAtMs: now,
  scaledAtMs: now,
  trace: null,
});
