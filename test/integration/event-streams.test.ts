// Event streams over HTTP on a real nats-server: complete, in order, resumable, and bounded.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { createClient } from "@muster/client";
import { cloudEvent, type InstanceRef, instanceId, STREAM, subjects, taskEventType } from "@muster/contracts";
import { connectNats, type Nats, type Service } from "@muster/runtime";
import { type NatsServer, startNatsServer, until } from "@muster/testkit";
import { startTestGateway } from "../support/gateway.ts";
import { SseClient } from "../support/sse.ts";

let server: NatsServer;
let nats: Nats;
let gateway: Service & { http: string };
const clients: SseClient[] = [];

before(async () => {
  server = await startNatsServer();
  gateway = await startTestGateway(server.url);
  nats = await connectNats({ url: server.url }, { name: "event streams test", waitMs: 10_000 });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.leave();
});
after(async () => {
  await gateway?.stop();
  await nats?.connection.close();
  await server?.stop();
});

async function open(path: string, headers: Record<string, string> = {}, of = gateway): Promise<SseClient> {
  const client = await SseClient.open(`${of.http}${path}`, headers);
  clients.push(client);
  return client;
}

let told = 0;
let lastTold = "";
/** Publishes facts of an app's instance, as agents do, many at once. */
async function tell(app: string, count: number, message = "started"): Promise<void> {
  const publishing = Array.from({ length: count }, () => {
    told += 1;
    const ref: InstanceRef = { app, slot: 0, attempt: told };
    lastTold = subjects.taskEvent(ref, "running");
    const data = {
      instance: instanceId(ref),
      ...ref,
      version: 1_000,
      agent: "n1",
      hostname: "n1",
      incarnation: 1,
      number: told,
      state: "running",
      recordSequence: 1,
      ports: [],
      pid: null,
      container: null,
      exitCode: null,
      signal: null,
      reason: "started",
      message,
      adopted: false,
    };
    const event = cloudEvent(
      { type: taskEventType("running"), id: `test.${told}`, subject: data.instance, data },
      { source: "test", atMs: Date.now(), traceparent: null },
    );
    return nats.js.publish(subjects.fact("n1", ref, "running"), JSON.stringify(event));
  });
  await Promise.all(publishing);
}
const lastSequence = async () => (await nats.jsm.streams.info(STREAM.events)).state.last_seq;
/** The last fact that was told has come to the stream of events, which sources them in their order, a little later. */
const untilStored = () =>
  until(() => nats.jsm.streams.getMessage(STREAM.events, { last_by_subj: lastTold }), {
    what: "all facts in the stream of events",
  });
const refusal = async (path: string, headers: Record<string, string> = {}) => {
  const response = await fetch(`${gateway.http}${path}`, { headers });
  return {
    status: response.status,
    headers: response.headers,
    ...((await response.json()) as { code: string; message: string }),
  };
};

test("who has not asked for an event stream gets none, and is told how", async () => {
  for (const [path, headers] of [
    ["/v2/events", {}],
    ["/v1/events", { accept: "application/json" }],
    ["/v2/events", { accept: "text/event-stream;q=0" }],
  ] as const) {
    const refused = await refusal(path, headers);
    assert.deepEqual([refused.status, refused.code, refused.headers.get("allow")], [405, "stream.refused", "GET"]);
    assert.match(refused.message, /Accept: text\/event-stream/);
  }
  const head = await fetch(`${gateway.http}/v2/events`, { method: "HEAD", headers: { accept: "text/event-stream" } });
  assert.equal(head.status, 405);
  const accept = { accept: "application/json, text/event-stream" };
  for (const [path, headers, place] of [
    ["/v2/events", { ...accept, "last-event-id": "yesterday" }, "Last-Event-ID"],
    ["/v2/events?lastEventId=0.5", accept, "?lastEventId"],
    ["/v2/events?plan-format=heavy", accept, "?plan-format"],
    ["/v1/events?subject=muster..web", accept, "?subject"],
    ["/v1/events?subject=muster.%3E.web", accept, "?subject"],
  ] as const) {
    const refused = await refusal(path, headers);
    assert.deepEqual(
      [refused.status, refused.code, refused.message.split(": ")[0]],
      [422, "spec.invalid", place],
      path,
    );
  }
  const reply = await createClient(nats, { from: "test" }).request({ method: "GET", path: "/v2/events" });
  assert.equal(reply.status, 405);
  assert.match(reply.body, /over NATS subscribe to muster\.events\.>/);
});

