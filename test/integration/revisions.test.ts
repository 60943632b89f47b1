/** What each revision of the heart protects: every race is shown to be lost politely, and to do harm without that revision. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { keys } from "@muster/contracts";
import { commitBatch } from "@muster/runtime";
import { type NatsServer, startNatsCluster, startNatsServer } from "@muster/testkit";
import { careless, run, stop, World } from "../support/world.ts";

let server: NatsServer;
let world: World;
let names = 0;
/** Apps and agents of its own for each test, in one world. */
function name(what: string): string {
  names += 1;
  return `${what}${names}`;
}

before(async () => {
  server = await startNatsServer();
  world = await World.open(server.url);
});
after(async () => {
  await world.close();
  await server.stop();
});

test("a wake-up delivered twice places a row once, because both workers set placed.<app>", async () => {
  const app = `/${name("twice")}`;
  const rack = { rack: { type: "text" as const, value: app } };
  const [one, two] = [name("n"), name("n")];
  await world.agent(one, { attributes: rack });
  await world.agent(two, { attributes: rack });
  await world.app(
    app,
    { constraints: [["rack", "IS", app.slice(1)]].map(([field, , value]) => [field, "LIKE", `/${value}`]) },
    [run(0, 1)],
  );
  const [first, second] = [world.a.decide(app), world.b.decide(app)];
  assert.equal(await world.a.commit(first), true);
  assert.equal(await world.b.commit(second), false);
  await world.agree();
  assert.equal(world.placed(app).length, 1);
  assert.equal(world.ledger(one).used.cpuMillis + world.ledger(two).used.cpuMillis, 1_000);
  // Without the fence the old decision lands too, and the agent is told of what nobody accounts for.
  const heedless = careless(second, () => false);
  assert.equal(await world.b.commit(heedless), true);
});

test("UNIQUE on a rack holds when two workers race for it, because the app's fence is wider than one agent", async () => {
  const app = `/${name("unique")}`;
  const [one, two] = [name("n"), name("n")];
  for (const agent of [one, two]) await world.agent(agent, { attributes: { [app]: { type: "text", value: "r1" } } });
  await world.app(app, { constraints: [[app, "UNIQUE"]] }, [run(0, 1), run(1, 2)]);
  const [first, second] = [world.a.decide(app), world.b.decide(app)];
  assert.equal(await world.a.commit(first), true);
  assert.equal(await world.b.commit(second), false);
  await world.agree();
  assert.equal(world.placed(app).length, 1);
  assert.deepEqual(world.a.decide(app).writes, [], "the second row waits, and that is already written");
});

test("a placement decided before the gate closed does not land, because the gate stands in the ledger", async () => {
  const app = `/${name("gate")}`;
  const agent = name("n");
  await world.agent(agent, { attributes: { [app]: { type: "text", value: "1" } } });
  await world.app(app, { constraints: [[app, "LIKE", "1"]] }, [run(0, 1)]);
  const old = world.a.decide(app);
  const ledger = world.ledger(agent);
  await world.write([
    {
      key: keys.ledger(agent),
      value: { ...ledger, gate: { open: false, reason: "drain", sinceMs: 2, incarnation: 1 } },
      expect: world.a.cluster.state.revision(keys.ledger(agent)),
    },
  ]);
  assert.equal(await world.a.commit(old), false);
  await world.agree();
  assert.equal(world.placed(app).length, 0);
  assert.equal(
    world.a.decide(app).writes.some((write) => write.key === keys.waiting(app)),
    true,
    "decided again, it waits and says so",
  );
  assert.equal(
    await world.a.commit(careless(old, (key) => !key.startsWith("ledger."))),
    true,
    "without the ledger's revision it would have landed",
  );
});

test("an offer that shrank under a worker is not over-committed, because the broker sets offer and ledger together", async () => {
  const app = `/${name("shrink")}`;
  const agent = name("n");
  const attributes = { [app]: { type: "text" as const, value: "1" } };
  await world.agent(agent, { attributes });
  await world.app(app, { cpus: 3, constraints: [[app, "LIKE", "1"]] }, [run(0, 1)]);
  const old = world.a.decide(app);
  const offer = world.a.cluster.state.kind("offer").get(agent)?.value;
  await world.write([
    {
      key: keys.offer(agent),
      value: { ...offer, capacity: { cpuMillis: 1_000, memoryMib: 1_000, diskMib: 1_000, gpus: 0 } },
      expect: null,
    },
    { key: keys.ledger(agent), value: world.ledger(agent), expect: world.a.cluster.state.revision(keys.ledger(agent)) },
  ]);
  assert.equal(await world.a.commit(old), false);
  await world.agree();
  assert.equal(world.ledger(agent).used.cpuMillis, 0);
});

test("a release happens once, however often it is decided", async () => {
  const app = `/${name("release")}`;
  const agent = name("n");
  await world.agent(agent, { attributes: { [app]: { type: "text", value: "1" } } });
  await world.app(app, { constraints: [[app, "LIKE", "1"]] }, [run(0, 1), run(1, 2)]);
  assert.equal(await world.a.commit(world.a.decide(app)), true);
  await world.agree();
  assert.equal(world.ledger(agent).used.cpuMillis, 2_000);
  await world.end(app, { slot: 0, attempt: 1 }, agent);
  const [first, second] = [world.a.decide(app), world.b.decide(app)];
  assert.equal(await world.a.commit(first), true);
  assert.equal(await world.b.commit(second), false);
  await world.agree();
  assert.equal(world.ledger(agent).used.cpuMillis, 1_000);
  assert.equal(world.placed(app).length, 1);
  assert.deepEqual(world.b.decide(app).writes, []);
});

