/** What a placement rests on: every key that it sets or asserts, and why. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Decision } from "@muster/contracts";
import { TestCluster } from "../testing/test-cluster.ts";

const SMALL = { cpus: 0.1, portDefinitions: [] };

/** `set ledger.n1 at 3` and `assert wanted.a at 5`, each at the revision at which it stands; `write` where any will do. */
function restsOn(cluster: TestCluster, { writes, asserts }: Decision): string[] {
  const at = (key: string, revision: number): string => {
    assert.equal(revision, cluster.state.revision(key), `${key} as it stands`);
    return key;
  };
  return [
    ...writes.map(({ key, expect }) => (expect === null ? `write ${key}` : `set ${at(key, expect)}`)),
    ...asserts.map(({ key, revision }) => `assert ${at(key, revision)}`),
  ].sort();
}

/** An app on n1 and n2, and one with a rule about it that stands on n3. */
function build(): TestCluster {
  const cluster = new TestCluster();
  for (const agent of ["n1", "n2", "n3"]) cluster.agent(agent);
  cluster.app("/a", SMALL);
  cluster.app("/ruler", { ...SMALL, placement: { conflicts: ["/a"] } });
  cluster.want("/ruler", ["n3"]);
  cluster.place(["/ruler"]);
  return cluster;
}

test("a placement sets its rows and ledgers, and asserts the wish, the rules, the hold and what rules speak of", () => {
  const cluster = build();
  cluster.want("/a", ["n1"]);
  assert.deepEqual(restsOn(cluster, cluster.decide(["/a"]).decision), [
    "assert hold",
    "assert placed.ruler",
    "assert rules",
    "assert waiting.a",
    "assert wanted.a",
    "set ledger.n1",
    // Bound to its own revision it travels after the rows: a view that has seen it has seen them too.
    "set neighbour.ruler",
    "set placed.a",
    "write instance.0.n1.a.0.1",
  ]);
});

test("an app with a rule about others asserts that none of them came meanwhile", () => {
  const cluster = build();
  cluster.want("/a", ["n1"]);
  cluster.place(["/a"]);
  cluster.want("/ruler", ["n2"]);
  assert.deepEqual(restsOn(cluster, cluster.decide(["/ruler"]).decision), [
    "assert hold",
    "assert neighbour.ruler",
    "assert placed.a",
    "assert rules",
    "assert waiting.ruler",
    "assert wanted.ruler",
    "set ledger.n2",
    "set placed.ruler",
    "write instance.57.n2.ruler.1.2",
  ]);
});

test("a rule of every version binds that stands, is wanted or is current; neighbours are told for each", () => {
  const rule = (placement: object) => ({ ...SMALL, placement });
  for (const change of [
    "none",
    "a version without it is current",
    "only a wanted row has it",
    "only the current version has it",
  ]) {
    const cluster = new TestCluster();
    for (const agent of ["n1", "n2"]) cluster.agent(agent);
    cluster.app("/a", SMALL);
    const isLate = change === "only the current version has it";
    cluster.app("/ruler", rule(isLate ? {} : { conflicts: ["/a"] }));
    cluster.want("/ruler", ["n2"]);
    if (change !== "only a wanted row has it") cluster.place(["/ruler"]);
    if (change !== "none") cluster.app("/ruler", rule(isLate ? { conflicts: ["/a"] } : {}));
    cluster.want("/a", ["n1"]);
    const told = restsOn(cluster, cluster.decide(["/a"]).decision);
    assert.ok(told.includes("set neighbour.ruler"), change);
    assert.ok(told.includes("assert placed.ruler"), change);
  }
});

test("what only stops and releases rests on no rule", () => {
  const cluster = build();
  cluster.want("/a", ["n1", "n2"]);
  cluster.place(["/a"]);
  const [first, second] = cluster.rows("/a");
  cluster.unwant("/a", ({ attempt }) => attempt === first?.attempt);
  cluster.end("/a", second ?? assert.fail());
  assert.deepEqual(restsOn(cluster, cluster.decide(["/a"]).decision), [
    "assert waiting.a",
    "assert wanted.a",
    "set ledger.n1",
    "set ledger.n2",
    "set placed.a",
    "write instance.0.n1.a.0.1",
    "write instance.57.n2.a.1.2",
  ]);
});

test("what only explains sets what it says, under the answer and the wish that it speaks of", () => {
  const cluster = build();
  cluster.app("/large", { ...SMALL, cpus: 99 });
  cluster.want("/large");
  assert.deepEqual(restsOn(cluster, cluster.decide(["/large"]).decision), [
    "assert placed.large",
    "assert wanted.large",
    "set waiting.large",
  ]);
});

test("a gang's hold is set at its own revision, so that two never hold at once", () => {
  const cluster = build();
  cluster.app("/gang", { ...SMALL, cpus: 3, placement: { gang: { patienceSeconds: 0, holdSeconds: 9 } } });
  cluster.want("/gang", 9);
  assert.deepEqual(restsOn(cluster, cluster.decide(["/gang"]).decision), [
    "assert placed.gang",
    "assert wanted.gang",
    "set hold",
    "set waiting.gang",
  ]);
});
