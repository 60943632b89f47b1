import assert from "node:assert/strict";
import { test } from "node:test";
import { courseOf, targetsOf } from "@muster/client";
import {
  DEPLOYMENT_BEGINNING,
  type DeploymentDocument,
  type DeploymentProgress,
  type InstanceView,
} from "@muster/contracts";
import { hopelessFailure, type Impatience, verdictOf } from "./verdict.ts";

const instance = (slot: number, attempt: number, more: Partial<InstanceView> = {}): InstanceView => ({
  id: `web.${slot}.${attempt}`,
  app: "/web",
  slot,
  attempt,
  version: 7,
  state: "running",
  goodFor: null,
  healthy: null,
  ready: null,
  agent: "n1",
  host: null,
  ports: [],
  pid: null,
  container: null,
  sinceMs: 2_000,
  startedAtMs: null,
  exitCode: null,
  reason: "exited",
  message: "",
  ...more,
});

const progress = (more: Partial<DeploymentDocument>, instances: InstanceView[] = []): DeploymentProgress => {
  const deployment: DeploymentDocument = {
    id: "d1",
    app: "/web",
    ...DEPLOYMENT_BEGINNING,
    action: "start",
    fromVersion: null,
    version: 7,
    instances: 2,
    startedAtMs: 1_000,
    by: { who: "", from: "" },
    trace: null,
    ...more,
  };
  const [targets, course] = [targetsOf(deployment, () => undefined), courseOf(deployment, () => undefined)];
  return { app: "/web", deployment, targets, course, instances, why: null };
};
const failed = (slot: number, attempt: number, reason = "exited") =>
  instance(slot, attempt, { state: "failed", exitCode: 1, reason });
const thrice = [failed(0, 1), failed(0, 2), failed(0, 3)];
const judged: DeploymentDocument["steps"] = [
  { actions: [{ app: "/web", action: "start", from: null, to: { version: 7, instances: 2 }, isStaged: true }] },
];
const undone: Partial<DeploymentDocument> = {
  action: "rollback",
  instances: 0,
  steps: [
    { actions: [{ app: "/web", action: "delete", from: { version: 7, instances: 2 }, to: null, isStaged: false }] },
  ],
};
const waiting = instance(1, 9, { state: "waiting", agent: null });
const healthy = [instance(0, 1, { healthy: true }), instance(1, 2, { healthy: true })];

for (const [about, state, impatience, exit, outcome, message] of [
  ["reached", progress({ state: "succeeded" }, healthy), null, 0, "succeeded", /^\/web runs: 2 instances, healthy$/],
  [
    "reached without a restart",
    progress({ state: "succeeded", action: "update" }, [
      instance(0, 1, { version: 6, goodFor: 7 }),
      instance(1, 2, { version: 6, goodFor: 7 }),
    ]),
    null,
    0,
    "succeeded",
    /^\/web runs: 2 instances$/,
  ],
  [
    "reached, and was changed again",
    progress({ state: "succeeded" }, [instance(0, 1, { version: 6 }), instance(1, 2, { version: 8, goodFor: 8 })]),
    null,
    5,
    "superseded",
    /0 of 2 ready$/,
  ],
  ["scaled to none", progress({ state: "succeeded", instances: 0 }), null, 0, "succeeded", /^\/web is stopped$/],
  ["deleted", progress({ state: "succeeded", action: "delete" }), null, 0, "succeeded", /^\/web is gone$/],
  ["undone whole", progress({ ...undone, state: "succeeded" }), null, 0, "succeeded", /^\/web is gone$/],
  ["failed", progress({ state: "failed", message: "no" }), null, 1, "failed", /^\/web starting failed: no$/],
  [
    "aborted",
    progress({ state: "aborted", message: "aborted by me" }),
    null,
    5,
    "aborted",
    /stopped half way: aborted by me$/,
  ],
  ["overtaken", progress({ state: "superseded" }), null, 5, "superseded", /overtaken/],
  ["over, although the time is too", progress({ state: "succeeded" }, healthy), "timeout", 0, "succeeded", /runs/],
  [
    "called done while nothing runs",
    progress({ state: "succeeded" }, [failed(0, 1)]),
    "timeout",
    4,
    "timed-out",
    /0 of 2/,
  ],
  [
    "called done while it crashes",
    progress({ state: "succeeded" }, [failed(0, 1)]),
    "hopeless",
    1,
    "hopeless",
    /does not stay up/,
  ],
  [
    "not placed in time",
    progress({}, [instance(0, 1), waiting]),
    "timeout",
    3,
    "not-placed",
    /^1 instance not placed after 60 s/,
  ],
  ["not done in time", progress({}, [instance(0, 1)]), "timeout", 4, "timed-out", /with 1 of 2 ready/],
  ["never heard of", null, "timeout", 4, "timed-out", /not done/],
  ["interrupted", progress({}, [waiting]), "interrupt", 130, "interrupted", /the deployment goes on/],
  [
    "hopeless",
    progress({}, [failed(0, 1), failed(0, 2), failed(0, 3)]),
    "hopeless",
    1,
    "hopeless",
    /web\.0 ended 3 times, exit 1/,
  ],
] as [string, DeploymentProgress | null, Impatience, number, string, RegExp][])
  test(`a deployment that is ${about} exits with ${exit}`, () => {
    const verdict = verdictOf(state, impatience, 60);
    assert.deepEqual([verdict.exitCode, verdict.outcome], [exit, outcome]);
    assert.match(verdict.message, message);
  });

for (const [about, state, isHopeless] of [
  ["one failure", progress({}, [failed(0, 1), instance(0, 2, { state: "starting" })]), false],
  ["three failures of one slot", progress({}, [failed(0, 1), failed(0, 2), failed(0, 3)]), true],
  ["three failures, then it runs", progress({}, [failed(0, 1), failed(0, 2), failed(0, 3), instance(0, 4)]), false],
  ["one failure in each of three slots", progress({}, [failed(0, 1), failed(1, 2), failed(2, 3)]), false],
  ["a missing command once", progress({}, [failed(0, 1, "command-not-found")]), false],
  [
    "a missing command twice",
    progress({}, [failed(0, 1, "command-not-found"), failed(0, 2, "command-not-found")]),
    true,
  ],
  ["failures of the old version", progress({ version: 8 }, [failed(0, 1), failed(0, 2), failed(0, 3)]), false],
  ["three failures before the server's own verdict", progress({ steps: judged }, thrice), false],
  ["three failures that the server has judged", progress({ steps: judged, state: "failed" }, thrice), false],
  ["three failures after the server called it done", progress({ steps: judged, state: "succeeded" }, thrice), true],
  ["failures while it is removed", progress({ action: "delete" }, [failed(0, 1), failed(0, 2), failed(0, 3)]), false],
] as const)
  test(`${about}: ${isHopeless ? "waiting ends" : "waiting goes on"}`, () => {
    assert.equal(hopelessFailure(state) !== null, isHopeless);
  });

test("what stands now says nothing of a deployment that ended before anybody looked", () => {
  const past = verdictOf(progress({ state: "succeeded" }), null, 0, { isPast: true });
  assert.deepEqual([past.exitCode, past.message], [0, "/web starting succeeded"]);
  assert.equal(verdictOf(progress({ state: "succeeded" }), null, 0).exitCode, 5);
});
