// Events posted to a callback by two gateways, on a real nats-server: in order, at least once, whoever dies in between.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { cloudEvent, type InstanceRef, instanceId, STREAM, subjects, taskEventType } from "@muster/contracts";
import { decideSubscribe, decideUnsubscribe } from "@muster/core";
import { subscriptionId } from "@muster/gateway/events/callback-url";
import { Callbacks } from "@muster/gateway/events/callbacks";
import { circumstances, connectNats, type Nats, perform, type Service } from "@muster/runtime";
import { freePort, type NatsServer, startNatsServer, until } from "@muster/testkit";
import { openTestCluster } from "../support/control-plane.ts";
import { startTestGateway } from "../support/gateway.ts";
import { serviceProcess } from "../support/processes.ts";

/** A real receiver that can be killed, connections and all, and comes back on the same port. */
class Receiver {
  readonly port: number;
  readonly got: Record<string, unknown>[] = [];
  /** Answers this instead of 200. */
  status = 200;
  /** Never answers. */
  holds = false;
  held = 0;
  #server: Server | null = null;
  constructor(port: number) {
    this.port = port;
  }
  get url(): string {
    return `http://127.0.0.1:${this.port}/events?of=muster`;
  }
  start(): Promise<void> {
    const server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8");
      request.on("data", (chunk: string) => {
        body += chunk;
      });
      request.on("end", () => {
        assert.equal(request.headers["content-type"], "application/json");
        if (this.holds) {
          this.held += 1;
          return;
        }
        if (this.status === 200) this.got.push(JSON.parse(body));
        response.writeHead(this.status).end();
      });
    });
    this.#server = server;
    return new Promise((resolve) => server.listen(this.port, "127.0.0.1", resolve));
  }
  async kill(): Promise<void> {
    const server = this.#server;
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve) ?? resolve(null));
  }
  /** Attempts of an app's instances in the order in which they were posted, each only where it is not just posted again. */
  attempts(app: string): number[] {
    const all = this.got
      .filter(({ eventType, appId }) => eventType === "status_update_event" && appId === app)
      .map(({ taskId }) => Number(String(taskId).split(".").at(-1)));
    return all.filter((attempt, i) => attempt !== all[i - 1]);
  }
}

let server: NatsServer;
let nats: Nats;
const gateways: (Service & { http: string })[] = [];
let receiver: Receiver;

before(async () => {
  server = await startNatsServer();
  for (let i = 0; i < 2; i += 1) gateways.push(await startTestGateway(server.url));
  nats = await connectNats({ url: server.url }, { name: "event subscriptions test", waitMs: 10_000 });
  receiver = new Receiver(await freePort());
  await receiver.start();
});
after(async () => {
  for (const gateway of gateways) await gateway.stop();
  await receiver?.kill();
  await nats?.connection.close();
  await server?.stop();
});

