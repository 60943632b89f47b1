import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTcpServer, type Server } from "node:net";
import { type TestContext, test } from "node:test";
import { type CheckResponse, READINESS_BODY_MAX, type ReadinessCheck } from "@muster/contracts";
import { until } from "@muster/testkit";
import type { Running } from "../host/runtime.ts";
import { UNREADY_TOLD_FROM_MS } from "../limits.ts";
import { checkedTask, fakeRunning } from "../testing/checkedTask.ts";
import { instanceDocument, readinessCheck } from "../testing/documents.ts";
import { startReadiness } from "./readiness.ts";

type T = { after(work: () => void): void };
type Said = { ready: boolean; message: string; response: CheckResponse | null };

async function listen(t: T, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => void server.close());
  return (server.address() as { port: number }).port;
}
const http = (t: T, answer: RequestListener): Promise<number> => listen(t, createServer(answer));

function watched(
  t: T,
  port: number | null,
  check: Partial<ReadinessCheck> = {},
  more: { ready?: boolean; addressOf?: Running["addressOf"] } = {},
): Said[] {
  const { ready = false, addressOf } = more;
  const said: Said[] = [];
  const task = checkedTask({
    record: instanceDocument({ readinessChecks: [{ check: readinessCheck(check), port }] }),
    running: fakeRunning(addressOf === undefined ? {} : { addressOf }),
    ready,
    answered: (now, message, response) => said.push({ ready: now, message, response }),
  });
  const checks = startReadiness(task);
  t.after(() => checks.stop());
  return said;
}

/** A check whose answers come from a list, the last one for ever, on a clock that the test turns. */
function turned(t: TestContext, answers: readonly number[], ready = false) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const said: Said[] = [];
  let [asked, nowMs] = [0, 0];
  const task = checkedTask({
    record: instanceDocument({ readinessChecks: [{ check: readinessCheck({ intervalSeconds: 10 }), port: 1 }] }),
    ready,
    answered: (now, message, response) => said.push({ ready: now, message, response }),
  });
  const checks = startReadiness(task, {
    clock: () => nowMs,
    dice: () => 0.5,
    ask: async () => {
      asked += 1;
      const status = answers[Math.min(asked, answers.length) - 1] as number;
      return { status, detail: `answered ${status}`, response: null };
    },
  });
  t.after(() => checks.stop());
  return {
    said,
    asked: () => asked,
    async pass(seconds: number): Promise<void> {
      for (let i = 0; i < seconds * 10; i += 1) {
        nowMs += 100;
        t.mock.timers.tick(100);
        for (let turn = 0; turn < 5; turn += 1) await null;
      }
    },
  };
}

test("a task that answers 503 and then 200 is told ready, and never asked again", async (t) => {
  const { said, asked, pass } = turned(t, [503, 503, 200]);
  await pass(600);
  assert.deepEqual(said, [{ ready: true, message: "answered 200", response: null }]);
  assert.equal(asked(), 3);
});

test("a task that is not ready is told so once, for as long as it answers the same; from then on it is asked once an interval", async (t) => {
  const { said, asked, pass } = turned(t, [503]);
  await pass(60);
  const before = asked();
  await pass(600);
  assert.deepEqual(said, [{ ready: false, message: "answered 503", response: null }]);
  assert.equal(asked() - before, 60);
});

test("a task that was ready before its agent was away is not asked", async (t) => {
  const { said, asked, pass } = turned(t, [200], true);
  await pass(600);
  assert.deepEqual([said.length, asked()], [0, 0]);
});

test("a task that starts quickly is seen to be ready long before its interval is over", async (t) => {
  const startedMs = performance.now();
  let asked = 0;
  const port = await http(t, (_, response) => {
    asked += 1;
    response.writeHead(asked === 1 ? 503 : 200).end();
  });
  const said = watched(t, port, { intervalSeconds: 60 });
  await until(() => said.length > 0);
  assert.equal(said[0]?.ready, true);
  assert.ok(performance.now() - startedMs < UNREADY_TOLD_FROM_MS);
});