test("an app's creation is told as Marathon tells it, with ids that are places in the stream", async () => {
  const [all, some] = [
    await open("/v2/events"),
    await open("/v2/events?event_type=api_post_event&event_type=deployment_info"),
  ];
  assert.equal(all.headers["content-type"], "text/event-stream");
  assert.match(all.headers["cache-control"] ?? "", /no-store/);
  const app = { id: "/shop/web", cmd: "sleep 1000", healthChecks: [{ protocol: "TCP" }] };
  const created = await fetch(`${gateway.http}/v2/apps`, { method: "POST", body: JSON.stringify(app) });
  assert.equal(created.status, 201);
  await until(() => some.frames.length === 2, { what: "the two events that were asked for" });
  assert.deepEqual(some.types(), ["api_post_event", "deployment_info"]);
  const posted = all.frames.find(({ event }) => event === "api_post_event");
  assert.deepEqual([posted?.data.clientIp, posted?.data.uri], ["127.0.0.1", "/v2/apps"]);
  assert.equal((posted?.data.appDefinition as { cmd?: string } | undefined)?.cmd, "sleep 1000");
  await until(() => all.types().includes("deployment_info"), { what: "the deployment" });
  const ofApp = all.frames.filter(({ event }) => !event.startsWith("event_stream"));
  assert.deepEqual(
    ofApp.map(({ event }) => event),
    ["api_post_event", "add_health_check_event", "group_change_success", "deployment_info"],
  );
  for (const { event, data } of all.frames) {
    assert.equal(data.eventType, event);
    assert.match(String(data.timestamp), /^\d{4}-\d\d-\d\dT.*Z$/);
  }
  const tool = await open("/v2/events?event_type=scheduler_registered_event");
  await until(() => tool.comments.some((line) => /nothing here is told as "scheduler_registered_event"/.test(line)), {
    what: "a remark about a type that never comes",
  });
  const ids = ofApp.map(({ id }) => Number(id));
  assert.deepEqual(
    ofApp.map(({ id }) => id),
    [`${ids[1]}.1`, `${ids[1]}`, `${ids[3]}.1`, `${ids[3]}`],
  );
  const attached = all.frames.filter(({ event }) => event === "event_stream_attached");
  assert.deepEqual(
    attached.map(({ data }) => data.remoteAddress),
    ["127.0.0.1", "127.0.0.1"],
    "its own, and the other's",
  );
});

test("what another gateway changes is told with all that belongs to it", { timeout: 60_000 }, async () => {
  const other = await startTestGateway(server.url);
  try {
    const client = await open("/v2/events?event_type=api_post_event", {}, other);
    const ids = Array.from({ length: 200 }, (_, i) => `/many/app${i}`);
    const post = (id: string) =>
      fetch(`${gateway.http}/v2/apps`, { method: "POST", body: JSON.stringify({ id, cmd: `sleep 1000 # ${id}` }) });
    for (let at = 0; at < ids.length; at += 20) await Promise.all(ids.slice(at, at + 20).map(post));
    await until(() => client.frames.length === ids.length, { what: () => `all apps (${client.frames.length})` });
    const told = client.frames.map(
      ({ data }) => [data.clientIp, data.appDefinition as { id: string; cmd?: string }] as const,
    );
    for (const [clientIp, { id, cmd }] of told) assert.deepEqual([clientIp, cmd], ["127.0.0.1", `sleep 1000 # ${id}`]);
  } finally {
    await other.stop();
  }
});

