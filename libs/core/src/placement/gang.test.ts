import assert from "node:assert/strict";
import { test } from "node:test";
import { type OfferDocument, parseAttributes } from "@muster/contracts";
import { diceOf, TestCluster } from "../testing/test-cluster.ts";

const cpus = (count: number, more: Partial<OfferDocument> = {}): Partial<OfferDocument> => ({
  capacity: { cpuMillis: count * 1_000, memoryMib: 4_096, diskMib: 0, gpus: 0 },
  ...more,
});
const PATIENCE = 30;
const HOLD = 300;
const gang = (more: Record<string, unknown> = {}) => ({
  portDefinitions: [],
  placement: { gang: { patienceSeconds: PATIENCE, holdSeconds: HOLD }, ...more },
});
const small = (count: number) => ({ cpus: count, portDefinitions: [] });

function cluster(
  agents: Record<string, Partial<OfferDocument>>,
  apps: Record<string, Record<string, unknown>>,
): TestCluster {
  const made = new TestCluster();
  for (const [agent, more] of Object.entries(agents)) made.agent(agent, more);
  for (const [id, fields] of Object.entries(apps)) made.app(id, fields);
  return made;
}

const wait = (world: TestCluster, seconds: number) => {
  world.now += seconds * 1_000;
};

/** Ends all of an app and forgets it; its share is given back when it is next looked at. */
function finish(world: TestCluster, id: string): void {
  for (const row of world.rows(id)) world.end(id, row);
  world.unwant(id, () => true);
}

/** Everybody looks until nobody has anything to do. */
function settle(world: TestCluster, apps: readonly string[]): void {
  for (let look = 0; look < 20; look += 1) {
    let isQuiet = true;
    for (const app of apps)
      isQuiet = world.place([app], { dice: diceOf(look) }).decision.writes.length === 0 && isQuiet;
    if (isQuiet) return;
  }
  assert.fail("never comes to rest");
}

test("a gang is placed whole, in one commit", () => {
  const world = cluster({ n1: cpus(2), n2: cpus(2) }, { "/g": { cpus: 1, ...gang() } });
  world.want("/g", 4);
  const { decision } = world.place(["/g"]);
  assert.deepEqual(world.agentsOf("/g").toSorted(), ["n1", "n1", "n2", "n2"]);
  assert.equal(decision.writes.filter(({ key }) => key.startsWith("instance.")).length, 4);
});

test("a gang that fits only in part is not placed at all, and says how many fit and what each agent has", () => {
  const world = cluster({ n1: cpus(2), n2: cpus(2), n3: cpus(0.5) }, { "/g": { cpus: 1, ...gang() } });
  world.want("/g", 5);
  const { decision } = world.place(["/g"]);
  assert.deepEqual(world.rows("/g"), []);
  assert.deepEqual(
    decision.writes.map(({ key }) => key),
    ["waiting.g"],
  );
  const { count, agentsSeen, refusals, nearest, wouldFitIf, cures } = world.waiting("/g") ?? assert.fail();
  assert.deepEqual(
    { count, agentsSeen, refusals, nearest, wouldFitIf },
    {
      count: 5,
      agentsSeen: 3,
      refusals: [
        { check: "cpus", agents: 1, reason: "needs 1 cpus, 0.5 free" },
        { check: "gang", agents: 2, reason: "4 of 5 members fit at once" },
      ],
      nearest: { agent: "n3", lacks: "needs 1 cpus, 0.5 free" },
      wouldFitIf: ["there were one more agent like n1"],
    },
  );
  assert.ok(cures.includes("instance.released"), "what others give back would help");
});

test("a member that ends is replaced alone", () => {
  const world = cluster({ n1: cpus(2) }, { "/g": { cpus: 1, ...gang() } });
  world.want("/g", 2);
  world.place(["/g"]);
  world.end("/g", world.rows("/g")[0] ?? assert.fail());
  world.place(["/g"]);
  world.replaceEnded("/g");
  world.place(["/g"]);
  assert.equal(world.rows("/g").length, 2);
});

test("a gang whose members must stay together goes where all of them fit, not where the first would rather be", () => {
  const racks = { n1: "r1", n2: "r2", n3: "r2", n4: "r3" };
  const together = [
    { constraints: [["rack", "CLUSTER"]], placement: {} },
    { constraints: [["rack", "GROUP_BY", "1"]], placement: {} },
    { constraints: [], placement: { affinity: { app: "/g", over: "rack" } } },
  ];
  for (const { constraints, placement } of together) {
    const world = cluster(
      {},
      {
        "/load": { ...small(0.5), constraints: [["rack", "LIKE", "r[23]"]] },
        "/g": { cpus: 1, constraints, ...gang(placement) },
      },
    );
    for (const [agent, rack] of Object.entries(racks))
      world.agent(agent, cpus(2, { attributes: parseAttributes(`rack:${rack}`) }));
    world.agent("n2", cpus(2.5));
    world.agent("n3", cpus(1.5));
    world.want("/load", ["n2", "n3", "n4"]);
    world.place(["/load"]);
    world.want("/g", 3);
    world.place(["/g"]);
    assert.deepEqual(world.agentsOf("/g").toSorted(), ["n2", "n2", "n3"]);
  }
});