test("a row that was stopped before it was placed is never placed", async () => {
  const app = `/${name("early")}`;
  const agent = name("n");
  await world.agent(agent, { attributes: { [app]: { type: "text", value: "1" } } });
  await world.app(app, { constraints: [[app, "LIKE", "1"]] }, [run(0, 1)]);
  const old = world.a.decide(app);
  await world.want(app, [stop(0, 1)]);
  assert.equal(await world.a.commit(old), false, "the wish it was decided on is asserted");
  await world.agree();
  assert.deepEqual(world.a.decide(app).writes, []);
  assert.equal(world.placed(app).length, 0);
  assert.equal(
    await world.a.commit(careless(old, (key) => !key.startsWith("wanted."))),
    true,
    "without the assertion it would have been placed",
  );
});

test("scale 3, 1, 3 gives fresh attempts, and stop orders pass a closed gate", async () => {
  const app = `/${name("scale")}`;
  const agent = name("n");
  await world.agent(agent, { attributes: { [app]: { type: "text", value: "1" } } });
  await world.app(app, { constraints: [[app, "LIKE", "1"]] }, [run(0, 1), run(1, 2), run(2, 3)]);
  assert.equal(await world.a.commit(world.a.decide(app)), true);
  await world.agree();
  const ledger = world.ledger(agent);
  assert.equal(ledger.n, 3);
  await world.write([
    {
      key: keys.ledger(agent),
      value: { ...ledger, gate: { ...ledger.gate, open: false, reason: "cordon" } },
      expect: world.a.cluster.state.revision(keys.ledger(agent)),
    },
  ]);
  await world.want(app, [run(0, 1), stop(1, 2), stop(2, 3), run(3, 4), run(4, 5)]);
  assert.equal(await world.b.commit(world.b.decide(app)), true);
  await world.agree();
  assert.deepEqual(
    world.placed(app).map(({ attempt, goal }) => `${attempt}:${goal}`),
    ["1:run", "2:stop", "3:stop"],
  );
  assert.equal(world.ledger(agent).n, 5, "each stop order carries the agent's next number");
  assert.equal(world.ledger(agent).used.cpuMillis, 3_000, "a share is held until the agent says it has ended");
});

test("a removed agent's instances are released, their records stay as stop orders and end when it returns and ends them", async () => {
  const app = `/${name("removed")}`;
  const agent = name("n");
  await world.agent(agent, { attributes: { [app]: { type: "text", value: "1" } } });
  await world.app(app, { constraints: [[app, "LIKE", "1"]] }, [run(0, 1)]);
  assert.equal(await world.a.commit(world.a.decide(app)), true);
  await world.agree();
  await world.word(agent, "remove");
  assert.equal(await world.a.commit(world.a.decide(app)), true);
  await world.agree();
  assert.equal(world.ledger(agent).used.cpuMillis, 0);
  assert.equal(world.placed(app).length, 0);
  assert.ok(world.records().includes(`${app.slice(1)}.0.1@${agent}:stop`));
  await world.end(app, { slot: 0, attempt: 1 }, agent);
  assert.equal(await world.b.commit(world.b.decide(app)), true);
  await world.agree();
  assert.equal(
    world.records().some((record) => record.startsWith(`${app.slice(1)}.`)),
    false,
  );
  assert.equal(world.ledger(agent).used.cpuMillis, 0);
});

const staleBatch = async (url: string, replicas: number) => {
  const one = await World.open(url, replicas);
  try {
    await one.write([{ key: keys.servicePort(1), value: { kind: "app", owner: "/a" }, expect: 0 }]);
    const before = await one.a.cluster.nats.jsm.streams.info("KV_muster_state");
    const message = (key: string, expect: number) => ({
      subject: `$KV.muster_state.${key}`,
      body: JSON.stringify({ kind: "app", owner: "/b" }),
      headers: { "Nats-Expected-Last-Subject-Sequence": String(expect) },
    });
    const fresh = Array.from({ length: 50 }, (_, i) => message(keys.servicePort(100 + i), 0));
    for (const at of [0, 25, 50]) {
      const outcome = await commitBatch(
        one.a.cluster.nats.connection,
        fresh.toSpliced(at, 0, message(keys.servicePort(1), 0)),
      );
      assert.equal(outcome.type, "conflict", JSON.stringify(outcome));
    }
    const after = await one.a.cluster.nats.jsm.streams.info("KV_muster_state");
    assert.equal(after.state.last_seq, before.state.last_seq);
    assert.equal(await one.fresh((cluster) => cluster.state.kind("port").size), 1);
    const outcome = await commitBatch(one.a.cluster.nats.connection, fresh);
    assert.equal(outcome.type, "committed");
  } finally {
    await one.close();
  }
};

test("a batch with one stale revision changes nothing, on one server", async () => {
  const alone = await startNatsServer();
  try {
    await staleBatch(alone.url, 1);
  } finally {
    await alone.stop();
  }
});

test("a batch with one stale revision changes nothing, on three servers with three replicas", {
  timeout: 120_000,
}, async () => {
  const cluster = await startNatsCluster();
  try {
    await staleBatch(cluster.url, 3);
  } finally {
    await cluster.stop();
  }
});
