/** Wake-ups: one that comes while its app is in hand, one that is lost, and one that nobody can handle. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { appToken, consumerSpecs, keys, STREAM, wakeDurable } from "@muster/contracts";
import { graveyard, type Work, WorkQueue, wakeUp } from "@muster/runtime";
import { SimulatedAgent, until } from "@muster/testkit";
import { startPlane, type TestPlane } from "../support/control-plane.ts";

let plane: TestPlane;
let agent: SimulatedAgent;

before(async () => {
  plane = await startPlane();
  agent = new SimulatedAgent(plane.operator.cluster.nats, { agent: "n1" });
  await agent.start();
});
after(async () => {
  await agent.stop();
  await plane.stop();
});

test("a lost wake-up costs time, not correctness: the deployer looks again", { timeout: 60_000 }, async () => {
  const { operator } = plane;
  // Without its stream every wake-up is lost; purging it as they come does the same to each.
  const purging = setInterval(
    () => void operator.cluster.nats.jsm.streams.purge(STREAM.queue).catch(() => undefined),
    1,
  );
  await operator.create({ id: "/lost", cmd: "sleep 1000", instances: 2 });
  await until(() => operator.wanted("/lost").length === 2, { what: "the wish" });
  clearInterval(purging);
  await operator.untilRunning("/lost", 2, 20_000);
});

test("a wake-up that comes while the app is in hand is not swallowed by the acknowledgement of the first", {
  timeout: 60_000,
}, async () => {
  const { nats } = plane.operator.cluster;
  const spec = {
    ...(consumerSpecs.find(({ durable }) => durable === wakeDurable("urgent")) as (typeof consumerSpecs)[number]),
  };
  const stream = { ...spec, stream: "TEST_QUEUE", durable: "test", filter: "test.queue.>" };
  await nats.jsm.streams.add({
    name: "TEST_QUEUE",
    subjects: ["test.queue.>"],
    retention: "workqueue",
    max_msgs_per_subject: 1,
  });
  await nats.jsm.consumers.add("TEST_QUEUE", {
    durable_name: "test",
    ack_policy: "explicit",
    filter_subject: "test.queue.>",
    max_deliver: 3,
  });
  const seen: Work[] = [];
  let release: (() => void) | null = null;
  const queue = new WorkQueue(nats, graveyard(nats), {
    consumers: [stream],
    roundMax: 10,
    handle: async (work) => {
      seen.push(...work);
      if (seen.length === 1) await new Promise<void>((resolve) => (release = resolve));
    },
  });
  queue.start();
  await nats.js.publish("test.queue.a", "one");
  await until(() => release !== null, { what: "the first in hand" });
  await nats.js.publish("test.queue.a", "two");
  (release as unknown as () => void)();
  await until(() => seen.length >= 2, { what: "the second" });
  assert.equal(new TextDecoder().decode(seen.at(-1)?.body), "two");
  await until(async () => (await nats.jsm.streams.info("TEST_QUEUE")).state.messages === 0, { what: "an empty queue" });
  await queue.stop();
});

test("a message whose handler always throws is parked with its error, and its neighbours are handled", {
  timeout: 60_000,
}, async () => {
  const { nats } = plane.operator.cluster;
  await nats.jsm.streams.add({ name: "TEST_POISON", subjects: ["test.poison.>"], retention: "workqueue" });
  await nats.jsm.consumers.add("TEST_POISON", {
    durable_name: "test",
    ack_policy: "explicit",
    filter_subject: "test.poison.>",
    max_deliver: 3,
  });
  const handled: string[] = [];
  const queue = new WorkQueue(nats, graveyard(nats), {
    consumers: [{ stream: "TEST_POISON", durable: "test", filter: "test.poison.>", ackWaitMs: 2_000, maxDeliver: 3 }],
    roundMax: 10,
    handle: async (work) => {
      if (work.some(({ subject }) => subject.endsWith("bad"))) throw new Error("this one is poison");
      handled.push(...work.map(({ subject }) => subject));
    },
  });
  for (const name of ["a", "bad", "b", "c"]) await nats.js.publish(`test.poison.${name}`, name);
  queue.start();
  await until(() => ["a", "b", "c"].every((name) => handled.includes(`test.poison.${name}`)), {
    what: "the neighbours",
  });
  const parked = await until(
    () => nats.jsm.streams.getMessage(STREAM.dead, { last_by_subj: "muster.dead.TEST_POISON.test" }),
    { withinMs: 15_000, what: "the parked message" },
  );
  assert.equal(parked.header.get("Muster-Error"), "this one is poison");
  assert.equal(parked.string(), "bad");
  await until(async () => (await nats.jsm.streams.info("TEST_POISON")).state.messages === 0, {
    what: "an empty queue",
  });
  await queue.stop();
});

test("a wake-up names a revision, and the worker waits until its view has read as far", {
  timeout: 60_000,
}, async () => {
  const { operator } = plane;
  await operator.create({ id: "/ahead", cmd: "sleep 1000" });
  await operator.untilRunning("/ahead", 1);
  const revision = operator.cluster.state.revision(keys.wanted("/ahead"));
  assert.ok(revision > 0);
  await wakeUp(
    operator.cluster.nats,
    { wakeClass: "urgent", app: "/ahead" },
    { "Muster-Revision": String(revision) },
    null,
  );
  await until(async () => (await operator.cluster.nats.jsm.streams.info(STREAM.queue)).state.messages === 0, {
    what: "an empty queue",
  });
  assert.equal(operator.cluster.state.kind("placed").get(appToken("/ahead"))?.value.rows.length, 1);
});
