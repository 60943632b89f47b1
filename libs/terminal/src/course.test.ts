import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Course,
  DEPLOYMENT_BEGINNING,
  type DeploymentDocument,
  type DeploymentProgress,
  type InstanceView,
} from "@muster/contracts";
import { changeLines } from "./changes.ts";
import { courseLine, planLine } from "./course.ts";
import { deploymentLines } from "./deployment.ts";
import { FakeTerminal } from "./fake-terminal.ts";
import { screenOf } from "./screen.ts";
import { showDeployment } from "./show.ts";

const screen = screenOf(new FakeTerminal({ columns: 100 }), { env: { TERM: "xterm", NO_COLOR: "1" } });
const course = (more: Partial<Course> = {}): Course => ({
  strategy: "canary",
  timeoutSeconds: 600,
  rollbackOnFailure: false,
  step: 1,
  steps: 1,
  stage: 2,
  stages: 3,
  fresh: 4,
  kept: 6,
  watchMs: 30_000,
  waits: false,
  ...more,
});
const deployment = (more: Partial<DeploymentDocument> = {}): DeploymentDocument => ({
  id: "d1",
  app: "/hello",
  ...DEPLOYMENT_BEGINNING,
  action: "upgrade",
  fromVersion: 50,
  version: 100,
  instances: 10,
  steps: [{ actions: [] }],
  startedAtMs: 10_000,
  by: { who: "test", from: "test" },
  trace: null,
  ...more,
});
const instance = (app: string, slot: number, version: number, more: Partial<InstanceView> = {}): InstanceView => ({
  id: `${app.slice(1)}.${slot}.${version}`,
  app,
  slot,
  attempt: version,
  version,
  state: "running",
  goodFor: null,
  healthy: null,
  ready: null,
  agent: "n1",
  host: "10.0.0.1",
  ports: [],
  pid: null,
  container: null,
  sinceMs: 12_000,
  startedAtMs: null,
  exitCode: null,
  reason: "",
  message: "",
  ...more,
});

for (const [about, document, more, expected] of [
  ["on its way", {}, {}, "stage 2 of 3: 4 new, 6 old, watched for 30s"],
  ["watched", { reachedAtMs: 90_000 }, {}, "stage 2 of 3: 4 new, 6 old, watched for another 20s"],
  ["waits", { reachedAtMs: 90_000 }, { waits: true }, "stage 2 of 3: 4 new, 6 old, waits for `muster promote d1`"],
  ["promoted", { reachedAtMs: 90_000, isPromoted: true }, { waits: true }, /watched for another 20s$/],
  ["not there yet", {}, { waits: true }, "stage 2 of 3: 4 new, 6 old, watched for 30s"],
  ["paused", { isPaused: true }, {}, "stage 2 of 3: 4 new, 6 old, paused: goes on with `muster resume d1`"],
  ["paused, with one stage", { isPaused: true }, { stages: 1 }, "paused: goes on with `muster resume d1`"],
  ["one of many steps", {}, { step: 2, steps: 3, stage: 1, stages: 1 }, "step 2 of 3"],
  ["one step, one stage", {}, { stage: 1, stages: 1 }, null],
  ["over", { state: "succeeded" }, {}, null],
] as [string, Partial<DeploymentDocument>, Partial<Course>, string | RegExp | null][])
  test(`a deployment that is ${about} says: ${expected}`, () => {
    const line = courseLine({ deployment: deployment(document), course: course(more) }, screen, 100_000);
    if (expected instanceof RegExp) assert.match(line ?? "", expected);
    else assert.equal(line, expected);
  });

for (const [document, more, expected] of [
  [{}, {}, "version 1970-01-01T00:00:00.100Z, canary, 1 step, 3 stages, fails after 10m00s without progress"],
  [
    {},
    { stages: 1, steps: 2, timeoutSeconds: null, rollbackOnFailure: true },
    "version 1970-01-01T00:00:00.100Z, rolling, 2 steps, no deadline, then rolls back",
  ],
  [{ steps: [], action: "delete" }, { stages: 1 }, "rolling, 1 step"],
] as [Partial<DeploymentDocument>, Partial<Course>, string][])
  test(`its plan reads: ${expected}`, () => {
    assert.equal(planLine({ deployment: deployment(document), course: course(more) }), expected);
  });

const half = (more: Partial<DeploymentDocument> = {}): DeploymentProgress => ({
  app: "/hello",
  deployment: deployment(more),
  targets: [{ app: "/hello", version: 100, instances: 2, hasChecks: true }],
  course: course({ stage: 1, stages: 2, fresh: 1, kept: 1, waits: true }),
  instances: [instance("/hello", 0, 50), instance("/hello", 1, 100, { healthy: true })],
  why: null,
});

test("a canary's picture has new and old instances, and says what it waits for", async () => {
  const terminal = new FakeTerminal({ columns: 100 });
  const live = screenOf(terminal, { env: { TERM: "xterm", NO_COLOR: "1" } });
  async function* states() {
    yield half({ reachedAtMs: 13_000 });
  }
  await showDeployment(states(), live, { now: () => 14_200, opening: (state) => [planLine(state) ?? ""] });
  assert.deepEqual(terminal.screen(), [
    "version 1970-01-01T00:00:00.100Z, canary, 1 step, 2 stages, fails after 10m00s without progress",
    "/hello  upgrading → 2  4.2s",
    "  ✓  hello.0.50   n1  running  2s  old version",
    "  ✓  hello.1.100  n1  healthy  2s",
    "  stage 1 of 2: 1 new, 1 old, waits for `muster promote d1`",
    "  1/2 ready · 1 old",
  ]);
});

test("off a terminal each stage, and each wait, is a line once", () => {
  assert.deepEqual(changeLines(half(), half({ reachedAtMs: 13_000 }), screen), [
    "stage 1 of 2: 1 new, 1 old, waits for `muster promote d1`",
  ]);
  assert.deepEqual(changeLines(half({ reachedAtMs: 13_000 }), half({ reachedAtMs: 13_000 }), screen), []);
});

test("a group's picture counts every app by its own version", () => {
  const start = (app: string, version: number) =>
    ({ app, action: "start", from: null, to: { version, instances: 1 }, isStaged: false }) as const;
  const steps = [{ actions: [start("/shop/api", 7), start("/shop/web", 8)] }];
  const lines = deploymentLines(
    {
      ...half({ group: "/shop", action: "group", steps }),
      targets: [
        { app: "/shop/api", version: 7, instances: 1, hasChecks: false },
        { app: "/shop/web", version: 8, instances: 1, hasChecks: false },
      ],
      course: course({ step: 2, steps: 2, stage: 1, stages: 1 }),
      instances: [instance("/shop/web", 0, 5), instance("/shop/api", 0, 7)],
    },
    screen,
    { nowMs: 14_200, tick: null },
  );
  assert.deepEqual(lines, [
    "/shop (2 apps)  changing → 2  4.2s",
    "  ✓  shop/api.0.7  n1  running  2s",
    "  ✓  shop/web.0.5  n1  running  2s  old version",
    "  step 2 of 2",
    "  1/2 ready · 1 old",
  ]);
});