test("a port at which nobody listens is not ready, which is told with its reason", async (t) => {
  const said = watched(t, 1, { intervalSeconds: 0.2, timeoutSeconds: 0.1 });
  await until(() => said.length > 0, { withinMs: UNREADY_TOLD_FROM_MS + 2_000 });
  assert.equal(said[0]?.ready, false);
  assert.match(said[0]?.message ?? "", /^HTTP \/ on port 1: .*ECONNREFUSED/);
});

test("each other answer of a task that is not ready is told, with the answer where it is kept", async (t) => {
  const startedMs = performance.now();
  const bodyNow = () => (performance.now() - startedMs < UNREADY_TOLD_FROM_MS + 500 ? "loading" : "é".repeat(5_000));
  const port = await http(t, (_, response) => response.writeHead(503, { "content-type": "text/plain" }).end(bodyNow()));
  const said = watched(t, port, { intervalSeconds: 0.1, timeoutSeconds: 0.09, preserveLastResponse: true });
  await until(() => said.length >= 2, { withinMs: 5_000 });
  assert.deepEqual(said[0]?.response, { status: 503, contentType: "text/plain", body: "loading" });
  assert.equal(said[1]?.response?.body, "é".repeat(READINESS_BODY_MAX));
});

test("an answer whose body never ends counts, with as much as came", async (t) => {
  const port = await http(t, (_, response) => void response.writeHead(200).write("so far"));
  const said = watched(t, port, { intervalSeconds: 0.6, timeoutSeconds: 0.3, preserveLastResponse: true });
  await until(() => said.length > 0, { withinMs: 3_000 });
  assert.deepEqual(said[0], {
    ready: true,
    message: `HTTP / on port ${port} answered 200`,
    response: { status: 200, contentType: "", body: "so far" },
  });
});

for (const [about, answer, part] of [
  ["says nothing", () => {}, /did not answer within 0.1 s/],
  ["speaks no HTTP", (socket: { end(text: string): void }) => socket.end("hello\n"), /Parse Error/],
] as const)
  test(`a task that ${about} is not ready`, async (t) => {
    const server = createTcpServer((socket) => {
      socket.on("error", () => {});
      t.after(() => socket.destroy());
      answer(socket);
    });
    const said = watched(t, await listen(t, server), { intervalSeconds: 0.2, timeoutSeconds: 0.1 });
    await until(() => said.length > 0, { withinMs: 4_000 });
    assert.equal(said[0]?.ready, false);
    assert.match(said[0]?.message ?? "", part);
  });

test("the status codes of the check count, and nothing else", async (t) => {
  const port = await http(t, (_, response) => response.writeHead(302, { location: "/" }).end());
  const said = watched(t, port, { httpStatusCodesForReady: [301, 302] });
  await until(() => said.length > 0);
  assert.equal(said[0]?.ready, true);
  const other = watched(t, port, { intervalSeconds: 0.2, timeoutSeconds: 0.1 });
  await until(() => other.length > 0, { withinMs: 3_000 });
  assert.equal(other[0]?.ready, false);
});

for (const [about, port, check, more, part] of [
  ["no port", null, {}, {}, /no port to be checked at/],
  ["a port no network leads to", 80, {}, { addressOf: () => null }, /no network leads to its port 80/],
  ["a path that no request can hold", 80, { path: "/a b" }, {}, /unescaped characters/],
] as const)
  test(`a check with ${about} is never ready, and says why`, async (t) => {
    const said = watched(t, port, { intervalSeconds: 0.2, timeoutSeconds: 0.1, ...check }, more);
    await until(() => said.length > 0, { withinMs: 3_000 });
    assert.equal(said[0]?.ready, false);
    assert.match(said[0]?.message ?? "", part);
  });
