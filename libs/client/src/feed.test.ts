import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  cloudEvent,
  DEPLOYMENT_BEGINNING,
  type DeploymentDocument,
  type DeploymentProgress,
  HEADER,
  type InstanceView,
  instanceId,
  keySubject,
  keys,
  LogsRequestSchema,
  MusterError,
  STATE_BUCKET,
  subjects,
  taskEventType,
} from "@muster/contracts";
import { connectNats, type Nats, provision } from "@muster/runtime";
import { type NatsServer, startNatsServer, until } from "@muster/testkit";
import { createClient } from "./client.ts";
import { type FeedEvent, readEvents } from "./events.ts";
import { fakeGateway } from "./fake-gateway.ts";
import { followDeployment } from "./follow.ts";
import { type LogChunk, readLogs } from "./logs.ts";

let server: NatsServer;
let nats: Nats;
before(async () => {
  server = await startNatsServer();
  nats = await connectNats({ url: server.url }, { name: "test", waitMs: 10_000 });
  await provision(nats, { replicas: 1 });
});
after(async () => {
  await nats?.connection.close();
  await server?.stop();
});

const client = () => createClient(nats, { from: "test", patienceMs: 100 });

async function tellFact(app: string, slot: number, state: "running" | "failed"): Promise<void> {
  const ref = { app, slot, attempt: 1 };
  const event = cloudEvent(
    { type: taskEventType(state), id: `${app}${slot}${state}`, subject: instanceId(ref), data: { app, slot, state } },
    { source: "test", atMs: Date.now(), traceparent: null },
  );
  await nats.js.publish(subjects.fact("n1", ref, state), JSON.stringify(event));
}

async function tellDeployment(app: string, id: string): Promise<void> {
  const event = cloudEvent(
    { type: "muster.deployment.ended", id: `e-${id}`, subject: id, data: { app, id, state: "succeeded" } },
    { source: "test", atMs: Date.now(), traceparent: null },
  );
  await nats.js.publish(
    keySubject(STATE_BUCKET, keys.event("deployment", id, "ended", event.id)),
    JSON.stringify(event),
  );
}

async function collect(feed: AsyncIterable<FeedEvent>): Promise<string[]> {
  const seen: string[] = [];
  for await (const { event } of feed) seen.push(`${event.type} ${event.subject}`);
  return seen;
}
const stored = async () => (await nats.jsm.streams.info("MUSTER_EVENTS")).state;

test("events are read from a sequence, from a time, of one app, and new ones as they come", async () => {
  await tellFact("/a", 0, "running");
  await tellFact("/b", 0, "running");
  await until(async () => (await stored()).messages === 2);
  const lastMs = Date.parse((await stored()).last_ts);
  const between = await until(() => (Date.now() > lastMs + 1 ? Date.now() : null));
  await tellFact("/a", 0, "failed");
  await tellDeployment("/a", "d1");
  await tellDeployment("/b", "d2");
  await until(async () => (await stored()).messages === 5);

  const all = await collect(readEvents(nats, { from: { type: "sequence", sequence: 0 } }));
  assert.equal(all.length, 5);
  assert.deepEqual(await collect(readEvents(nats, { from: { type: "sequence", sequence: 5 } })), all.slice(4));
  const later = await collect(readEvents(nats, { from: { type: "time", atMs: between } }));
  assert.deepEqual(later.toSorted(), all.filter((one) => !one.includes("running")).toSorted());
  const future = { type: "time", atMs: Date.now() + 60_000 } as const;
  assert.deepEqual(await collect(readEvents(nats, { from: future })), []);
  const ofA = await collect(readEvents(nats, { from: { type: "sequence", sequence: 1 }, app: "/a" }));
  assert.deepEqual(ofA.toSorted(), [
    "muster.deployment.ended d1",
    "muster.task.failed a.0.1",
    "muster.task.running a.0.1",
  ]);

  const stop = new AbortController();
  const fresh: string[] = [];
  const following = (async () => {
    const feed = readEvents(nats, { from: { type: "new" }, app: "/c", follow: true, signal: stop.signal });
    for await (const { event } of feed) fresh.push(event.subject);
  })();
  let slot = 0;
  await until(async () => {
    await tellFact("/b", slot, "running");
    await tellFact("/c", slot, "running");
    slot += 1;
    return fresh.length >= 2;
  });
  stop.abort();
  await following;
  assert.ok(fresh.every((subject) => subject.startsWith("c.")));
});

