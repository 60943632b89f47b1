import assert from "node:assert/strict";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { test } from "node:test";
import type { HealthCheck, HealthRecord, RunCheck } from "@muster/contracts";
import { until } from "@muster/testkit";
import { checkedTask, fakeRunning } from "../testing/checkedTask.ts";
import { healthCheck, instanceDocument } from "../testing/documents.ts";
import { startChecks } from "./checks.ts";
import { probe } from "./probe.ts";
import { type CheckState, judge, newCheck, recordOf, together } from "./threshold.ts";

const rules = { graceMs: 1_000, maxFailures: 3 };
const due = (passed: boolean, runningMs = 5_000) => ({
  passed,
  early: false,
  runningMs,
  atMs: runningMs,
  detail: `at ${runningMs}`,
});

function after(results: readonly ReturnType<typeof due>[], from: CheckState = newCheck(null)) {
  let state = from;
  let giveUp = false;
  for (const result of results) ({ state, giveUp } = judge(state, result, rules));
  const { everPassed, failures, healthy } = state;
  return { everPassed, failures, healthy, giveUp, record: recordOf(state) };
}

test("the first success makes it healthy, fewer failures than the limit change nothing", () => {
  const { failures, healthy, giveUp } = after([due(true), due(false), due(false)]);
  assert.deepEqual([failures, healthy, giveUp], [2, true, false]);
  assert.equal(after([due(true), due(false), due(false), due(true), due(false), due(false)]).healthy, true);
});

test("as many failures in a row as the limit make it unhealthy and give up", () => {
  const { failures, healthy, giveUp } = after([due(true), due(false), due(false), due(false)]);
  assert.deepEqual([failures, healthy, giveUp], [3, false, true]);
});

test("failures within the grace period do not count before the first success, and do after it", () => {
  const early = [due(false, 100), due(false, 500), due(false, 900)];
  assert.equal(after(early).failures, 0);
  assert.equal(after([...early, due(false, 1_100), due(false, 1_200)]).giveUp, false);
  assert.equal(after([...early, due(false, 1_100), due(false, 1_200), due(false, 1_300)]).giveUp, true);
  assert.equal(after([due(true, 100), due(false, 200), due(false, 300), due(false, 400)]).giveUp, true);
});

test("an early probe can pass and cannot fail", () => {
  const early = { ...due(false), early: true };
  assert.equal(after([early, early, early, early]).failures, 0);
  assert.equal(after([{ ...early, passed: true }]).healthy, true);
});

const NEVER = { firstSuccessMs: null, lastSuccessMs: null, lastFailureMs: null, lastFailureCause: null };
for (const [about, results, record] of [
  ["failures in the grace period", [due(false, 100)], { alive: false, consecutiveFailures: 0, ...NEVER }],
  [
    "two successes",
    [due(true, 100), due(true, 200)],
    { alive: true, consecutiveFailures: 0, ...NEVER, firstSuccessMs: 100, lastSuccessMs: 200 },
  ],
  [
    "as many failures as the limit after a success",
    [due(true, 1), due(false, 2), due(false, 3), due(false, 4)],
    {
      alive: false,
      consecutiveFailures: 3,
      firstSuccessMs: 1,
      lastSuccessMs: 1,
      lastFailureMs: 4,
      lastFailureCause: "at 4",
    },
  ],
  [
    "a recovery",
    [due(true, 1), due(false, 2), due(true, 3)],
    {
      alive: true,
      consecutiveFailures: 0,
      firstSuccessMs: 1,
      lastSuccessMs: 3,
      lastFailureMs: 2,
      lastFailureCause: "at 2",
    },
  ],
] as const)
  test(`after ${about} a check has the record ${JSON.stringify(record)}`, () => {
    assert.deepEqual(after(results).record, record);
  });

test("what was told of a check before its agent was away is still known", () => {
  const told = after([due(true, 1), due(false, 2), due(true, 3)]).record;
  assert.deepEqual(after([due(true, 9)], newCheck(true, told)).record, { ...told, lastSuccessMs: 9 });
});

