import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeTerminal } from "@muster/terminal/fake-terminal";
import { until } from "@muster/testkit";
import { run as deploy } from "./commands/deploy.ts";
import { run as rollback } from "./commands/rollback.ts";
import { UsageError } from "./exit.ts";
import { commandTests, ndjson } from "./testing/command-tests.ts";

const at = commandTests();

const V1 = "2026-11-20T12:00:00.000Z";
const V2 = "2026-11-20T13:00:00.000Z";
const [v1, v2] = [Date.parse(V1), Date.parse(V2)];

const fileOf = (text: string) => at.file("hello.json", text);

const CANARY = { strategy: "canary", watchSeconds: 30 };
const canarySteps = [
  {
    actions: [
      {
        app: "/hello",
        action: "upgrade" as const,
        from: { version: v1, instances: 2 },
        to: { version: v2, instances: 2 },
        isStaged: true,
      },
    ],
  },
];

/** A canary of one, half way: `d1` of `/hello`, with instance 0 old and instance 1 new, which is no older than it. */
function halfWay(): void {
  at.cluster.app("/hello", 2);
  at.cluster.version("/hello", V1, { cmd: "exec sleep 1", rollout: CANARY });
  at.cluster.version("/hello", V2, { cmd: "exec sleep 2", rollout: CANARY });
  at.cluster.instance("/hello", 0, 1, { version: v1, sinceMs: Date.now() - 60_000 });
  at.cluster.deployment("d1", "/hello", { steps: canarySteps, version: v2, fromVersion: v1, reachedAtMs: Date.now() });
  at.cluster.instance("/hello", 1, 3);
}

function promoted(): void {
  at.cluster.instance("/hello", 0, 4, { version: v2 });
  at.cluster.instances.delete("hello.0.1");
  at.cluster.deployment("d1", "/hello", { stage: 1, reachedAtMs: null });
  at.cluster.succeed("d1");
}

test("on a terminal deploy shows the plan, new and old instances, the stage and what it waits for; then how it came out", async () => {
  halfWay();
  const terminal = new FakeTerminal({ columns: 110 });
  const ended = at.muster(deploy, [], { terminal, options: { attach: "d1" } });
  await until(() => terminal.screen().length >= 5, { what: () => `a picture (${terminal.screen().join("\n")})` });
  const [plan, head, ...lines] = terminal.screen();
  assert.equal(plan, `version ${V2}, canary, 1 step, 2 stages, fails after 10m00s without progress`);
  assert.match(head ?? "", /\/hello {2}upgrading → 2 /);
  assert.deepEqual(lines, [
    "  ✓  hello.0.1  n1  running  1m00s  old version",
    "  ✓  hello.1.3  n1  running     0s  10.0.0.1:31001",
    "  stage 1 of 2: 1 new, 1 old, waits for `muster promote d1`",
    "  1/2 ready · 1 old",
  ]);
  promoted();
  assert.equal((await ended).code, 0);
  const screen = terminal.screen().join("\n");
  assert.match(screen, /✓ \/hello runs: 2 instances {2}\d/);
  assert.doesNotMatch(screen, /promote/);
});