test("a client that goes away and comes back again and again under load misses nothing and sees nothing twice", {
  timeout: 120_000,
}, async () => {
  const first = await lastSequence();
  const seen: string[] = [];
  let isOver = false;
  const loading = (async () => {
    for (let i = 0; i < 60; i += 1) await tell("/load", 100);
    await untilStored();
    isOver = true;
  })();
  const path = "/v2/events?event_type=status_update_event&event_type=instance_changed_event";
  let [lastId, visits] = [String(first), 0];
  for (;;) {
    const client = await open(path, { "last-event-id": lastId });
    visits += 1;
    const wanted = 50 * (visits % 9) + 1;
    await until(() => client.frames.length >= wanted || (isOver && seen.length + client.frames.length >= 12_000), {
      withinMs: 30_000,
      what: `${wanted} frames (${seen.length} before, ${client.frames.length} now)`,
    });
    client.leave();
    seen.push(...client.frames.map(({ id, event }) => `${id} ${event}`));
    lastId = client.lastId ?? lastId;
    if (seen.length >= 12_000) break;
  }
  await loading;
  assert.ok(visits > 20, `${visits} visits`);
  const whole = await open(path, { "last-event-id": String(first) });
  await until(() => whole.frames.length >= 12_000, { withinMs: 30_000, what: "the whole story" });
  assert.deepEqual(
    seen,
    whole.frames.map(({ id, event }) => `${id} ${event}`),
  );
  assert.equal(new Set(seen.map((one) => one.split(" ")[0])).size, 12_000, "no id twice");
});

test("an event that is several of Marathon's is gone on with in its middle", async () => {
  const before = await lastSequence();
  await tell("/middle", 1);
  await untilStored();
  const whole = await open("/v2/events", { "last-event-id": String(before) });
  const ofApp = () => whole.frames.filter(({ data }) => data.appId === "/middle" || data.runSpecId === "/middle");
  await until(() => ofApp().length === 2, { what: "both events of the fact" });
  const [one, two] = ofApp();
  assert.equal(one?.id, `${two?.id}.1`);
  const rest = await open(`/v2/events?lastEventId=${one?.id}`);
  await until(() => rest.frames.length > 0, { what: "the rest" });
  assert.deepEqual(rest.frames[0], two);
});

test("our own events are streamed as they stand, by subject", async () => {
  const before = await lastSequence();
  await tell("/one/web", 2);
  await tell("/two", 1);
  await untilStored();
  const path = (subject: string) => `/v1/events?subject=${encodeURIComponent(subject)}`;
  const headers = { "last-event-id": String(before) };
  const [ofOne, ofAll] = [
    await open(path("muster.events.task.one_web.>"), headers),
    await open(path("muster.events.task.*.*.*.running"), headers),
  ];
  await until(() => ofAll.frames.length === 3 && ofOne.frames.length === 2, { what: "the events by subject" });
  assert.deepEqual(new Set(ofOne.frames.map(({ data }) => (data.data as { app: string }).app)), new Set(["/one/web"]));
  for (const { event, data } of ofAll.frames) assert.deepEqual([data.specversion, data.type], ["1.0", event]);
  const raw = await nats.jsm.streams.getMessage(STREAM.events, { seq: Number(ofAll.frames[0]?.id) });
  assert.deepEqual(ofAll.frames[0]?.data, raw?.json());
});

