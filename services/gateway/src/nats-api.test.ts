import assert from "node:assert/strict";
import { test } from "node:test";
import { type ApiReply, ApiReplySchema } from "@muster/contracts";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { createApi } from "./api.ts";
import { answerOverNats } from "./nats-api.ts";
import { fakeGateway } from "./testing/fake-gateway.ts";

/** A connection that hands one message to the subscription and joins the parts of its answer. */
async function start() {
  const gateway = await fakeGateway();
  let callback: (error: Error | null, message: Msg) => void = () => undefined;
  const connection = {
    subscribe(subject: string, options: { queue: string; callback: typeof callback }) {
      assert.deepEqual([subject, options.queue], ["muster.api", "gateway"]);
      callback = options.callback;
      return { isClosed: () => false, drain: async () => undefined };
    },
    isClosed: () => false,
  } as unknown as NatsConnection;
  const natsApi = answerOverNats(connection, createApi(gateway));
  const ask = async (request: unknown, headers: Record<string, string> = {}): Promise<ApiReply> => {
    const parts: Uint8Array[] = [];
    callback(null, {
      data: request instanceof Uint8Array ? request : new TextEncoder().encode(JSON.stringify(request)),
      headers: { get: (name: string) => headers[name] ?? "" },
      respond: (data: Uint8Array) => parts.push(data) > 0,
    } as unknown as Msg);
    await natsApi.stop();
    return ApiReplySchema.parse(JSON.parse(Buffer.concat(parts).toString("utf8")));
  };
  return { gateway, ask };
}

test("a request over NATS is answered as over HTTP, its trace goes on, and who asks is remembered", async () => {
  const { gateway, ask } = await start();
  const body = JSON.stringify({ id: "/hello", cmd: "sleep 9" });
  const trace = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01";
  const { status, headers } = await ask({ method: "POST", path: "/v2/apps", body, from: "me" }, { traceparent: trace });
  assert.equal(status, 201);
  assert.equal(headers["x-muster-trace"], "0123456789abcdef0123456789abcdef");
  assert.deepEqual(gateway.state.kind("deployment").get("id-1")?.value.by, { who: "nats", from: "me" });
  const answer = await ask({ method: "GET", path: "/v2/apps?id=hell", body: null, from: "me" });
  assert.equal(JSON.parse(answer.body).apps.length, 1);
});

const malformed = [
  ["no JSON", new TextEncoder().encode("{")],
  ["nothing", new Uint8Array()],
  ["bytes that are no text", new Uint8Array([0xff, 0x00])],
  ["null", null],
  ["a list", []],
  ["another method", { method: "BREW", path: "/", body: null, from: "x" }],
  ["a path without a slash", { method: "GET", path: "v2/apps", body: null, from: "x" }],
  ["a path without an end", { method: "GET", path: `/${"a/".repeat(1_000_000)}`, body: null, from: "x" }],
] as const;
for (const [what, request] of malformed) {
  test(`${what} is answered with 400 and what was expected`, async () => {
    const { ask } = await start();
    const { status, body } = await ask(request);
    assert.equal(status, 400);
    assert.match(JSON.parse(body).message, /expected \{"method"/);
  });
}

test("a path cannot lead to another host", async () => {
  const { ask } = await start();
  for (const path of ["//evil.example/x", "/\\evil.example/x", "/@evil.example"]) {
    assert.equal((await ask({ method: "GET", path, body: null, from: "x" })).status, 404, path);
  }
});

test("a header that no header may hold does no harm", async () => {
  const { ask } = await start();
  const { status } = await ask(
    { method: "POST", path: "/v2/apps", body: "{}", from: "x" },
    { traceparent: "ü\r\nx: y" },
  );
  assert.equal(status, 422);
});
