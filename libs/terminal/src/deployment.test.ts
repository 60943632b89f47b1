import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DEPLOYMENT_BEGINNING,
  type DeploymentDocument,
  type DeploymentProgress,
  type InstanceView,
} from "@muster/contracts";
import { changeLines } from "./changes.ts";
import { deploymentLines, slotLines } from "./deployment.ts";
import { FakeTerminal } from "./fake-terminal.ts";
import { screenOf } from "./screen.ts";
import { showDeployment } from "./show.ts";

const screen = (rows = 24) => screenOf(new FakeTerminal({ rows }), { env: { TERM: "xterm", NO_COLOR: "1" } });
const moment = { nowMs: 14_200, tick: 0 };

const deployment = (more: Partial<DeploymentDocument> = {}): DeploymentDocument => ({
  id: "d1",
  app: "/hello",
  ...DEPLOYMENT_BEGINNING,
  action: "start",
  fromVersion: null,
  version: 100,
  instances: 3,
  startedAtMs: 10_000,
  by: { who: "test", from: "test" },
  trace: null,
  ...more,
});

const instance = (slot: number, attempt: number, more: Partial<InstanceView> = {}): InstanceView => ({
  id: `hello.${slot}.${attempt}`,
  app: "/hello",
  slot,
  attempt,
  version: 100,
  state: "running",
  goodFor: null,
  healthy: null,
  ready: null,
  agent: "n1",
  host: "10.0.0.1",
  ports: [31_000 + slot],
  pid: null,
  container: null,
  sinceMs: 12_000,
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
): DeploymentProgress => ({
  app: "/hello",
  deployment: deployment(more),
  targets: [{ app: "/hello", version: 100, instances: more.instances ?? 3, hasChecks }],
  course: null,
  instances,
  why: null,
});

test("every instance has a line with its state, age and what is worth knowing", () => {
  const lines = deploymentLines(
    progress([
      instance(0, 1, { healthy: true }),
      instance(1, 2, { state: "starting" }),
      instance(2, 3, { state: "waiting", agent: null, ports: [] }),
    ]),
    screen(),
    moment,
  );
  assert.deepEqual(lines, [
    "⠋ /hello  starting → 3  4.2s",
    "  ✓  hello.0.1  n1  healthy   2s  10.0.0.1:31000",
    "  ●  hello.1.2  n1  starting  2s  10.0.0.1:31001",
    "  ○  hello.2.3      waiting   2s",
    "  1/3 ready · 1 waiting · 1 on the way",
  ]);
});

test("a slot that failed before says so beside its new attempt", () => {
  const failed = { state: "failed", exitCode: 1, reason: "exited", message: "exited with status 1\nboom" } as const;
  const lines = slotLines(
    progress([
      instance(0, 1, failed),
      instance(0, 4, failed),
      instance(0, 5, { state: "starting" }),
      instance(1, 2, failed),
    ]),
  );
  assert.deepEqual(
    lines.map((line) => [line.instance.id, line.failures]),
    [
      ["hello.0.5", 2],
      ["hello.1.2", 1],
    ],
  );
  const text = deploymentLines(
    progress([instance(0, 4, failed), instance(0, 5, { state: "starting" })]),
    screen(),
    moment,
  );
  assert.match(text[1] ?? "", /● {2}hello\.0\.5 .*before: exited with status 1/);
});

test("with health checks an instance that runs is ready only when they have passed", () => {
  const instances = [instance(0, 1, { healthy: true }), instance(1, 2), instance(2, 3, { healthy: false })];
  const lines = deploymentLines(progress(instances, {}, true), screen(), moment);
  assert.match(lines[1] ?? "", /✓ {2}hello\.0\.1 {2}n1 {2}healthy/);
  assert.match(lines[2] ?? "", /● {2}hello\.1\.2 {2}n1 {2}running/);
  assert.match(lines[3] ?? "", /✗ {2}hello\.2\.3 {2}n1 {2}unhealthy/);
  assert.equal(lines[4], "  1/3 ready · 1 failing · 1 on the way");
});

test("an instance that runs and is not ready yet is on the way, and shows what it answered", () => {
  const message = "HTTP / on port 31000 answered 503";
  const instances = [
    instance(0, 1, { ready: true }),
    instance(1, 2, { ready: false, reason: "not-ready", message }),
    instance(2, 3, { ready: false, healthy: true }),
  ];
  const lines = deploymentLines(progress(instances), screen(), moment);
  assert.match(lines[2] ?? "", /● {2}hello\.1\.2 {2}n1 {2}not ready .*HTTP .*answered 503/);
  assert.match(lines[3] ?? "", /● {2}hello\.2\.3 {2}n1 {2}not ready/);
  assert.equal(lines[4], "  1/3 ready · 2 on the way");
});

test("what a change left standing counts as new, and only what is of another make is old", () => {
  const failed = { state: "failed", exitCode: 1, reason: "exited", version: 90, goodFor: 100 } as const;
  const changed = progress([
    instance(0, 1, { version: 90, goodFor: 100 }),
    instance(1, 2, { version: 80 }),
    instance(2, 3, failed),
    instance(2, 4, { state: "starting" }),
  ]);
  assert.deepEqual(
    slotLines(changed).map(({ isOld, isReady, failures }) => [isOld, isReady, failures]),
    [
      [false, true, 0],
      [true, true, 0],
      [false, false, 1],
    ],
  );
  assert.match(deploymentLines(changed, screen(), moment).at(-1) ?? "", /^ {2}1\/3 ready · .* · 1 old$/);
});

test("failures of an earlier deployment are not shown", () => {
  assert.deepEqual(slotLines(progress([instance(0, 1, { state: "failed", sinceMs: 9_000 })])), []);
});

test("a picture is never taller than the screen, and what fails is on it", () => {
  const many = Array.from({ length: 40 }, (_, slot) => instance(slot, slot, slot === 33 ? { healthy: false } : {}));
  const lines = deploymentLines(progress(many, { instances: 40 }), screen(10), moment);
  assert.ok(lines.length <= 9, `${lines.length} lines`);
  assert.match(lines[1] ?? "", /hello\.33\.33 .*unhealthy/);
  assert.match(lines.at(-2) ?? "", /\+34 more/);
});

test("off a terminal every change is one line, and many at once are one line together", () => {
  const before = progress([instance(0, 1, { state: "starting" })]);
  const after = progress([
    instance(0, 1, { healthy: true }),
    instance(1, 2, { state: "error", message: "no such image" }),
  ]);
  assert.deepEqual(changeLines(null, before, screen()), [
    "/hello starting (deployment d1)",
    "● hello.0.1 starting on n1",
  ]);
  assert.deepEqual(changeLines(before, after, screen()), [
    "✓ hello.0.1 healthy on n1",
    "✗ hello.1.2 error on n1: no such image",
  ]);
  assert.deepEqual(changeLines(after, after, screen()), []);
  const many = progress(
    Array.from({ length: 40 }, (_, slot) => instance(slot, slot)),
    { instances: 40 },
  );
  assert.deepEqual(changeLines(before, many, screen()), ["40/40 ready"]);
});

async function* statesOf(...states: DeploymentProgress[]) {
  yield* states;
}

test("a show ends with the last picture on the screen and answers the last state", async () => {
  const terminal = new FakeTerminal();
  const live = screenOf(terminal, { env: { TERM: "xterm", NO_COLOR: "1" } });
  const states = [progress([]), progress([instance(0, 1)], { state: "succeeded", endedAtMs: 11_000, instances: 1 })];
  const last = await showDeployment(statesOf(...states), live, { now: () => 14_200 });
  assert.equal(last, states[1]);
  assert.deepEqual(terminal.screen(), [
    "/hello  starting → 1  1.0s",
    "  ✓  hello.0.1  n1  running  2s  10.0.0.1:31000",
    "  1/1 ready",
  ]);
});

test("a show ends early when its caller has seen enough", async () => {
  const seen: number[] = [];
  await showDeployment(statesOf(progress([]), progress([]), progress([])), screen(), {
    onState: () => seen.push(1) === 2,
  });
  assert.equal(seen.length, 2);
});