test("a limit of 0 tells the first failure and never gives up", () => {
  const { state, giveUp } = judge(newCheck(true), due(false), { graceMs: 0, maxFailures: 0 });
  assert.deepEqual([state.healthy, giveUp], [false, false]);
});

test("a task adopted as healthy has no second grace period", () => {
  assert.equal(after([due(false, 10), due(false, 20), due(false, 30)], newCheck(true)).giveUp, true);
});

test("all checks must pass for a task to be healthy, one that gave up is enough to be not", () => {
  const state = (healthy: boolean | null) => newCheck(healthy);
  assert.equal(together([state(true), state(null)]), null);
  assert.equal(together([state(true), state(true)]), true);
  assert.equal(together([state(null), state(false)]), false);
});

type T = { after(work: () => void): void };
async function http(t: T, answer: RequestListener): Promise<number> {
  const server: Server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as { port: number }).port;
}
const look = async (port: number | null, check: Partial<HealthCheck>, at = fakeRunning()) =>
  probe({ check: healthCheck(check), port } satisfies RunCheck, at);

for (const { status, passes } of [
  { status: 200, passes: true },
  { status: 204, passes: true },
  { status: 302, passes: true },
  { status: 399, passes: true },
  { status: 404, passes: false },
  { status: 500, passes: false },
]) {
  test(`an HTTP check answered with ${status} ${passes ? "passes" : "fails"}, without following it`, async (t) => {
    const paths: string[] = [];
    const port = await http(t, (request, response) => {
      paths.push(request.url ?? "");
      response.writeHead(status, { location: "/elsewhere" }).end();
    });
    const result = await look(port, { path: "/ping?x=1" });
    assert.equal(result.passed, passes);
    assert.match(result.detail, new RegExp(`answered ${status}`));
    assert.deepEqual(paths, ["/ping?x=1"]);
  });
}

test("an HTTP check that gets no answer in time fails and says so", async (t) => {
  const port = await http(t, () => {});
  const result = await look(port, { timeoutSeconds: 0.1 });
  assert.deepEqual(result, { passed: false, detail: `HTTP / on port ${port} did not answer within 0.1 s` });
});

test("an HTTP check of a closed port fails", async () => {
  assert.equal((await look(1, {})).passed, false);
});

test("an HTTP check of a path that no request can hold fails and harms nobody", async () => {
  assert.match((await look(1, { path: "/a b" })).detail, /unescaped characters/);
});

test("an HTTP 1xx is a failure, or nothing when it is to be ignored", async (t) => {
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => void server.close());
  const { port } = server.address() as { port: number };
  assert.equal((await look(port, { ignoreHttp1xx: false })).passed, false);
  assert.equal((await look(port, { ignoreHttp1xx: true })).passed, null);
});

test("a TCP check passes when the port accepts and fails when nobody listens", async (t) => {
  const port = await http(t, () => {});
  assert.equal((await look(port, { protocol: "TCP" })).passed, true);
  assert.equal((await look(1, { protocol: "MESOS_TCP" })).passed, false);
});

test("a COMMAND check passes with status 0 only, and fails when it takes too long", async () => {
  const command = { protocol: "COMMAND", command: "x" } as const;
  assert.equal((await look(null, command)).passed, true);
  assert.match((await look(null, command, fakeRunning({ exec: async () => 2 }))).detail, /exited with status 2/);
  assert.match((await look(null, command, fakeRunning({ exec: async () => null }))).detail, /took longer than 1 s/);
  const away = Object.assign(new Error("connect ENOENT"), { syscall: "connect" });
  const unknown = await look(null, command, fakeRunning({ exec: () => Promise.reject(away) }));
  assert.deepEqual([unknown.passed, unknown.detail], [null, "the command could not be run: connect ENOENT"]);
});

test("a check without a port, and one no network leads to, fail with the reason", async () => {
  assert.match((await look(null, {})).detail, /no port/);
  assert.match((await look(80, {}, fakeRunning({ addressOf: () => null }))).detail, /no network/);
});

