import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { type TestContext, test } from "node:test";
import type { Check, CheckResult } from "@muster/contracts";
import type { Running } from "../host/runtime.ts";
import { checkedTask, fakeRunning } from "../testing/checkedTask.ts";
import { instanceDocument } from "../testing/documents.ts";
import { lookAt, startResultCheck } from "./result.ts";

const HTTP = { type: "http", portIndex: 0, port: null, path: "/", scheme: "HTTP" } as const;
const TCP = { type: "tcp", portIndex: 0, port: null } as const;
const checkOf = (probe: Check["probe"], more: Partial<Check> = {}): Check => ({
  probe,
  intervalSeconds: 60,
  timeoutSeconds: 1,
  delaySeconds: 15,
  ...more,
});
const http = (statusCode: number | null): CheckResult => ({ type: "http", statusCode });

/** A check whose answers come from a list, the last one for ever, on a clock that the test turns. */
function watched(t: TestContext, answers: readonly CheckResult[], checkResult: CheckResult | null = null) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const said: CheckResult[] = [];
  let looks = 0;
  const task = checkedTask({
    record: instanceDocument({ check: { check: checkOf(HTTP), port: 1 } }),
    checkResult,
    found: (result) => said.push(result),
  });
  const checks = startResultCheck(task, {
    dice: () => 0.5,
    look: async () => {
      looks += 1;
      return { result: answers[Math.min(looks, answers.length) - 1] as CheckResult, detail: "because" };
    },
  });
  t.after(() => checks.stop());
  return {
    said,
    checks,
    looks: () => looks,
    async pass(seconds: number): Promise<void> {
      t.mock.timers.tick(seconds * 1_000);
      for (let i = 0; i < 5; i += 1) await null;
    },
  };
}

test("a check is made after its delay, then once an interval, and told when its result is another one", async (t) => {
  const { said, looks, pass } = watched(t, [http(200), http(200), http(503), http(503), http(null), http(200)]);
  await pass(14.9);
  assert.equal(looks(), 0);
  await pass(0.2);
  assert.deepEqual([looks(), said], [1, [http(200)]]);
  await pass(59);
  assert.equal(looks(), 1);
  for (let i = 0; i < 6; i += 1) await pass(60);
  assert.equal(looks(), 7);
  assert.deepEqual(said, [http(200), http(503), http(null), http(200)]);
});

test("what was told before the agent was away is not told again, and nothing is after the task's end", async (t) => {
  const { said, looks, pass, checks } = watched(t, [http(200), http(200), http(404)], http(200));
  await pass(15);
  await pass(60);
  assert.deepEqual([looks(), said], [2, []]);
  checks.stop();
  await pass(600);
  assert.deepEqual([looks(), said], [2, []]);
});

test("a result that comes when the task has ended is not told", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const said: CheckResult[] = [];
  const answer = Promise.withResolvers<void>();
  const task = checkedTask({
    record: instanceDocument({ check: { check: checkOf(HTTP), port: 1 } }),
    found: (result) => said.push(result),
  });
  const look = async () => {
    await answer.promise;
    return { result: http(200), detail: "" };
  };
  const checks = startResultCheck(task, { dice: () => 0.5, look });
  t.mock.timers.tick(15_000);
  checks.stop();
  answer.resolve();
  await answer.promise;
  await null;
  assert.deepEqual(said, []);
});

async function serve(t: TestContext, answer: RequestListener): Promise<number> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as { port: number }).port;
}
const find = async (probe: Check["probe"], port: number | null, running: Running = fakeRunning()) =>
  lookAt({ check: checkOf(probe, { timeoutSeconds: 0.1 }), port }, running);

test("an HTTP check finds a status code, of its path and whatever it is, or that there was no answer", async (t) => {
  const port = await serve(t, (request, response) => {
    if (request.url === "/slow") return;
    response.writeHead(request.url === "/deep?x=1" ? 418 : 200).end();
  });
  assert.deepEqual(await find({ ...HTTP, path: "/deep?x=1" }, port), {
    result: http(418),
    detail: `HTTP /deep?x=1 on port ${port} answered 418`,
  });
  assert.deepEqual((await find({ ...HTTP, path: "/slow" }, port)).result, http(null));
  assert.deepEqual((await find({ ...HTTP, scheme: "HTTPS" }, port)).result, http(null));
});

test("a TCP check finds whether somebody listens", async (t) => {
  const port = await serve(t, () => {});
  assert.deepEqual((await find(TCP, port)).result, { type: "tcp", succeeded: true });
  assert.deepEqual((await find(TCP, 1)).result, { type: "tcp", succeeded: false });
});

test("a check without a port, and one no network leads to, find nothing and say why", async () => {
  for (const probe of [HTTP, TCP]) {
    assert.match((await find(probe, null)).detail, /no port to be checked at/);
    assert.match(
      (await find(probe, 80, fakeRunning({ addressOf: () => null }))).detail,
      /no network leads to its port 80/,
    );
  }
});

for (const [about, exec, exitCode, detail] of [
  ["that succeeds", async () => 0, 0, "the command exited with status 0"],
  ["that fails", async () => 3, 3, "the command exited with status 3"],
  ["that takes too long", async () => null, null, "the command took longer than 0.1 s"],
  [
    "that nobody can run",
    () => Promise.reject(new Error("no engine")),
    null,
    "the command could not be run: no engine",
  ],
] as const)
  test(`a command ${about} is found with exit code ${exitCode}`, async () => {
    const found = await find({ type: "exec", command: ["probe", "a b"] }, null, fakeRunning({ exec }));
    assert.deepEqual(found, { result: { type: "command", exitCode }, detail });
  });
