/** What the stages of an action mean for its app: the mix of versions in each of them. */
import type { AppDocument, AppSpec, DeploymentAction, Mix, Stage, StateView } from "@muster/contracts";
import { appToken, ROLLOUT_DEFAULTS, stagesOf } from "@muster/contracts";

export { type Stage, stagesOf } from "@muster/contracts";

/** The spec an action brings about, or one without stages where its document cannot be read. */
export function specOfAction(state: StateView, { app, to }: DeploymentAction): Pick<AppSpec, "rollout"> {
  const version = to === null ? undefined : state.kind("version").get(`${appToken(app)}.${to.version}`);
  return version?.value.spec ?? { rollout: ROLLOUT_DEFAULTS };
}

/** Stages of the action that takes most of them. */
export const stageCount = (state: StateView, actions: readonly DeploymentAction[]): number =>
  Math.max(1, ...actions.map((action) => stagesOf(action, specOfAction(state, action)).length));

/** What holds a step's actions in a stage, all of which stands: the longest watch, and anyone's wait for a person. */
type StageHold = Pick<Stage, "watchMs" | "waits"> & { readonly isLast: boolean; readonly count: number };

export function holdAt(state: StateView, actions: readonly DeploymentAction[], index: number): StageHold {
  const stages = actions.map((action) => stagesOf(action, specOfAction(state, action)));
  const count = stageCount(state, actions);
  const present = stages.map((each) => each[Math.min(index, each.length - 1)] as Stage);
  return {
    watchMs: Math.max(0, ...present.map(({ watchMs }) => watchMs)),
    waits: present.some(({ waits }) => waits),
    isLast: index + 1 >= count,
    count,
  };
}

/** The app's mix in a stage; null where all are of the new version. */
export function mixAt(action: DeploymentAction, stages: readonly Stage[], index: number): Mix | null {
  const stage = stages[Math.min(index, stages.length - 1)];
  if (stage === undefined || action.from === null || stage === stages.at(-1)) return null;
  return { version: action.from.version, fresh: stage.fresh, kept: stage.kept };
}

/**
 * The mix that keeps what stands: nothing more of the new version, nothing less of the older one that most are of. `isWhole`: what has
 * failed and waits for its next attempt stands as well, up to the instances asked for.
 */
export function standstill(
  state: StateView,
  { id, version, instances }: AppDocument,
  { isWhole = false } = {},
): Mix | null {
  const rows =
    state
      .kind("wanted")
      .get(appToken(id))
      ?.value.rows.filter(({ goal }) => goal === "run") ?? [];
  const counts = new Map<number, number>();
  for (const row of rows) counts.set(row.version, (counts.get(row.version) ?? 0) + 1);
  const fresh = counts.get(version) ?? 0;
  counts.delete(version);
  const [older] = [...counts].sort((a, b) => b[1] - a[1]);
  if (older === undefined) return null;
  const [kept, missing] = [older[1], instances - older[1]];
  return { version: older[0], fresh: isWhole ? Math.max(fresh, missing) : fresh, kept };
}