/** A task whose probes answer from a list, the last one for ever. */
function watched(t: T, answers: readonly boolean[], check: Partial<HealthCheck>, healthy: boolean | null = null) {
  const said: string[] = [];
  const probes: number[] = [];
  const task = checkedTask({
    record: instanceDocument({ healthChecks: [{ check: healthCheck(check), port: 1 }] }),
    healthy,
    changed: (now) => said.push(now ? "healthy" : "unhealthy"),
    giveUp: (message) => said.push(message),
  });
  const startedMs = performance.now();
  const checks = startChecks(task, {
    clock: Date.now,
    dice: () => 0.5,
    probe: async () => {
      probes.push(performance.now() - startedMs);
      return { passed: answers[Math.min(probes.length, answers.length) - 1] as boolean, detail: "because" };
    },
  });
  t.after(() => checks.stop());
  return { said, probes };
}

test("a task that starts quickly is seen to be healthy long before its interval is over", async (t) => {
  const { said, probes } = watched(t, [false, true], { intervalSeconds: 60 });
  await until(() => said.length > 0, { withinMs: 2_000 });
  assert.deepEqual(said, ["healthy"]);
  assert.ok(probes.length === 2 && (probes[1] as number) < 1_000, probes.join(" "));
});

test("a sick task is told once and given up on, at the pace of its interval, and not looked at any more", async (t) => {
  let nowMs = 0;
  t.mock.method(performance, "now", () => nowMs);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { said, probes } = watched(t, [false], { intervalSeconds: 4, maxConsecutiveFailures: 3 });
  const pass = async (seconds: number): Promise<void> => {
    for (let i = 0; i < seconds * 10; i += 1) {
      nowMs += 100;
      t.mock.timers.tick(100);
      for (let turn = 0; turn < 5; turn += 1) await null;
    }
  };
  await pass(11.9);
  assert.deepEqual(said, []);
  await pass(0.2);
  assert.deepEqual(said, ["unhealthy", "its health check failed 3 times in a row, the last time: because"]);
  const count = probes.length;
  await pass(600);
  assert.deepEqual([probes.length, said.length], [count, 2]);
});

test("health that changes back is told each time, and nothing in between", async (t) => {
  const { said } = watched(t, [true, false, false, true, true, false], {
    intervalSeconds: 0.02,
    maxConsecutiveFailures: 0,
  });
  await until(() => said.length === 4, { withinMs: 3_000 });
  assert.deepEqual(said, ["healthy", "unhealthy", "healthy", "unhealthy"]);
});

test("each crossing carries the record of each check as it was then", async (t) => {
  const told: HealthRecord[][] = [];
  const answers = [true, false, false, true];
  let probes = 0;
  const rules = { intervalSeconds: 0.02, maxConsecutiveFailures: 0 };
  const task = checkedTask({
    record: instanceDocument({ healthChecks: [{ check: healthCheck(rules), port: 1 }] }),
    changed: (_healthy, _message, health) => told.push(health),
  });
  const checks = startChecks(task, {
    clock: () => 1_000 + probes,
    dice: () => 0.5,
    probe: async () => {
      probes += 1;
      return { passed: answers[probes - 1] ?? true, detail: `probe ${probes}` };
    },
  });
  t.after(() => checks.stop());
  await until(() => told.length === 3, { withinMs: 3_000 });
  const first = { alive: true, consecutiveFailures: 0, ...NEVER, firstSuccessMs: 1_001, lastSuccessMs: 1_001 };
  const sick = { ...first, alive: false, consecutiveFailures: 1, lastFailureMs: 1_002, lastFailureCause: "probe 2" };
  const again = { ...first, lastSuccessMs: 1_004, lastFailureMs: 1_003, lastFailureCause: "probe 3" };
  assert.deepEqual(told, [[first], [sick], [again]]);
});

test("a task that was healthy before its agent was away is not told healthy again", async (t) => {
  const { said, probes } = watched(t, [true], { intervalSeconds: 0.02 }, true);
  await until(() => probes.length > 5);
  assert.deepEqual(said, []);
});
