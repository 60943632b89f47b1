import assert from "node:assert/strict";
import { test } from "node:test";
import {
  affectedApps,
  DEPLOYMENT_BEGINNING,
  type DeploymentAction,
  type DeploymentDocument,
  ROLLOUT_DEFAULTS,
  readApp,
  renderApp,
} from "@muster/contracts";
import { courseOf, factsOf, NO_FACTS, type SpecFacts, targetsOf } from "./course.ts";

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
  assert.deepEqual(affectedApps(document), ["/web", "/api", "/old"]);
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
