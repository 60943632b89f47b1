/** Where a deployment leads and how far it is, in numbers that people can be told. Its document says the indexes, its specs the rest. */
import {
  type AppId,
  type AppSpec,
  type DeploymentAction,
  type DeploymentDocument,
  ROLLOUT_DEFAULTS,
  type RolloutSpec,
  readApp,
  type Stand,
} from "@muster/contracts";

/** Where an app stands when its deployment has succeeded. An app that is to be gone has none. */
export type Target = {
  readonly app: AppId;
  readonly version: number;
  readonly instances: number;
  /** An instance is ready when its checks have passed; without any, when it runs. */
  readonly hasChecks: boolean;
};

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

/** What must be known of the spec that an action brings about. */
export type SpecFacts = { readonly hasChecks: boolean; readonly rollout: RolloutSpec };

export const NO_FACTS: SpecFacts = { hasChecks: false, rollout: ROLLOUT_DEFAULTS };

/** Of a version as the API answers it. One that this client cannot read has the defaults. */
export function factsOf(version: unknown): SpecFacts {
  try {
    const { spec } = readApp(withoutVersion(version));
    return { hasChecks: spec.healthChecks.length > 0, rollout: spec.rollout };
  } catch {
    return NO_FACTS;
  }
}

/** What is answered of a version beside its spec. */
function withoutVersion(given: unknown): unknown {
  if (typeof given !== "object" || given === null) return given;
  const { version: _, versionInfo: __, ...spec } = given as Record<string, unknown>;
  return spec;
}

/** Steps as stored; a document from before there were any stands for one action of one app. */
export function stepsOf(deployment: DeploymentDocument): readonly { readonly actions: readonly DeploymentAction[] }[] {
  if (deployment.steps.length > 0) return deployment.steps;
  const { app, action, fromVersion, version, instances } = deployment;
  if (action === "group" || action === "rollback") return [];
  const from: Stand | null = fromVersion === null ? null : { version: fromVersion, instances };
  const to: Stand | null = action === "delete" ? null : { version, instances };
  return [{ actions: [{ app, action, from, to, isStaged: false }] }];
}

/** Every app that it changes, in the order of its steps. */
export const appsOf = (deployment: DeploymentDocument): AppId[] => [
  ...new Set(stepsOf(deployment).flatMap(({ actions }) => actions.map(({ app }) => app))),
];

export function targetsOf(
  deployment: DeploymentDocument,
  facts: (app: AppId, version: number) => SpecFacts | undefined,
): Target[] {
  const targets = new Map<AppId, Target>();
  for (const { app, to } of stepsOf(deployment).flatMap(({ actions }) => actions)) {
    targets.delete(app);
    if (to !== null) targets.set(app, { app, ...to, hasChecks: facts(app, to.version)?.hasChecks ?? false });
  }
  return [...targets.values()];
}

export function courseOf(
  deployment: DeploymentDocument,
  facts: (app: AppId, version: number) => SpecFacts | undefined,
): Course {
  const steps = stepsOf(deployment);
  const actions = steps[deployment.step]?.actions ?? [];
  const rollouts = actions.map(({ app, to }) =>
    to === null ? ROLLOUT_DEFAULTS : (facts(app, to.version) ?? NO_FACTS).rollout,
  );
  const stages = actions.map((action, i) => stagesOf(action, { rollout: rollouts[i] ?? ROLLOUT_DEFAULTS }));
  const present = stages.map((each) => each[Math.min(deployment.stage, each.length - 1)] as Stage);
  const { strategy, timeoutSeconds, rollbackOnFailure } = rollouts[0] ?? ROLLOUT_DEFAULTS;
  return {
    strategy,
    timeoutSeconds,
    rollbackOnFailure,
    step: Math.min(deployment.step + 1, Math.max(1, steps.length)),
    steps: Math.max(1, steps.length),
    stage: deployment.stage + 1,
    stages: Math.max(1, ...stages.map((each) => each.length)),
    fresh: sum(present.map(({ fresh }) => fresh)),
    kept: sum(present.map(({ kept }) => kept)),
    watchMs: Math.max(0, ...present.map(({ watchMs }) => watchMs)),
    waits: present.some(({ waits }) => waits),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

type Stage = {
  readonly fresh: number;
  readonly kept: number;
  readonly watchMs: number;
  readonly waits: boolean;
};

/** The deployer decides by its own stages; a test holds these against them. */
export function stagesOf({ from, to, isStaged }: DeploymentAction, { rollout }: Pick<AppSpec, "rollout">): Stage[] {
  if (to === null) return [{ fresh: 0, kept: 0, watchMs: 0, waits: false }];
  const whole: Stage = { fresh: to.instances, kept: 0, watchMs: rollout.watchSeconds * 1_000, waits: false };
  if (!isStaged || from === null || from.instances === 0 || from.version === to.version || to.instances === 0)
    return [{ ...whole, watchMs: 0 }];
  const partial = (fresh: number, kept = beside(fresh, from, to)): Stage => ({
    fresh,
    kept,
    watchMs: whole.watchMs,
    waits: rollout.waitsForPromotion,
  });
  switch (rollout.strategy) {
    case "batches":
      return [...sizesBefore(to.instances, rollout.batches).map((fresh) => partial(fresh)), whole];
    case "canary":
      return rollout.canary >= to.instances ? [whole] : [partial(rollout.canary), whole];
    case "blueGreen":
      return [partial(to.instances, from.instances), { ...whole, watchMs: 0 }];
    default:
      return [whole];
  }
}

/** Old instances beside `fresh` new ones: together as many as before, or as there are to be. */
const beside = (fresh: number, from: Stand, to: Stand): number =>
  Math.max(0, Math.min(from.instances, Math.max(from.instances, to.instances) - fresh));

/** How many stand after each batch but the last. */
function sizesBefore(instances: number, batches: readonly number[]): number[] {
  const sizes: number[] = [];
  let fresh = batches[0] ?? 1;
  while (fresh < instances) {
    sizes.push(fresh);
    fresh += batches[Math.min(sizes.length, batches.length - 1)] ?? 1;
  }
  return sizes;
}