test("while a gang is patient small apps flow past it", () => {
  const world = cluster({ n1: cpus(3) }, { "/small": small(1), "/g": { cpus: 2, ...gang() } });
  world.want("/g", 2);
  world.place(["/g"]);
  world.want("/small", 3);
  world.place(["/small"]);
  assert.equal(world.rows("/small").length, 3);
  assert.equal(world.hold(), null);
});

test("after its patience a gang holds what it found; others get what is left", () => {
  const world = cluster({ n1: cpus(4), n2: cpus(1) }, { "/small": small(1), "/g": { cpus: 3, ...gang() } });
  world.want("/g", 2);
  world.place(["/g"]);
  assert.equal(world.waiting("/g")?.holdFromMs, world.now + PATIENCE * 1_000, "it says when it may");
  wait(world, PATIENCE);
  world.place(["/g"]);
  assert.deepEqual(world.hold(), {
    app: "/g",
    version: 1,
    members: { n1: 1 },
    sinceMs: world.now,
    untilMs: world.now + HOLD * 1_000,
  });
  world.want("/small", 3);
  world.place(["/small"]);
  assert.deepEqual(world.agentsOf("/small").toSorted(), ["n1", "n2"]);
  assert.deepEqual(world.waiting("/small")?.refusals, [{ check: "cpus", agents: 2, reason: "needs 1 cpus, 0 free" }]);
});

test("to look again changes nothing: a hold neither grows older nor younger", () => {
  const world = cluster({ n1: cpus(4), n2: cpus(1) }, { "/g": { cpus: 3, ...gang() } });
  world.want("/g", 2);
  world.place(["/g"]);
  wait(world, PATIENCE);
  world.place(["/g"]);
  const before = world.hold();
  for (const seconds of [0, 1, 100]) {
    wait(world, seconds);
    assert.deepEqual(world.place(["/g"]).decision.writes, []);
  }
  assert.deepEqual(world.hold(), before);
});

test("a hold grows when more is free", () => {
  const world = cluster(
    { n1: cpus(3), n2: cpus(3), n3: cpus(1) },
    { "/small": small(1), "/g": { cpus: 3, ...gang() } },
  );
  world.want("/small", ["n2"]);
  world.place(["/small"]);
  world.want("/g", 3);
  world.place(["/g"]);
  wait(world, PATIENCE);
  world.place(["/g"]);
  const since = world.hold()?.sinceMs;
  wait(world, 1);
  finish(world, "/small");
  world.place(["/small"]);
  assert.deepEqual([world.hold()?.members, world.hold()?.sinceMs], [{ n1: 1, n2: 1 }, since]);
});

test("what is given back goes to the gang that holds, before anybody else in the same round", () => {
  const world = cluster(
    { n1: cpus(2), n2: cpus(2) },
    { "/old": small(2), "/new": small(2), "/g": { cpus: 2, ...gang() } },
  );
  world.want("/old", ["n1"]);
  world.place(["/old"]);
  world.want("/g", 2);
  world.place(["/g"]);
  wait(world, PATIENCE);
  world.place(["/g"]);
  world.want("/new", 1);
  finish(world, "/old");
  world.place(["/old", "/new"]);
  assert.deepEqual([world.agentsOf("/g").toSorted(), world.agentsOf("/new"), world.hold()], [["n1", "n2"], [], null]);
});

test("one gang holds at a time: the other says from when on it may", () => {
  const world = cluster(
    { n1: cpus(3), n2: cpus(3), n3: cpus(1) },
    { "/g": { cpus: 3, ...gang() }, "/h": { cpus: 3, ...gang() } },
  );
  for (const id of ["/g", "/h"]) world.want(id, 3);
  world.place(["/g", "/h"]);
  wait(world, PATIENCE);
  world.place(["/g", "/h"]);
  assert.equal(world.hold()?.app, "/g");
  assert.equal(world.waiting("/h")?.holdFromMs, world.hold()?.untilMs);
  assert.equal(world.waiting("/h")?.refusals.at(-1)?.reason, "0 of 3 members fit at once");
  wait(world, HOLD);
  settle(world, ["/h"]);
  assert.equal(world.hold()?.app, "/h", "when the first hold has run out");
});

