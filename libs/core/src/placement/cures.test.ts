import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAttributes } from "@muster/contracts";
import { Fleet } from "../fleet/fleet.ts";
import { TestCluster } from "../testing/test-cluster.ts";
import { appsCuredBy, type ClusterChange } from "./cures.ts";

const SMALL = { capacity: { cpuMillis: 1_000, memoryMib: 1_000, diskMib: 0, gpus: 0 } };

/** Two full agents, one cordoned, one for production; and an app that waits for each thing there is. */
function waitingCluster(): TestCluster {
  const cluster = new TestCluster();
  cluster.agent("n1", SMALL);
  cluster.agent("n2", { ...SMALL, attributes: parseAttributes("rack:r2") });
  cluster.agent("n3", { role: "prod" });
  cluster.agent("n4");
  cluster.app("/full", { cpus: 1, portDefinitions: [] });
  cluster.want("/full", ["n1", "n2"]);
  cluster.place(["/full"]);
  cluster.gate("n4", "cordon");
  const plain = { portDefinitions: [] };
  const apps: Record<string, Record<string, unknown>> = {
    "/tiny": { ...plain, cpus: 0.1 },
    "/two": { ...plain, cpus: 2 },
    "/prod": { ...plain, cpus: 5, acceptedResourceRoles: ["prod"] },
    "/near": { ...plain, cpus: 0.1, placement: { affinity: "/db" } },
    "/apart": {
      ...plain,
      cpus: 0.1,
      placement: { antiAffinity: { selector: "tier=x" } },
      constraints: [["hostname", "LIKE", "n[12]"]],
    },
  };
  for (const [id, fields] of Object.entries(apps)) {
    cluster.now += 1;
    cluster.app(id, fields);
    cluster.want(id);
    cluster.place([id]);
    assert.ok(cluster.waiting(id) !== null, `${id} waits`);
  }
  return cluster;
}

const cured = (cluster: TestCluster, ...changes: ClusterChange[]): string[] => {
  const state = cluster.state.snapshot();
  return appsCuredBy(state, Fleet.of(state), changes);
};
const released = (agent: string): ClusterChange => ({ type: "agent", cure: "instance.released", agent });
const offered = (agent: string): ClusterChange => ({ type: "agent", cure: "agent.offer", agent });
const opened = (agent: string): ClusterChange => ({ type: "agent", cure: "agent.gate", agent });

test("what is given back on an agent wakes those that it is enough for", () => {
  const cluster = waitingCluster();
  assert.deepEqual(cured(cluster, released("n1")), [], "nothing is free yet");
  cluster.end("/full", cluster.rows("/full")[0] ?? assert.fail());
  cluster.place(["/full"]);
  // Whether the rules of /near and /apart are kept is for the decision to say.
  assert.deepEqual(cured(cluster, released("n1")), ["/tiny", "/near", "/apart"]);
});

test("a gate that opens wakes those that waited for one and that the agent could take", () => {
  const cluster = waitingCluster();
  cluster.gate("n4", "open");
  assert.deepEqual(cured(cluster, opened("n4")), ["/tiny", "/two", "/near", "/apart"]);
  assert.deepEqual(cured(cluster, opened("n3")), []);
});

test("an agent that grows, or comes, wakes those that it could take now", () => {
  const cluster = waitingCluster();
  cluster.agent("n3", { role: "prod", capacity: { cpuMillis: 5_000, memoryMib: 1_000, diskMib: 0, gpus: 0 } });
  assert.deepEqual(cured(cluster, offered("n3")), ["/prod"]);
  cluster.agent("n5", SMALL);
  assert.deepEqual(cured(cluster, offered("n5")), ["/tiny", "/near", "/apart"]);
  assert.deepEqual(cured(cluster, offered("n9")), [], "an agent nobody knows");
});

test("an app that is placed wakes those whose rules speak of it", () => {
  const cluster = waitingCluster();
  const placed = (app: string): ClusterChange => ({ type: "placed", app });
  assert.deepEqual(cured(cluster, placed("/db")), ["/near"], "nothing refused /apart for its rule so far");
  assert.deepEqual(cured(cluster, placed("/near")), [], "nobody waits for itself");
  cluster.app("/x", { cpus: 0.1, portDefinitions: [], labels: { tier: "x" } });
  cluster.agent("n1", { capacity: { cpuMillis: 2_000, memoryMib: 2_000, diskMib: 0, gpus: 0 } });
  cluster.want("/x", ["n1"]);
  cluster.place(["/x"]);
  cluster.place(["/apart"]);
  assert.deepEqual(cured(cluster, placed("/anything")), ["/apart"], "a selector may mean any app");
});