test("off a terminal deploy prints one object per change, with step and stage, and the verdict last", async () => {
  halfWay();
  const ended = at.muster(deploy, [], { options: { attach: "hello" } });
  await until(() => at.cluster.heard.some(({ path }) => path.includes("/v1/instances")));
  at.cluster.instance("/hello", 1, 3, {
    state: "failed",
    exitCode: 1,
    reason: "exited",
    message: "exited with status 1",
  });
  at.cluster.instance("/hello", 1, 5, { state: "starting" });
  await until(() => at.cluster.heard.some(({ path }) => path.includes("/v1/why")));
  at.cluster.instance("/hello", 1, 5, { state: "running" });
  promoted();
  const { code, out, err } = await ended;
  assert.deepEqual([code, err], [0, ""]);
  const all = ndjson(out);
  assert.deepEqual([...new Set(all.map(({ type }) => type))], ["plan", "deployment", "instance", "verdict"]);
  for (const one of all) assert.match(one.time, /^\d{4}-\d\d-\d\dT/);
  for (const one of all.slice(0, -1)) {
    assert.deepEqual([one.deployment, typeof one.step, typeof one.stage], ["d1", "number", "number"]);
  }
  const [plan] = all;
  assert.deepEqual([plan.version, plan.strategy, plan.steps, plan.stages], [V2, "canary", 1, 2]);
  const stands = all.filter(({ type }) => type === "deployment");
  assert.deepEqual([stands[0].state, stands[0].standing, stands[0].fresh, stands[0].kept], ["running", "waits", 1, 1]);
  assert.deepEqual([stands.at(-1).state, stands.at(-1).stage, stands.at(-1).ready], ["succeeded", 2, 2]);
  const told = all.filter(({ type }) => type === "instance").map(({ instance, state }) => `${instance} ${state}`);
  assert.deepEqual(told.slice(0, 4), [
    "hello.0.1 running",
    "hello.1.3 running",
    "hello.1.3 failed",
    "hello.1.5 starting",
  ]);
  assert.ok(told.includes("hello.0.1 gone"));
  assert.deepEqual([all.at(-1).outcome, all.at(-1).exitCode], ["succeeded", 0]);
});

test("deploy of a file creates the app, and text asked for stays text off a terminal", async () => {
  const { code, out } = await at.muster(deploy, [await fileOf('{"id":"hello"}')], { output: "name" });
  assert.deepEqual([code, out], [0, "deployment-1\n"]);
  assert.ok(at.cluster.heard.some(({ method, path }) => method === "POST" && path === "/v2/apps"));
});

test("whatever fails, deploy waits for the server's verdict, and tells its sentence and the last words", async () => {
  at.cluster.onDeployment = ({ id, app, version }) => {
    at.cluster.deployment(id, app, {
      steps: [{ actions: [{ app, action: "start", from: null, to: { version, instances: 1 }, isStaged: true }] }],
    });
    for (const attempt of [1, 2, 3, 4])
      at.cluster.instance(app, 0, attempt, {
        state: "failed",
        exitCode: 1,
        reason: "exited",
        message: "exited\nno database",
      });
    // Whoever gave up by himself would have done so at what is seen now.
    at.cluster.onceSeen = () =>
      at.cluster.end(id, "failed", "4 instances failed: exited with status 1; its last words on stderr:\nno database");
  };
  const terminal = new FakeTerminal({ columns: 110, rows: 60 });
  const { code } = await at.muster(deploy, [await fileOf('{"id":"hello"}')], { terminal });
  assert.equal(code, 1);
  const screen = terminal.screen().join("\n");
  assert.match(screen, /✗ \/hello starting failed: 4 instances failed: exited with status 1 {2}\d/);
  assert.equal(screen.match(/│ no database/g)?.length, 1);
});

for (const [state, message, back, code, outcome] of [
  ["failed", "no progress", "d1-rollback", 1, /failed: no progress .*\n {2}rolled back by d1-rollback\n/],
  [
    "failed",
    "it failed; its last words on stderr:\nno database",
    "d2",
    1,
    /│ no database\n.*failed: it failed .*\n {2}rolled back by d2\n/,
  ],
  ["aborted", "aborted by test", null, 5, /was stopped half way: aborted by test/],
  ["superseded", null, null, 5, /was overtaken by a newer change/],
  ["succeeded", null, null, 0, /upgrading succeeded/],
] as const)
  test(`attaching to a deployment that is ${state} exits with ${code} at once`, async () => {
    halfWay();
    at.cluster.end("d1", state, message);
    at.cluster.deployment("d1", "/hello", { rolledBackBy: back });
    const terminal = new FakeTerminal({ columns: 140 });
    const startedAt = performance.now();
    assert.equal((await at.muster(deploy, [], { terminal, options: { attach: "d1" } })).code, code);
    assert.ok(performance.now() - startedAt < 3_000, "nothing is waited for");
    const screen = terminal.screen().join("\n");
    assert.match(screen, outcome);
    assert.equal(screen.includes(`muster deploy --attach ${back}`), back !== null);
  });