test("a client that does not read is cut off, and holds up nobody meanwhile", { timeout: 120_000 }, async () => {
  const slow = await open("/v2/events");
  const quick = await open("/v2/events");
  await until(() => slow.types().includes("event_stream_attached"), { what: "a slow client that is there" });
  slow.stopReading();
  const before = quick.frames.length;
  for (let i = 0; i < 40; i += 1) await tell("/large", 100, "x".repeat(8_000));
  const isUpdate = ({ data }: { data: Record<string, unknown> }) => data.appId === "/large";
  await until(() => quick.frames.slice(before).filter(isUpdate).length === 4_000, {
    withinMs: 30_000,
    what: () => `all events at the quick client (${quick.frames.filter(isUpdate).length})`,
  });
  await until(() => quick.types().includes("event_stream_detached"), { withinMs: 20_000, what: "the slow one's end" });
  slow.goOnReading();
  await until(() => slow.isEnded, { what: "its connection closed" });
  const had = slow.frames.filter(isUpdate);
  assert.ok(had.length < 4_000, `it had ${had.length}`);
  assert.deepEqual(
    had,
    quick.frames.filter(isUpdate).slice(0, had.length),
    "what it had was complete as far as it went",
  );
  assert.equal(quick.isEnded, false);
  const back = await open("/v2/events?event_type=status_update_event", { "last-event-id": slow.lastId ?? "" });
  await until(() => had.length + back.frames.filter(isUpdate).length === 4_000, {
    withinMs: 30_000,
    what: "the rest of it",
  });
});

test("more clients than may be are told so, and let in when another one leaves", async () => {
  const small = await startTestGateway(server.url, { eventStreams: 2 });
  try {
    const [one] = [await open("/v2/events", {}, small), await open("/v1/events", {}, small)];
    const response = await fetch(`${small.http}/v2/events`, { headers: { accept: "text/event-stream" } });
    assert.deepEqual([response.status, response.headers.get("retry-after")], [503, "1"]);
    const { code, message } = (await response.json()) as { code: string; message: string };
    assert.equal(code, "stream.too-many");
    assert.match(message, /2 clients already/);
    one?.leave();
    await until(() => open("/v2/events", {}, small), { what: "room for another one" });
    const startedAt = performance.now();
    await small.stop();
    assert.ok(performance.now() - startedAt < 2_500, `stopped after ${performance.now() - startedAt} ms`);
    const last = clients.at(-1);
    await until(() => last?.isEnded, { what: "the stream's end" });
    assert.equal(last?.frames.at(-1)?.event, "muster_stream_closed");
  } finally {
    await small.stop().catch(() => undefined);
  }
});

test("a stream goes on when nats-server was away", { timeout: 60_000 }, async () => {
  const client = await open("/v1/events?subject=muster.events.task.away.>");
  await tell("/away", 3);
  await until(() => client.frames.length === 3, { what: "events before" });
  await server.kill();
  await server.start();
  await until(() => tell("/away", 3).then(() => true), { withinMs: 20_000, what: "a server that takes facts" });
  await until(() => client.frames.length >= 6, { withinMs: 20_000, what: "events afterwards" });
  const ids = client.frames.map(({ id }) => Number(id));
  assert.deepEqual(
    ids,
    [...new Set(ids)].sort((a, b) => a - b),
  );
});

test("a client whose last event is no longer kept, or is not there, is told, and goes on", {
  timeout: 60_000,
}, async () => {
  await tell("/old", 5);
  await untilStored();
  const last = await lastSequence();
  await nats.jsm.streams.purge(STREAM.events, { seq: last - 1 });
  const old = await open("/v1/events", { "last-event-id": "3" });
  await until(() => old.frames.length >= 3, { what: "what is kept" });
  const [gap, ...rest] = old.frames;
  assert.deepEqual([gap?.event, gap?.id, gap?.data.firstSequence], ["muster_stream_gap", null, last - 1]);
  assert.match(String(gap?.data.reason), new RegExp(`before ${last - 1} `));
  assert.deepEqual(
    rest.slice(0, 2).map(({ id }) => Number.parseInt(id ?? "", 10)),
    [last - 1, last],
  );
  const future = await open("/v2/events?event_type=status_update_event", { "last-event-id": "99999999" });
  await until(() => future.frames.length === 1, { what: "the notice" });
  assert.match(String(future.frames[0]?.data.reason), /no event 99999999 yet/);
  await tell("/new", 1);
  await until(() => future.frames.length === 2, { what: "what comes then" });
  assert.equal(future.frames[1]?.data.appId, "/new");
});