type World = { deployment: DeploymentDocument; instances: InstanceView[] };
const world = (app: string): World => ({
  deployment: {
    id: "d1",
    app,
    ...DEPLOYMENT_BEGINNING,
    action: "start",
    fromVersion: null,
    version: 1,
    instances: 1,
    startedAtMs: 1_000,
    by: { who: "test", from: "test" },
    trace: null,
  },
  instances: [],
});
const instance = (state: InstanceView["state"], sinceMs = 2_000): InstanceView => ({
  id: "f.0.1",
  app: "/f",
  slot: 0,
  attempt: 1,
  version: 1,
  state,
  goodFor: null,
  healthy: null,
  ready: null,
  agent: "n1",
  host: null,
  ports: [],
  pid: null,
  container: null,
  sinceMs,
  startedAtMs: null,
  exitCode: null,
  reason: "",
  message: "",
});
const serve = (of: World) =>
  fakeGateway(nats, ({ path }) => {
    if (path.startsWith("/v1/deployments/")) return { body: of.deployment };
    if (path.startsWith("/v1/instances")) return { body: { instances: of.instances } };
    return { status: 404, body: { message: path, code: "route.unknown" } };
  });

test("a followed deployment is told state by state, looked at when an event comes, and ends with it", async () => {
  const seen = world("/f");
  const gateway = serve(seen);
  const states: DeploymentProgress[] = [];
  const following = (async () => {
    for await (const state of followDeployment(client(), nats, "/f", "d1")) states.push(state);
  })();
  await until(() => states.length === 1);
  const looks = () => gateway.heard.filter(({ path }) => path.startsWith("/v1/instances")).length;
  seen.instances = [instance("running"), { ...instance("failed", 500), id: "f.0.0", attempt: 0 }];
  const before = looks();
  for (let slot = 0; slot < 50; slot += 1) await tellFact("/f", slot, "running");
  await until(() => states.length === 2);
  assert.deepEqual(
    states[1]?.instances.map(({ id }) => id),
    ["f.0.1"],
    "what ended before it began is not part of it",
  );
  assert.ok(looks() - before < 12, `${looks() - before} looks for 50 events`);
  seen.deployment = { ...seen.deployment, state: "succeeded", endedAtMs: 3_000 };
  await following;
  assert.equal(states.at(-1)?.deployment?.state, "succeeded");
  gateway.stop();
});

test("without any event a followed deployment is still seen to end", async () => {
  const seen = world("/quiet");
  const gateway = serve(seen);
  let last: DeploymentProgress | null = null;
  for await (const state of followDeployment(client(), nats, "/quiet", "d1")) {
    last = state;
    seen.deployment = { ...seen.deployment, state: "failed", message: "no" };
  }
  assert.equal(last?.deployment?.message, "no");
  gateway.stop();
});

test("a fault of the gateway while following is waited out, and a refusal is not", async () => {
  const seen = world("/gone");
  let faults = 3;
  const gateway = fakeGateway(nats, ({ path }) => {
    if (path.startsWith("/v1/instances")) return { body: { instances: [] } };
    const isFaulty = faults > 0 && seen.deployment.instances === 2;
    if (isFaulty) faults -= 1;
    return isFaulty ? { status: 500, body: "broken" } : { body: seen.deployment };
  });
  const states: DeploymentProgress[] = [];
  for await (const state of followDeployment(client(), nats, "/gone", "d1")) {
    states.push(state);
    seen.deployment = { ...seen.deployment, instances: 2, state: "succeeded" };
    await tellFact("/gone", 0, "running");
  }
  gateway.stop();
  assert.deepEqual([states.length, faults], [2, 0]);
  const refusing = fakeGateway(nats, () => ({ status: 422, body: { message: "no", code: "spec.invalid" } }));
  await assert.rejects(async () => {
    for await (const _ of followDeployment(client(), nats, "/gone", "d1")) break;
  }, MusterError);
  refusing.stop();
});

