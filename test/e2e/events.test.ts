/** Specs published to a subject, the public feed of events, and messages nobody can handle. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CloudEventSchema, EVENTS, type EventType, STREAM, TaskEventSchema } from "@muster/contracts";
import { connectNats, type Nats } from "@muster/runtime";
import { until } from "@muster/testkit";
import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/transport-node";
import { type ProcessCluster, startProcesses } from "../support/processes.ts";

type Heard = { subject: string; body: string; headers: MsgHdrs | undefined; sequence: number };
let cluster: ProcessCluster;
let nats: Nats;
const heard: Heard[] = [];

before(async () => {
  cluster = await startProcesses({
    agents: [{ id: "n1", flags: ["--resources=cpus:4;mem:4096;ports:[37000-37099]", "--stop-tasks-on-exit"] }],
  });
  nats = await connectNats({ url: cluster.server.url }, { name: "events test" });
  nats.connection.subscribe("muster.events.>", {
    callback: (error, message) => {
      if (error !== null) return;
      heard.push({
        subject: message.subject,
        body: message.string(),
        headers: message.headers,
        sequence: Number(message.headers?.get("Nats-Sequence")),
      });
    },
  });
});
after(async () => {
  await nats.connection.close();
  await cluster.services.get("agent-n1")?.terminate();
  await cluster.stop();
});

const submit = (body: string, msgID?: string, subject = "muster.submit.app") =>
  nats.js.publish(subject, body, msgID === undefined ? {} : { msgID });
const untilHeard = (look: (event: Heard) => boolean, what: string) =>
  until(() => heard.find(look), { withinMs: 20_000, what });
const app = (id: string, more: Record<string, unknown> = {}) =>
  JSON.stringify({ id, cmd: "exec sleep 600", cpus: 0.1, mem: 16, ...more });

/** The durable consumer's whole story, read from the first sequence on. */
async function durable(filter: string): Promise<Heard[]> {
  const name = `reader-${Math.random().toString(36).slice(2)}`;
  await nats.jsm.consumers.add(STREAM.events, {
    durable_name: name,
    filter_subject: filter,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
  });
  const consumer = await nats.js.consumers.get(STREAM.events, name);
  const events: Heard[] = [];
  for (;;) {
    const message = await consumer.next({ expires: 1_000 });
    if (message === null) break;
    events.push({ subject: message.subject, body: message.string(), headers: message.headers, sequence: message.seq });
    message.ack();
  }
  await nats.jsm.consumers.delete(STREAM.events, name);
  return events;
}

test("a published spec is accepted, told of, and runs", { timeout: 60_000 }, async () => {
  await submit(app("/one", { instances: "2", memory: "32", mem: undefined }));
  const accepted = await untilHeard(({ subject }) => subject === "muster.events.app.one.accepted", "the acceptance");
  const event = CloudEventSchema.parse(JSON.parse(accepted.body));
  assert.equal(event.type, "muster.app.accepted");
  const data = EVENTS["muster.app.accepted"].data.parse(event.data);
  assert.equal(data.instances, 2);
  assert.ok(
    data.understood.some((problem) => /mem/.test(problem.path + problem.message)),
    "what was understood is told",
  );
  await until(
    () => heard.filter(({ subject }) => /^muster\.events\.task\.one\.\d+\.\d+\.running$/.test(subject)).length === 2,
    { withinMs: 20_000, what: "two running events" },
  );
});

test("text that is no JSON is rejected with the publisher's message id, and the next spec still runs", {
  timeout: 60_000,
}, async () => {
  const ack = await submit('{ "id": "broken"\n "cmd": "x" }', "my-id-1");
  const rejected = await untilHeard(
    ({ subject }) => subject === `muster.events.submit.${ack.seq}.rejected`,
    "the rejection",
  );
  const data = EVENTS["muster.submit.rejected"].data.parse(JSON.parse(rejected.body).data);
  assert.deepEqual(
    [data.sequence, data.messageId, data.status, data.code],
    [ack.seq, "my-id-1", 400, "json.malformed"],
  );
  assert.equal(data.problems[0]?.line, 2);
  const invalid = await submit(app("/UPPER", { cpus: "many" }), "my-id-2");
  const refused = await untilHeard(
    ({ subject }) => subject === `muster.events.submit.${invalid.seq}.rejected`,
    "the refusal",
  );
  const refusal = EVENTS["muster.submit.rejected"].data.parse(JSON.parse(refused.body).data);
  assert.equal(refusal.status, 422);
  const http = await fetch(`${cluster.http}/v2/apps`, { method: "POST", body: app("/UPPER", { cpus: "many" }) });
  const details = ((await http.json()) as { details: { path: string; errors: string[] }[] }).details;
  assert.deepEqual(
    refusal.problems.map(({ path, message }) => [path, message]),
    details.flatMap(({ path, errors }) => errors.map((error) => [path, error])),
    "the same list as HTTP answers",
  );
  await submit(app("/two"));
  await untilHeard(
    ({ subject }) => /^muster\.events\.task\.two\.\d+\.\d+\.running$/.test(subject),
    "the next spec's task",
  );
});

