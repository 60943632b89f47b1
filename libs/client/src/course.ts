/** Where a deployment leads and how far it is, in numbers that people can be told. Its document says the indexes, its specs the rest. */
import {
  type AppId,
  type Course,
  type DeploymentDocument,
  ROLLOUT_DEFAULTS,
  type RolloutSpec,
  readApp,
  type Stage,
  stagesOf,
  stepsOf,
  type Target,
} from "@muster/contracts";

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
