import assert from "node:assert/strict";
import { test } from "node:test";
import { ENDED_KEPT_MAX, type InstanceDocument, keys, ROUND_INSTANCES_MAX } from "@muster/contracts";
import { openLedger } from "../testing/builders.ts";
import { TestCluster } from "../testing/test-cluster.ts";

const SMALL = { cpus: 0.001, mem: 1, portDefinitions: [{ port: 0 }], resources: { disks: { any: 1 } } };

function build(instances: number): TestCluster {
  const cluster = new TestCluster();
  cluster.agent("n1", {
    ports: [{ first: 31_000, last: 32_000 }],
    custom: { scalars: {}, sets: { disks: Array.from({ length: 1_000 }, (_, i) => `d${i}`) } },
  });
  cluster.app("/a", SMALL);
  cluster.want("/a", instances);
  while (cluster.place(["/a"]).decision.writes.length > 0);
  return cluster;
}

const firstOf = (cluster: TestCluster) => cluster.rows("/a")[0] ?? assert.fail("nothing stands");

test("what ended gives back all it held, its record is purged, and how it ended is remembered", () => {
  const cluster = build(1);
  const row = firstOf(cluster);
  cluster.end("/a", row);
  const { decision } = cluster.place(["/a"]);
  assert.deepEqual(cluster.ledger("n1"), { ...openLedger("n1"), n: 1 });
  assert.equal(cluster.state.snapshot().kind("instance").size, 0);
  const { rows, ended, history } = cluster.placed("/a");
  assert.deepEqual(
    [rows, ended, history.map(({ state, agent, exitCode }) => ({ state, agent, exitCode }))],
    [[], history, [{ state: "failed", agent: "n1", exitCode: 1 }]],
  );
  assert.deepEqual(
    decision.events.map(({ type }) => type),
    ["muster.app.released"],
  );
  assert.deepEqual(cluster.place(["/a"]).decision.writes, [], "a second look finds the work done");
});

test("an instance that ends while its wish is to stop is released like any other", () => {
  const cluster = build(2);
  const row = firstOf(cluster);
  cluster.unwant("/a", ({ attempt }) => attempt === row.attempt);
  cluster.place(["/a"]);
  assert.equal(
    cluster.state
      .snapshot()
      .kind("instance")
      .get(keys.instance("n1", { app: "/a", ...row }).slice(9))?.value.goal,
    "stop",
  );
  cluster.end("/a", firstOf(cluster));
  cluster.place(["/a"]);
  assert.deepEqual([cluster.rows("/a").length, cluster.ledger("n1")?.n], [1, 3]);
});

test("an ending is forgotten with its wish; the history keeps the last ones", () => {
  const cluster = build(1);
  for (let i = 0; i < ENDED_KEPT_MAX + 5; i += 1) {
    cluster.end("/a", firstOf(cluster));
    cluster.place(["/a"]);
    cluster.replaceEnded("/a");
    cluster.place(["/a"]);
  }
  const { ended, history } = cluster.placed("/a");
  assert.deepEqual([ended, history.length, history.at(-1)?.attempt], [[], ENDED_KEPT_MAX, ENDED_KEPT_MAX + 5]);
});

test("instances of a removed agent are released; their records stay as numbered orders to stop, should it return", () => {
  const cluster = build(2);
  cluster.remove("n1");
  const { decision } = cluster.place(["/a"]);
  const records = decision.writes.filter(({ key }) => key.startsWith("instance."));
  assert.deepEqual(
    records.map(({ value, number }) => [(value as InstanceDocument).goal, number]),
    [
      ["stop", 3],
      ["stop", 4],
    ],
  );
  assert.deepEqual(cluster.ledger("n1")?.used.cpuMillis, 0);
  assert.deepEqual(
    cluster.placed("/a").history.map(({ reason, state }) => [reason, state]),
    [
      ["agent-removed", "killed"],
      ["agent-removed", "killed"],
    ],
  );
});

test("when such an instance ends after all its record is purged, once", () => {
  const cluster = build(1);
  const row = firstOf(cluster);
  cluster.remove("n1");
  cluster.place(["/a"]);
  cluster.end("/a", { ...row, goal: "stop" });
  const { reports } = cluster.place(["/a"]);
  const purged = reports.flatMap((report) => report.purged);
  assert.deepEqual(purged, [keys.instance("n1", { app: "/a", ...row })]);
  assert.equal(cluster.state.snapshot().kind("instance").size, 0);
  assert.deepEqual(cluster.decide(["/a"], { purged: new Set(purged) }).decision.writes, []);
});

test("a batch takes so many instances and no more, whatever is to be done with them", () => {
  const cluster = build(ROUND_INSTANCES_MAX + 50);
  for (const row of cluster.rows("/a")) cluster.end("/a", row);
  const rounds = [];
  for (;;) {
    const { decision } = cluster.place(["/a"]);
    if (decision.writes.length === 0) break;
    rounds.push(decision.writes.filter(({ key }) => key.startsWith("instance.")).length);
  }
  assert.deepEqual(rounds, [ROUND_INSTANCES_MAX, 50]);
  assert.equal(cluster.ledger("n1")?.used.cpuMillis, 0);
});