async function ask(method: string, callbackUrl: string | null, of = 0) {
  const query = callbackUrl === null ? "" : `?callbackUrl=${encodeURIComponent(callbackUrl)}`;
  const response = await fetch(`${gateways[of]?.http}/v2/eventSubscriptions${query}`, { method });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const durables = async () =>
  (await nats.jsm.consumers.list(STREAM.events).next()).filter(({ name }) => name.startsWith("callback-"));

async function tell(app: string, attempts: readonly number[]): Promise<void> {
  for (const attempt of attempts) {
    const ref: InstanceRef = { app, slot: 0, attempt };
    const data = {
      ...ref,
      instance: instanceId(ref),
      version: 1_000,
      agent: "n1",
      hostname: "n1",
      incarnation: 1,
      number: attempt,
      state: "running",
      recordSequence: 1,
      ports: [],
      pid: null,
      container: null,
      exitCode: null,
      signal: null,
      reason: "started",
      message: "started",
      adopted: false,
    };
    const event = cloudEvent(
      { type: taskEventType("running"), id: `${app}.${attempt}`, subject: data.instance, data },
      { source: "test", atMs: Date.now(), traceparent: null },
    );
    await nats.js.publish(subjects.fact("n1", ref, "running"), JSON.stringify(event));
  }
}
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test("what is no callback is refused with the reason", async () => {
  for (const [url, why] of [
    [null, /expected the URL/],
    ["", /expected the URL/],
    ["events", /expected a URL such as/],
    ["ftp://127.0.0.1/x", /expected http or https/],
    ["http://user:secret@127.0.0.1/x", /name and a password/],
    ["http://example.com/x", /example\.com is not this machine/],
    ["http://127.0.0.1.example.com/x", /is not this machine/],
    ["http://169.254.169.254/latest", /is not this machine/],
    [`http://127.0.0.1/${"x".repeat(3_000)}`, /at most 2048 characters/],
  ] as const) {
    const { status, body } = await ask("POST", url);
    assert.equal(status, 422, String(url));
    assert.match(String(body.message), why);
  }
  assert.deepEqual((await ask("GET", null)).body, { callbackUrls: [] });
});

test("a callback gets every event once and in order, whichever gateway has it", { timeout: 60_000 }, async () => {
  const { status, body } = await ask("POST", receiver.url);
  assert.equal(status, 200);
  const { timestamp, ...event } = body;
  assert.deepEqual(event, { eventType: "subscribe_event", clientIp: "127.0.0.1", callbackUrl: receiver.url });
  assert.match(String(timestamp), /Z$/);
  assert.equal((await ask("POST", receiver.url, 1)).status, 200, "again, at the other gateway");
  await until(async () => (await ask("GET", null, 1)).body.callbackUrls, { what: "the list" });
  await tell("/calm", range(0, 200));
  await until(() => receiver.attempts("/calm").length === 200, {
    withinMs: 20_000,
    what: () => `200 events (${receiver.attempts("/calm").length})`,
  });
  assert.deepEqual(receiver.attempts("/calm"), range(0, 200));
  const updates = receiver.got.filter(({ eventType }) => eventType === "status_update_event");
  assert.equal(updates.length, 200, "none twice");
  const ownEvents = () => receiver.got.filter(({ eventType }) => eventType === "subscribe_event").length;
  await until(() => ownEvents() > 0, { what: "the event of its own subscription" });
  assert.equal(ownEvents(), 1);
  assert.equal((await durables()).length, 1);
});

test("a receiver that is killed and comes back, or answers with errors for a while, misses nothing", {
  timeout: 120_000,
}, async () => {
  const telling = tell("/flaky", range(0, 400));
  await until(() => receiver.attempts("/flaky").length > 50, { withinMs: 20_000, what: "some events" });
  await receiver.kill();
  await telling;
  const had = receiver.attempts("/flaky").length;
  assert.ok(had < 400);
  await receiver.start();
  await until(() => receiver.attempts("/flaky").length > had + 50, { withinMs: 30_000, what: "more events" });
  receiver.status = 503;
  const paused = receiver.attempts("/flaky").length;
  await until(async () => ((await durables())[0]?.num_redelivered ?? 0) > 0, {
    withinMs: 20_000,
    what: "a repeated try",
  });
  assert.equal(receiver.attempts("/flaky").length, paused);
  receiver.status = 200;
  await until(() => receiver.attempts("/flaky").length >= 400, { withinMs: 30_000, what: "all events" });
  assert.deepEqual(receiver.attempts("/flaky"), range(0, 400));
});

test("when one gateway goes in the middle, the other one goes on", { timeout: 60_000 }, async () => {
  const telling = tell("/moving", range(0, 400));
  await until(() => receiver.attempts("/moving").length > 50, { withinMs: 20_000, what: "some events" });
  await gateways[0]?.stop();
  gateways.shift();
  await telling;
  await until(() => receiver.attempts("/moving").length >= 400, { withinMs: 30_000, what: "all events" });
  assert.deepEqual(receiver.attempts("/moving"), range(0, 400));
});

test("when a gateway is killed in the middle, another one goes on with what it had in hand", {
  timeout: 90_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "muster-callbacks-"));
  const doomed = serviceProcess("gateway", "doomed", [`--nats-url=${server.url}`, "--http-port=0"], folder, {
    MUSTER_LOG_LEVEL: "info",
  });
  try {
    doomed.start();
    await until(async () => (await doomed.log()).includes("the HTTP API listens"), {
      withinMs: 30_000,
      what: "a gateway of its own process",
    });
    // Alone it has every event.
    await gateways.pop()?.stop();
    const telling = tell("/killed", range(0, 400));
    await until(() => receiver.attempts("/killed").length > 50, { withinMs: 20_000, what: "some events" });
    receiver.holds = true;
    await until(() => receiver.held > 0, { what: "an event in the middle of its delivery" });
    await doomed.kill();
    receiver.holds = false;
    await telling;
    gateways.push(await startTestGateway(server.url));
    await until(() => receiver.attempts("/killed").length >= 400, { withinMs: 40_000, what: "all events" });
    assert.deepEqual(receiver.attempts("/killed"), range(0, 400));
  } finally {
    await doomed.kill();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});