test("core subscribers and durable consumers see every task event, in order per instance, with sequences to resume from", {
  timeout: 60_000,
}, async () => {
  await submit(app("/story", { instances: 2, cmd: "sleep 0.2; exit 3", backoffSeconds: 600 }));
  await until(
    () => heard.filter(({ subject }) => /^muster\.events\.task\.story\..*\.failed$/.test(subject)).length === 2,
    { withinMs: 20_000, what: "two failures" },
  );
  const all = await durable("muster.events.task.story.>");
  const live = heard.filter(({ subject }) => subject.startsWith("muster.events.task.story."));
  assert.deepEqual(
    live.map(({ subject, sequence, body }) => [subject, sequence, body]),
    all.map(({ subject, sequence, body }) => [subject, sequence, body]),
  );
  const instances = new Set(all.map(({ subject }) => subject.split(".").slice(3, 6).join(".")));
  for (const instance of instances) {
    const states = all
      .filter(({ subject }) => subject.includes(`.${instance}.`))
      .map(({ subject }) => subject.split(".").at(-1));
    assert.deepEqual(states, ["staging", "running", "failed"]);
  }
  for (const { body, headers } of all) {
    const event = TaskEventSchema.parse(JSON.parse(body));
    assert.equal(headers?.get("ce-id"), event.id);
    assert.equal(headers?.get("ce-type"), event.type);
  }
  const third = all[2] as Heard;
  const consumer = await nats.js.consumers.get(STREAM.events, {
    opt_start_seq: third.sequence,
    deliver_policy: DeliverPolicy.StartSequence,
    filter_subjects: ["muster.events.task.story.>"],
  });
  assert.equal((await consumer.next({ expires: 5_000 }))?.seq, third.sequence);
});

test("every event in the feed is described by its schema", async () => {
  const types = new Set<string>();
  for (const { body, subject } of await durable("muster.events.>")) {
    const event = CloudEventSchema.parse(JSON.parse(body));
    types.add(event.type);
    if (subject.startsWith("muster.events.task.")) TaskEventSchema.parse(event);
    else EVENTS[event.type as EventType].data.parse(event.data);
  }
  for (const type of [
    "muster.app.accepted",
    "muster.app.placed",
    "muster.app.released",
    "muster.submit.rejected",
    "muster.deployment.started",
    "muster.deployment.ended",
    "muster.agent.gate",
    "muster.task.running",
  ])
    assert.ok(types.has(type), `${type} was told`);
});

test("poison on every consumed subject is parked in MUSTER_DEAD and stops nothing", { timeout: 90_000 }, async () => {
  const poison = [
    "muster.facts.7.n1.web.0.1.running",
    "muster.facts.1.x.y.0.1.running",
    "muster.resources.3.ghost",
    "$KV.muster_state.offer.ghost",
    "$KV.muster_state.wanted.ghost",
    "$KV.muster_state.version.ghost.1",
    "$KV.muster_health.verdict.ghost.0.1",
  ];
  for (const subject of poison) {
    await nats.js.publish(subject, "{ not json");
    await nats.js.publish(subject, JSON.stringify({ what: "is this", __proto__x: null, data: [1, 2, 3] }));
  }
  await nats.js.publish("muster.queue.normal.no_such_app", "garbage");
  for (const subject of ["muster.heartbeat.3.ghost", "muster.sync.3.ghost", "muster.api", "muster.logs"])
    nats.connection.publish(subject, "{ not json", { reply: "_INBOX.nobody" });
  await submit("[".repeat(100_000));
  await submit(`{"id":"/proto","cmd":"true","__proto__":{"cpus":64}}`);
  await submit("x".repeat(2_000_000));
  await submit(app("/x"), "y", "muster.submit.nothing");
  await submit(app("/after", { instances: 3 }));
  await until(
    () => heard.filter(({ subject }) => /^muster\.events\.task\.after\.\d+\.\d+\.running$/.test(subject)).length === 3,
    { withinMs: 30_000, what: "an app submitted after the poison" },
  );
  const dead = await until(
    async () => {
      const info = await nats.jsm.streams.info(STREAM.dead, { subjects_filter: ">" });
      return info.state.messages >= poison.length ? info.state.subjects : null;
    },
    { what: "parked messages" },
  );
  const subjects = Object.keys(dead).join(" ");
  for (const stream of ["MUSTER_FACTS", "MUSTER_RESOURCES", "KV_muster_state", "KV_muster_health"])
    assert.ok(subjects.includes(stream), `${stream} in ${subjects}`);
  for (const [name, service] of cluster.services) {
    await service.kill();
    service.start();
    assert.ok(service.pid() > 0, name);
  }
  await until(async () => (await fetch(`${cluster.http}/readyz`)).ok, {
    withinMs: 30_000,
    what: "a restart with poison in every stream",
  });
  await until(
    async () => (await fetch(`${cluster.http}/v2/apps`, { method: "POST", body: app("/again") })).status === 201,
    { withinMs: 30_000, what: "a gateway" },
  );
  await until(() => heard.some(({ subject }) => /^muster\.events\.task\.again\..*\.running$/.test(subject)), {
    withinMs: 30_000,
    what: "an app after the restart",
  });
});
