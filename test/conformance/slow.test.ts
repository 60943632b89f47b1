/** A nats-server that is there and says nothing: requests are answered all the same, and what is told of them is true. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Service } from "@muster/runtime";
import { until } from "@muster/testkit";
import { ask } from "../support/ask.ts";
import { startPlane, type TestPlane } from "../support/control-plane.ts";
import { startTestGateway } from "../support/gateway.ts";
import { SseClient } from "../support/sse.ts";

const WITHIN_MS = 500;
let plane: TestPlane;
let gateway: Service & { http: string };
const signal = (name: "SIGSTOP" | "SIGCONT") => process.kill(plane.server.pid() as number, name);
const create = (id: string) => ask(gateway.http, "POST", "/v2/apps", { id, cmd: "true" });
const statusOf = async (id: string) => (await ask(gateway.http, "GET", `/v2/apps${id}`)).status;

before(async () => {
  plane = await startPlane([]);
  gateway = await startTestGateway(plane.server.url, { httpRequestTimeoutMs: WITHIN_MS });
});
after(async () => {
  signal("SIGCONT");
  await gateway.stop();
  await plane.stop();
});

test("a request that takes too long is answered 503; what had gone out may land, what had not never does", async () => {
  assert.equal((await create("/before")).status, 201);
  const stream = await SseClient.open(`${gateway.http}/v2/events`);
  // Its own coming is told, so nothing is on its way to be stored any more.
  const attached = () => stream.types().filter((type) => type === "event_stream_attached").length;
  await until(() => attached() === 1, { withinMs: 10_000, what: "the stream" });
  signal("SIGSTOP");
  const startedAt = performance.now();
  const sent = await create("/sent");
  const behind = await create("/behind");
  assert.ok(performance.now() - startedAt < 8 * WITHIN_MS, "both are answered in time");
  for (const { status, headers, json } of [sent, behind])
    assert.deepEqual([status, headers.get("retry-after"), json.code], [503, "1", "cluster.timeout"]);
  assert.match(String(sent.json.message), /within 0\.5 s .*may still take effect/);
  assert.match(String(behind.json.message), /Nothing was changed, and nothing will be/);
  assert.equal(await statusOf("/before"), 200, "what is known is told");
  signal("SIGCONT");
  await until(async () => (await statusOf("/sent")) === 200, {
    withinMs: 10_000,
    what: "the change that had gone out",
  });
  assert.equal((await create("/later")).status, 201);
  assert.equal(await statusOf("/behind"), 404);
  assert.equal(stream.isEnded, false, "a stream is no request that takes long");
  await until(() => stream.types().includes("api_post_event"), { withinMs: 10_000, what: "an event after all that" });
  stream.leave();
});
