/**
 * The stages of an action: how many instances of the new version are to stand, and how many of the old one beside them. The last
 * stage is always all of the new and none of the old.
 */
import type { AppDocument, AppSpec, DeploymentAction, Mix, Stand, StateView } from "@muster/contracts";
import { appToken, ROLLOUT_DEFAULTS } from "@muster/contracts";

export type Stage = {
  readonly fresh: number;
  readonly kept: number;
  /** How long all of it must stand before the next stage begins. */
  readonly watchMs: number;
  /** It waits for a person's word as well. */
  readonly waits: boolean;
};

export function stagesOf(action: DeploymentAction, { rollout }: Pick<AppSpec, "rollout">): readonly Stage[] {
  const { from, to } = action;
  if (to === null) return [{ fresh: 0, kept: 0, watchMs: 0, waits: false }];
  const watchMs = rollout.watchSeconds * 1_000;
  const whole: Stage = { fresh: to.instances, kept: 0, watchMs, waits: false };
  const isUpgrade =
    action.isStaged && from !== null && from.instances > 0 && from.version !== to.version && to.instances > 0;
  if (!isUpgrade) return [{ ...whole, watchMs: 0 }];
  const partial = (stage: Pick<Stage, "fresh" | "kept">): Stage => ({
    ...stage,
    watchMs,
    waits: rollout.waitsForPromotion,
  });
  switch (rollout.strategy) {
    case "batches":
      return [...batchesOf(rollout.batches, from, to).map(partial), whole];
    case "canary": {
      const fresh = Math.min(rollout.canary, to.instances);
      return fresh === to.instances ? [whole] : [partial({ fresh, kept: keptBeside(fresh, from, to) }), whole];
    }
    case "blueGreen":
      return [partial({ fresh: to.instances, kept: from.instances }), { ...whole, watchMs: 0 }];
    default:
      return [whole];
  }
}

/** Old instances beside `fresh` new ones: together as many as before, or as there are to be. */
const keptBeside = (fresh: number, from: Stand, to: Stand): number =>
  Math.max(0, Math.min(from.instances, Math.max(from.instances, to.instances) - fresh));

/** All but the last batch, which is the whole. */
function* sizes(batches: readonly number[]): Generator<number, never> {
  for (let i = 0; ; i += 1) yield batches[Math.min(i, batches.length - 1)] as number;
}

function batchesOf(batches: readonly number[], from: Stand, to: Stand): Pick<Stage, "fresh" | "kept">[] {
  const stages: Pick<Stage, "fresh" | "kept">[] = [];
  let fresh = 0;
  for (const size of sizes(batches)) {
    fresh += size;
    if (fresh >= to.instances) return stages;
    stages.push({ fresh, kept: keptBeside(fresh, from, to) });
  }
  return stages;
}

/** The spec an action brings about, or one without stages where its document cannot be read. */
export function specOfAction(state: StateView, { app, to }: DeploymentAction): Pick<AppSpec, "rollout"> {
  const version = to === null ? undefined : state.kind("version").get(`${appToken(app)}.${to.version}`);
  return version?.value.spec ?? { rollout: ROLLOUT_DEFAULTS };
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