test("a callback that takes nothing for long is told as suspended, once, and as resumed when it does", {
  timeout: 90_000,
}, async () => {
  const cluster = await openTestCluster(server.url);
  const other = new Receiver(await freePort());
  await other.start();
  other.status = 503;
  await gateways.pop()?.stop();
  const callbacks = new Callbacks({
    nats: cluster.nats,
    state: cluster.state,
    commit: async (decide) => void (await perform(cluster.nats, cluster.stateCommitter, "/test", decide)),
    retryAfterMs: () => 5,
  });
  const told = async (name: string) => {
    const subject = `muster.events.subscription.${subscriptionId(other.url)}.${name}`;
    const { state } = await nats.jsm.streams.info(STREAM.events, { subjects_filter: subject });
    return state.subjects?.[subject] ?? 0;
  };
  const asked = {
    id: subscriptionId(other.url),
    callbackUrl: other.url,
    by: { who: "test", from: "test" },
    trace: null,
  };
  try {
    const fromSequence = (await nats.jsm.streams.info(STREAM.events)).state.last_seq + 1;
    await perform(
      cluster.nats,
      cluster.stateCommitter,
      "/test",
      () => decideSubscribe(cluster.state, { ...asked, fromSequence }, circumstances()).decision,
    );
    await tell("/long", range(0, 10));
    await until(async () => (await told("suspended")) > 0, { withinMs: 20_000, what: "the suspension" });
    assert.deepEqual([await told("suspended"), await told("resumed")], [1, 0]);
    other.status = 200;
    await until(() => other.attempts("/long").length === 10, { withinMs: 20_000, what: "what it had not taken" });
    assert.deepEqual(other.attempts("/long"), range(0, 10));
    await until(async () => (await told("resumed")) > 0, { withinMs: 20_000, what: "the resumption" });
    assert.deepEqual([await told("suspended"), await told("resumed")], [1, 1]);
    await perform(
      cluster.nats,
      cluster.stateCommitter,
      "/test",
      () => decideUnsubscribe(cluster.state, asked, circumstances()).decision,
    );
  } finally {
    await callbacks.stop();
    await cluster.close();
    await other.kill();
    gateways.push(await startTestGateway(server.url));
  }
});

test("a callback that is removed gets nothing more, and leaves nothing behind", { timeout: 60_000 }, async () => {
  const { status, body } = await ask("DELETE", receiver.url);
  assert.deepEqual([status, body.eventType, body.callbackUrl], [200, "unsubscribe_event", receiver.url]);
  assert.deepEqual((await ask("GET", null)).body, { callbackUrls: [] });
  await until(async () => (await durables()).length === 0, { what: "no consumer" });
  const before = receiver.got.length;
  await tell("/after", range(0, 20));
  assert.equal((await ask("DELETE", receiver.url)).status, 200, "once more");
  // Another receiver that gets them shows that they have been told.
  const other = new Receiver(await freePort());
  await other.start();
  try {
    assert.equal((await ask("POST", other.url)).status, 200);
    await tell("/after", range(20, 40));
    await until(() => other.attempts("/after").length === 20, { withinMs: 20_000, what: "events at the other one" });
    assert.deepEqual(other.attempts("/after"), range(20, 40), "from its subscription on");
    assert.equal(receiver.got.length, before);
  } finally {
    await ask("DELETE", other.url);
    await other.kill();
  }
});