test("an abort ends the following at once", async () => {
  const gateway = serve(world("/f"));
  const stop = new AbortController();
  const startedAt = performance.now();
  for await (const _ of followDeployment(client(), nats, "/f", "d1", { signal: stop.signal }))
    setImmediate(() => stop.abort());
  assert.ok(performance.now() - startedAt < 900);
  gateway.stop();
});

const agent = (id: string, reason = "open") => ({
  id,
  hostname: id,
  address: id,
  capacity: { cpuMillis: 0, memoryMib: 0, diskMib: 0, gpus: 0 },
  used: { cpuMillis: 0, memoryMib: 0, diskMib: 0, gpus: 0 },
  ports: [],
  attributes: {},
  runtimes: ["process"],
  instances: 0,
  incarnation: 1,
  gate: { open: reason === "open", reason, sinceMs: 0 },
  orphans: [],
});
const serveAgents = (...agents: ReturnType<typeof agent>[]) => fakeGateway(nats, () => ({ body: { agents } }));

/** Agents that answer with one chunk each, and those of `silent` with nothing at all. */
function fakeAgents(ids: readonly string[]) {
  return nats.connection.subscribe(subjects.logs, {
    callback: (_error, message) => {
      const request = LogsRequestSchema.parse(message.json());
      for (const id of ids) {
        const chunk = { type: "chunk", agent: id, instance: `${id}.0.1`, stream: "stdout", text: `from ${id}\n` };
        message.respond(JSON.stringify(chunk));
        if (!request.follow) message.respond(JSON.stringify({ type: "end", agent: id, instances: 1 }));
      }
    },
  });
}
const request = { app: "/a", instance: null, streams: ["stdout" as const], tail: null, follow: false };
async function texts(chunks: AsyncIterable<LogChunk>): Promise<string[]> {
  const all: string[] = [];
  for await (const { text } of chunks) all.push(text.trim());
  return all.sort();
}

test("logs end when every agent has said that this was all", async () => {
  const gateway = serveAgents(agent("n1"), agent("n2", "drain"), agent("n3", "unreachable"));
  const agents = fakeAgents(["n1", "n2"]);
  const startedAt = performance.now();
  assert.deepEqual(await texts(readLogs(client(), nats, request)), ["from n1", "from n2"]);
  assert.ok(performance.now() - startedAt < 1_000, "an agent that is unreachable is not waited for");
  agents.unsubscribe();
  gateway.stop();
});

test("an agent that says nothing is waited for only so long, and nobody at all not a moment", async () => {
  const gateway = serveAgents(agent("n1"), agent("n2"));
  const agents = fakeAgents(["n1"]);
  assert.deepEqual(await texts(readLogs(client(), nats, request, { silenceMs: 200 })), ["from n1"]);
  agents.unsubscribe();
  const startedAt = performance.now();
  assert.deepEqual(await texts(readLogs(client(), nats, request)), []);
  assert.ok(performance.now() - startedAt < 1_000);
  gateway.stop();
});

test("followed logs name an inbox for keepalives and go on until they are stopped", async () => {
  const gateway = serveAgents(agent("n1"));
  const agents = fakeAgents(["n1"]);
  let inbox = "";
  const listener = nats.connection.subscribe(subjects.logs, {
    callback: (_error, message) => {
      inbox = message.headers?.get(HEADER.keepalive) ?? "";
    },
  });
  const stop = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    for await (const { text } of readLogs(client(), nats, { ...request, follow: true }, { signal: stop.signal }))
      seen.push(text);
  })();
  await until(() => seen.length === 1);
  assert.match(inbox, /^_INBOX\./);
  stop.abort();
  await following;
  for (const one of [agents, listener]) one.unsubscribe();
  gateway.stop();
});
