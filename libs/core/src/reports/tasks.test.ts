import assert from "node:assert/strict";
import { test } from "node:test";
import type { CheckResult } from "@muster/contracts";
import { judge, offer, place, placedRow, want, world } from "../apps/testing/handmade-app.ts";
import { appTasks } from "./tasks.ts";

/** The task of one running instance with this verdict. */
function taskOf(verdict: Parameters<typeof judge>[3]) {
  const here = world({ instances: 1 });
  offer(here, "n1");
  want(here, [10]);
  place(here, [placedRow(0)]);
  judge(here, 0, "running", verdict);
  const [task] = appTasks(here.state, here.health, "/hello");
  return task ?? {};
}

for (const [result, expected] of [
  [null, undefined],
  [{ type: "http", statusCode: 204 }, { http: { statusCode: 204 } }],
  [{ type: "http", statusCode: null }, { http: {} }],
  [{ type: "tcp", succeeded: false }, { tcp: { succeeded: false } }],
  [{ type: "command", exitCode: 0 }, { command: { exitCode: 0 } }],
  [{ type: "command", exitCode: null }, { command: {} }],
] as [CheckResult | null, unknown][])
  test(`a check's result ${JSON.stringify(result)} is shown as ${JSON.stringify(expected)}`, () => {
    const task = taskOf({ checkResult: result });
    assert.deepEqual(task.checkResult, expected);
    assert.equal("checkResult" in task, result !== null);
  });

const NEVER = { firstSuccessMs: null, lastSuccessMs: null, lastFailureMs: null, lastFailureCause: null };
test("health check results are those of the last crossing, one for each check, with what is not known left out", () => {
  const first = { alive: true, consecutiveFailures: 0, ...NEVER, firstSuccessMs: 1_000, lastSuccessMs: 2_000 };
  const sick = { ...first, alive: false, consecutiveFailures: 3, lastFailureMs: 3_000, lastFailureCause: "got 503" };
  assert.deepEqual(taskOf({ healthy: false, health: [first, sick] }).healthCheckResults, [
    {
      alive: true,
      consecutiveFailures: 0,
      firstSuccess: "1970-01-01T00:00:01.000Z",
      lastSuccess: "1970-01-01T00:00:02.000Z",
      instanceId: "hello.0.10",
    },
    {
      alive: false,
      consecutiveFailures: 3,
      firstSuccess: "1970-01-01T00:00:01.000Z",
      lastSuccess: "1970-01-01T00:00:02.000Z",
      lastFailure: "1970-01-01T00:00:03.000Z",
      lastFailureCause: "got 503",
      instanceId: "hello.0.10",
    },
  ]);
  assert.deepEqual(taskOf({ healthy: false }).healthCheckResults, [
    { alive: false, consecutiveFailures: 1, instanceId: "hello.0.10" },
  ]);
  assert.equal("healthCheckResults" in taskOf({ healthy: null }), false);
});