test("a hold that ran out binds nobody, and its gang waits another patience before it may hold again", () => {
  const world = cluster({ n1: cpus(3), n2: cpus(1) }, { "/small": small(3), "/g": { cpus: 3, ...gang() } });
  world.want("/g", 2);
  world.place(["/g"]);
  wait(world, PATIENCE);
  world.place(["/g"]);
  const until = world.hold()?.untilMs ?? assert.fail();
  wait(world, HOLD);
  world.place(["/g"]);
  assert.equal(world.hold()?.untilMs, until, "not again at once");
  assert.equal(world.waiting("/g")?.holdFromMs, until + PATIENCE * 1_000);
  world.want("/small", 1);
  world.place(["/small"]);
  assert.deepEqual(world.agentsOf("/small"), ["n1"]);
  finish(world, "/small");
  world.place(["/small"]);
  wait(world, PATIENCE);
  world.place(["/g"]);
  assert.deepEqual(world.hold()?.sinceMs, world.now);
});

test("a gang that is not wanted any more gives back what it held", () => {
  const world = cluster({ n1: cpus(3), n2: cpus(1) }, { "/small": small(3), "/g": { cpus: 3, ...gang() } });
  world.want("/g", 2);
  world.place(["/g"]);
  wait(world, PATIENCE);
  world.place(["/g"]);
  world.unwant("/g", () => true);
  world.want("/small", 1);
  world.place(["/g", "/small"]);
  assert.deepEqual([world.hold(), world.agentsOf("/small")], [null, ["n1"]]);
});

test("a batch that is full keeps what a gang holds and what it said, and places it in the next", () => {
  const world = cluster({ n1: cpus(1) }, { "/many": small(0.001), "/g": { cpus: 1, mem: 1, ...gang() } });
  world.want("/g", 2);
  world.place(["/g"]);
  wait(world, PATIENCE);
  world.place(["/g"]);
  const [before, held] = [world.waiting("/g"), world.hold()];
  world.agent("n2", cpus(1_000, { capacity: { cpuMillis: 1_000_000, memoryMib: 1_000_000, diskMib: 0, gpus: 0 } }));
  world.want("/many", 399);
  const { reports } = world.place(["/many", "/g"]);
  assert.deepEqual(
    reports.map(({ app }) => app),
    ["/many"],
  );
  assert.deepEqual([world.waiting("/g"), world.hold()], [before, held]);
  world.place(["/many", "/g"]);
  assert.equal(world.rows("/g").length, 2);
});

test("two gangs that each want 60 % of the cluster never block each other, and both run when capacity is freed", () => {
  const agents = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`n${i}`, cpus(2)]));
  const apps = ["/g", "/h", "/old"];
  const world = cluster(agents, { "/old": small(2), "/g": { cpus: 1, ...gang() }, "/h": { cpus: 1, ...gang() } });
  world.want("/old", 3);
  settle(world, ["/old"]);
  for (const id of ["/g", "/h"]) world.want(id, 6);
  settle(world, apps);
  const ran = new Set<string>();
  for (let minute = 0; minute < 60 && ran.size < 2; minute += 1) {
    wait(world, 60);
    if (minute === 3) finish(world, "/old");
    settle(world, apps);
    for (const id of ["/g", "/h"]) {
      const rows = world.rows(id).length;
      assert.ok(rows === 0 || rows === 6, `${id} stands with ${rows}`);
      if (rows === 0) continue;
      ran.add(id);
      assert.equal(world.waiting(id), null);
      finish(world, id);
    }
  }
  assert.deepEqual([...ran].toSorted(), ["/g", "/h"]);
});

test("a big gang gets its turn though small apps come all the time", () => {
  const world = cluster({ n1: cpus(2), n2: cpus(2) }, { "/a": small(1), "/b": small(1), "/g": { cpus: 1, ...gang() } });
  for (const id of ["/a", "/b"]) world.want(id, 2);
  settle(world, ["/a", "/b"]);
  world.want("/g", 4);
  settle(world, ["/g"]);
  for (let second = 0; second < 600 && world.rows("/g").length === 0; second += 10) {
    wait(world, 10);
    // Each small instance lives for a while; when it ends the next one is wanted already.
    const busy = ["/a", "/b"][(second / 10) % 2] as string;
    const [row] = world.rows(busy);
    if (row !== undefined) {
      world.end(busy, row);
      world.place([busy]);
      world.replaceEnded(busy);
    }
    settle(world, ["/g", "/a", "/b"]);
  }
  assert.equal(world.rows("/g").length, 4);
});