test("several changes wake each app once, those first that have waited longest", () => {
  const cluster = waitingCluster();
  cluster.gate("n4", "open");
  cluster.agent("n5");
  const changes = [offered("n5"), opened("n4"), { type: "placed", app: "/db" } as const];
  assert.deepEqual(cured(cluster, ...changes), ["/tiny", "/two", "/near", "/apart"]);
});

test("a hold that ends or changes wakes all that wait", () => {
  assert.deepEqual(cured(waitingCluster(), { type: "hold" }), ["/tiny", "/two", "/prod", "/near", "/apart"]);
});

test("only what is missing counts: rows pinned elsewhere and versions that stand are no reason to wake", () => {
  const cluster = new TestCluster();
  for (const agent of ["n1", "n2", "n3"]) cluster.agent(agent, SMALL);
  cluster.gate("n2", "cordon");
  cluster.app("/everywhere", { cpus: 0.6, portDefinitions: [] });
  cluster.want("/everywhere", ["n1", "n2"]);
  cluster.place(["/everywhere"]);
  cluster.gate("n2", "open");
  assert.deepEqual(cured(cluster, opened("n2"), offered("n2")), ["/everywhere"]);
  assert.deepEqual(cured(cluster, offered("n3")), [], "its missing instance is for n2");
  cluster.app("/everywhere", { cpus: 9, portDefinitions: [] });
  cluster.want("/everywhere", ["n3"]);
  cluster.place(["/everywhere"]);
  assert.deepEqual(cured(cluster, offered("n3"), offered("n2")), [], "the version that would fit stands already");
});

test("an app is woken however its agent came to fit: by steps none of which would have helped alone", () => {
  const build = () => {
    const cluster = new TestCluster();
    cluster.agent("n1");
    cluster.app("/full", { cpus: 4, portDefinitions: [] });
    cluster.want("/full");
    cluster.place(["/full"]);
    cluster.app("/a", { cpus: 1, portDefinitions: [] });
    cluster.want("/a");
    return cluster;
  };
  const free = (cluster: TestCluster) => {
    cluster.end("/full", cluster.rows("/full")[0] ?? assert.fail());
    cluster.unwant("/full", () => true);
    cluster.place(["/full"]);
  };
  // It was told that n1 is full; then n1 is cordoned, emptied and opened.
  const first = build();
  first.place(["/a"]);
  first.gate("n1", "cordon");
  free(first);
  assert.deepEqual(cured(first, released("n1")), []);
  first.gate("n1", "open");
  assert.deepEqual(cured(first, opened("n1")), ["/a"]);
  // It was told that n1 is cordoned; then n1 is opened and emptied.
  const second = build();
  second.gate("n1", "cordon");
  second.place(["/a"]);
  second.gate("n1", "open");
  assert.deepEqual(cured(second, opened("n1")), []);
  free(second);
  assert.deepEqual(cured(second, released("n1")), ["/a"]);
});

test("an app whose instances are shared out to as many groups as there are is woken when agents change", () => {
  const cluster = new TestCluster();
  for (const rack of ["r1", "r2"]) cluster.agent(rack, { attributes: parseAttributes(`rack:${rack}`) });
  cluster.agent("r2", { role: "*", capacity: { cpuMillis: 0, memoryMib: 0, diskMib: 0, gpus: 0 } });
  cluster.app("/a", { cpus: 0.1, portDefinitions: [], constraints: [["rack", "GROUP_BY"]] });
  cluster.want("/a", 2);
  cluster.place(["/a"]);
  assert.deepEqual(cluster.agentsOf("/a"), ["r1"], "the other is for r2");
  cluster.agent("r2", { role: "prod" });
  assert.deepEqual(cured(cluster, offered("r2")), ["/a"]);
  cluster.place(["/a"]);
  assert.deepEqual(cluster.agentsOf("/a"), ["r1", "r1"], "there is one rack left");
});

test("an app that waits for nothing that changed is left alone", () => {
  const cluster = new TestCluster();
  cluster.agent("n1");
  cluster.app("/a", { cpus: 9, portDefinitions: [] });
  cluster.want("/a");
  cluster.place(["/a"]);
  assert.deepEqual(cured(cluster, opened("n1"), released("n1"), offered("n1"), { type: "placed", app: "/b" }), []);
});
