import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DEPLOYMENT_BEGINNING,
  type DeploymentAction,
  type DeploymentDocument,
  ROLLOUT_DEFAULTS,
  ROLLOUT_STRATEGIES,
  type RolloutSpec,
  readApp,
  renderApp,
} from "@muster/contracts";
import { stagesOf as deployersStages } from "@muster/core/deployment/stages";
import fc from "fast-check";
import { appsOf, courseOf, factsOf, NO_FACTS, type SpecFacts, stagesOf, targetsOf } from "./course.ts";

const stand = fc.record({ version: fc.integer({ min: 1, max: 2 }), instances: fc.integer({ min: 0, max: 12 }) });
const action: fc.Arbitrary<DeploymentAction> = fc.record({
  app: fc.constant("/web"),
  action: fc.constant("upgrade" as const),
  from: fc.option(stand),
  to: fc.option(stand),
  isStaged: fc.boolean(),
});
const rollout: fc.Arbitrary<RolloutSpec> = fc.record({
  strategy: fc.constantFrom(...ROLLOUT_STRATEGIES),
  batches: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
  canary: fc.integer({ min: 1, max: 14 }),
  watchSeconds: fc.nat(60),
  waitsForPromotion: fc.boolean(),
  timeoutSeconds: fc.constant(600),
  maxFailures: fc.constant(2),
  rollbackOnFailure: fc.boolean(),
});

test("the stages that people are told are those that the deployer takes", () => {
  fc.assert(
    fc.property(action, rollout, (one, spec) => {
      assert.deepEqual(stagesOf(one, { rollout: spec }), [...deployersStages(one, { rollout: spec })]);
    }),
    { numRuns: 2_000 },
  );
});

const deployment = (more: Partial<DeploymentDocument>): DeploymentDocument => ({
  id: "d1",
  app: "/web",
  ...DEPLOYMENT_BEGINNING,
  action: "upgrade",
  fromVersion: 1,
  version: 2,
  instances: 10,
  startedAtMs: 0,
  by: { who: "", from: "" },
  trace: null,
  ...more,
});
const canary: SpecFacts = {
  hasChecks: true,
  rollout: { ...ROLLOUT_DEFAULTS, strategy: "canary", canary: 2, watchSeconds: 30, waitsForPromotion: true },
};
const upgrade = (app: string): DeploymentAction => ({
  app,
  action: "upgrade",
  from: { version: 1, instances: 10 },
  to: { version: 2, instances: 10 },
  isStaged: true,
});

test("a course counts from one and adds up the actions of the step", () => {
  const steps = [{ actions: [upgrade("/web"), upgrade("/api")] }, { actions: [{ ...upgrade("/old"), to: null }] }];
  const document = deployment({ steps, action: "group" });
  const course = courseOf(document, () => canary);
  assert.deepEqual(
    [course.step, course.steps, course.stage, course.stages, course.fresh, course.kept, course.watchMs, course.waits],
    [1, 2, 1, 2, 4, 16, 30_000, true],
  );
  assert.deepEqual(appsOf(document), ["/web", "/api", "/old"]);
  assert.deepEqual(
    targetsOf(document, (app) => (app === "/web" ? canary : undefined)),
    [
      { app: "/web", version: 2, instances: 10, hasChecks: true },
      { app: "/api", version: 2, instances: 10, hasChecks: false },
    ],
  );
  assert.deepEqual(courseOf({ ...document, step: 1 }, () => canary).stages, 1);
});

test("a deployment from before there were steps is one step of one stage", () => {
  const { step, steps, stage, stages, fresh } = courseOf(deployment({}), () => canary);
  assert.deepEqual([step, steps, stage, stages, fresh], [1, 1, 1, 1, 10]);
});

test("a version's facts are read from what the API answers of it, whatever else it says", () => {
  const { spec } = readApp({
    id: "/web",
    cmd: "exec sleep 600",
    healthChecks: [{ protocol: "HTTP", path: "/" }],
    rollout: { strategy: "canary", canary: 2, watchSeconds: 30 },
  });
  assert.deepEqual(factsOf(renderApp(spec, { version: 7 })), canary);
  assert.deepEqual(factsOf({ id: 7 }), NO_FACTS);
});
