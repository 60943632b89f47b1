/** Where a deployment leads and how far it is: its stages, by which the deployer decides and clients tell, and what clients know of it. */
import type { InstanceView, Why } from "./api.ts";
import type { DeploymentAction, DeploymentDocument, Stand } from "./documents/app.ts";
import type { AppId } from "./ids.ts";
import type { AppSpec } from "./spec/app.ts";
import type { RolloutSpec } from "./spec/rollout.ts";

export type DeploymentStep = DeploymentDocument["steps"][number];

/** The steps as stored; of a document from before there were any, the one action it stood for. */
export function stepsOf(deployment: DeploymentDocument): readonly DeploymentStep[] {
  if (deployment.steps.length > 0) return deployment.steps;
  const { app, action, fromVersion, version, instances } = deployment;
  if (action === "group" || action === "rollback") return [];
  const from: Stand | null = fromVersion === null ? null : { version: fromVersion, instances };
  return [
    { actions: [{ app, action, from, to: action === "delete" ? null : { version, instances }, isStaged: false }] },
  ];
}

/** Every app that it changes, in the order of its steps. */
export const affectedApps = (deployment: DeploymentDocument): readonly AppId[] => [
  ...new Set(stepsOf(deployment).flatMap(({ actions }) => actions.map(({ app }) => app))),
];

/**
 * A stage of an action: how many instances of the new version are to stand, and how many of the old one beside them. The last stage is
 * always all of the new and none of the old.
 */
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

/** Where an app stands when its deployment has succeeded. An app that is to be gone has none. */
export type Target = {
  readonly app: AppId;
  readonly version: number;
  readonly instances: number;
  /** An instance is ready when its checks have passed; without any, when it runs. */
  readonly hasChecks: boolean;
};

/** Whether an instance is all that the version asks for: it is of that version, or was left standing because it is made of the same. */
export const isOfVersion = (instance: Pick<InstanceView, "version" | "goodFor">, version: number): boolean =>
  instance.version === version || instance.goodFor === version;

/** The way a deployment takes, and where on it it is. */
export type Course = Pick<RolloutSpec, "strategy" | "timeoutSeconds" | "rollbackOnFailure"> & {
  /** Counted from 1, as `stage` is. */
  readonly step: number;
  readonly steps: number;
  readonly stage: number;
  readonly stages: number;
  /** Instances of the new version that the stage asks for, and older ones that stay beside them. */
  readonly fresh: number;
  readonly kept: number;
  /** How long all of the stage must stand before the next one begins. */
  readonly watchMs: number;
  /** The stage is left only when a person says so. */
  readonly waits: boolean;
};

/** What is known of a deployment at one moment. */
export type DeploymentProgress = {
  /** The one it was begun for, or the first of many. */
  readonly app: AppId;
  readonly deployment: DeploymentDocument | null;
  /** Where its apps are to stand in the end. */
  readonly targets: readonly Target[];
  /** How far it is, or null while that is not known. */
  readonly course: Course | null;
  /** Living instances of its apps, and those that ended since it began. */
  readonly instances: readonly InstanceView[];
  /** Why instances wait or are held back, or null while none is. */
  readonly why: Why | null;
};
