import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DEPLOYMENT_BEGINNING,
  type DeploymentDocument,
  type DeploymentProgress,
  type InstanceView,
} from "@muster/contracts";
import { courseOf, NO_FACTS, targetsOf } from "./course.ts";
import { Settling } from "./settling.ts";

const instance = (attempt: number, more: Partial<InstanceView> = {}): InstanceView => ({
  id: `a.0.${attempt}`,
  app: "/a",
  slot: 0,
  attempt,
  version: 1,
  state: "running",
  goodFor: null,
  healthy: null,
  ready: null,
  agent: "n1",
  host: null,
  ports: [],
  pid: null,
  container: null,
  sinceMs: 0,
  startedAtMs: null,
  exitCode: null,
  reason: "",
  message: "",
  ...more,
});
const progress = (
  instances: InstanceView[],
  more: Partial<DeploymentDocument> = {},
  hasChecks = false,
): DeploymentProgress => {
  const deployment: DeploymentDocument = {
    id: "d",
    app: "/a",
    ...DEPLOYMENT_BEGINNING,
    action: "start",
    fromVersion: null,
    version: 1,
    instances: 1,
    state: "succeeded",
    startedAtMs: 0,
    endedAtMs: 0,
    by: { who: "", from: "" },
    trace: null,
    ...more,
  };
  const facts = () => ({ ...NO_FACTS, hasChecks });
  const [targets, course] = [targetsOf(deployment, facts), courseOf(deployment, facts)];
  return { app: "/a", deployment, targets, course, instances, why: null };
};

for (const [about, state, settleMs, expected] of [
  ["a running one", progress([instance(1)], { state: "running" }), 0, false],
  ["one that succeeded, when nobody asks for more", progress([]), 0, true],
  ["one that failed", progress([], { state: "failed" }), 1_000, true],
  ["one that was overtaken", progress([], { state: "superseded" }), 1_000, true],
  ["a removal", progress([instance(1)], { action: "delete" }), 1_000, true],
  ["a stop", progress([], { instances: 0 }), 1_000, true],
  ["one whose instance has ended again", progress([instance(1, { state: "failed" })]), 1_000, false],
  ["one whose instance runs since now", progress([instance(1)]), 1_000, false],
  ["one whose checks have passed", progress([instance(1, { healthy: true })], {}, true), 1_000, true],
  ["one whose checks have not spoken", progress([instance(1)], {}, true), 1_000, false],
  ["one that is ready", progress([instance(1, { ready: true })]), 1_000, true],
  ["one that is not ready", progress([instance(1, { ready: false })]), 0.001, false],
  ["one that restarted nothing", progress([instance(1, { version: 0, goodFor: 1, healthy: true })]), 1_000, true],
  ["one with the old version only", progress([instance(1, { version: 0, healthy: true })]), 1_000, false],
] as const)
  test(`the wait for ${about} is over: ${expected}`, () => {
    assert.equal(new Settling(settleMs).isOver(state, 5_000), expected);
  });

test("an instance that was replaced has to stay up anew", () => {
  const settling = new Settling(1_000);
  const seen = [
    settling.isOver(progress([instance(1)]), 0),
    settling.isOver(progress([instance(1)]), 900),
    settling.isOver(progress([instance(2)]), 1_100),
    settling.isOver(progress([instance(2)]), 2_000),
    settling.isOver(progress([instance(2)]), 2_100),
  ];
  assert.deepEqual(seen, [false, false, false, false, true]);
});