test("Ctrl-C detaches from a deployment, says how to come back, and asks the server for nothing", async () => {
  halfWay();
  const terminal = new FakeTerminal({ columns: 140 });
  const interrupt = new AbortController();
  at.cluster.onceSeen = () => interrupt.abort();
  const { code } = await at.muster(deploy, [], { terminal, signal: interrupt.signal, options: { attach: "hel" } });
  assert.equal(code, 130);
  assert.match(terminal.screen().join("\n"), /the deployment goes on[\s\S]*muster deploy --attach d1/);
  assert.ok(at.cluster.heard.every(({ method }) => method === "GET"));
});

test("--timeout ends the waiting with 4, and the deployment goes on", async () => {
  halfWay();
  const { code, out } = await at.muster(deploy, [], { options: { attach: "d1", timeout: 0.3 } });
  assert.equal(code, 4);
  assert.equal(ndjson(out).at(-1).outcome, "timed-out");
});

test("what cannot be attached to is said", async () => {
  at.cluster.app("/hello", 1);
  await assert.rejects(
    at.muster(deploy, [], { options: { attach: "hello" } }),
    (error) => error instanceof UsageError && /no deployment of \/hello is running/.test(error.message),
  );
  await assert.rejects(at.muster(deploy, [], { options: { attach: "nobody" } }), { code: "app.unknown" });
  await assert.rejects(at.muster(deploy, ["f.json"], { options: { attach: "d1" } }), { name: "UsageError" });
  await assert.rejects(at.muster(deploy), { name: "UsageError" });
  at.cluster.deployment("d70", "/hello");
  at.cluster.deployment("d71", "/hello");
  await assert.rejects(
    at.muster(deploy, [], { options: { attach: "d7" } }),
    /"d7" fits 2 deployments:\n {2}d70\n {2}d71/,
  );
});

test("rollback undoes the deployment that runs, and watches the way back", async () => {
  halfWay();
  const { code, out } = await at.muster(rollback, ["hello"]);
  assert.equal(code, 0);
  assert.equal(at.cluster.deployments.get("d1")?.message, "rolled back by deployment-1");
  assert.deepEqual([ndjson(out)[0].deployment, ndjson(out)[0].action], ["deployment-1", "rollback"]);
});

test("rollback passes over versions that never came up", async () => {
  const V0 = "2026-11-19T12:00:00.000Z";
  at.cluster.app("/hello", 1);
  for (const version of [V0, V1, V2]) at.cluster.version("/hello", version, { cmd: version });
  at.cluster.deployment("d0", "/hello", { version: Date.parse(V0), state: "succeeded" });
  at.cluster.deployment("d1", "/hello", { version: v1, state: "failed" });
  assert.equal((await at.muster(rollback, ["hello"])).code, 0);
  assert.deepEqual(JSON.parse(at.cluster.heard.find(({ method }) => method === "PUT")?.body ?? "").version, V0);
  at.cluster.app("/bad", 1);
  for (const version of [V1, V2]) at.cluster.version("/bad", version, { cmd: version });
  at.cluster.deployment("d2", "/bad", { version: v1, state: "aborted" });
  await assert.rejects(at.muster(rollback, ["bad"]), /has ever come up.*--to/);
});

test("rollback of an app that nothing changes goes back to the version before, or to the one that is named", async () => {
  const V0 = "2026-11-19T12:00:00.000Z";
  at.cluster.app("/hello", 1);
  for (const version of [V0, V1, V2]) at.cluster.version("/hello", version, { cmd: version });
  const puts = () =>
    at.cluster.heard.filter(({ method }) => method === "PUT").map(({ body }) => JSON.parse(body ?? "").version);
  assert.equal((await at.muster(rollback, ["hello"])).code, 0);
  assert.deepEqual(puts(), [V1]);
  await at.muster(rollback, ["hello"], { options: { to: "2026-11-19" } });
  assert.deepEqual(puts(), [V1, V0]);
  await assert.rejects(at.muster(rollback, ["hello"], { options: { to: "2026-11-20" } }), /fits several versions/);
  await assert.rejects(at.muster(rollback, ["hello"], { options: { to: "2025" } }), /has no version 2025/);
  at.cluster.version("/hello", V0, {});
  await assert.rejects(at.muster(rollback, ["hello"]), /there is no version of \/hello before the one it stands at/);
});
