import assert from "node:assert/strict";
import { test } from "node:test";
import { type OfferDocument, parseAttributes } from "@muster/contracts";
import { diceOf, type Looking, TestCluster } from "../testing/test-cluster.ts";

type Scene = {
  agents: Record<string, Partial<OfferDocument>>;
  /** Load on agents before: whole cpus of an app pinned there. */
  load?: Record<string, number>;
  app: Record<string, unknown>;
  instances: number;
  looking?: Looking;
  prepare?: (cluster: TestCluster) => void;
};

const rack = (value: string, more: Partial<OfferDocument> = {}): Partial<OfferDocument> => ({
  attributes: parseAttributes(`rack:${value}`),
  ...more,
});
const cpus = (count: number) => ({ capacity: { cpuMillis: count * 1_000, memoryMib: 100_000, diskMib: 0, gpus: 0 } });

/** The agents that the instances got, for each of some seeds. */
function outcomes({ agents, load = {}, app, instances, looking = {}, prepare }: Scene): string[][] {
  return [1, 2, 3, 4, 5].map((seed) => {
    const cluster = new TestCluster();
    for (const [agent, more] of Object.entries(agents)) cluster.agent(agent, more);
    for (const [agent, count] of Object.entries(load)) {
      cluster.app(`/load-${agent}`, { cpus: count });
      cluster.want(`/load-${agent}`, [agent]);
      cluster.place([`/load-${agent}`]);
    }
    prepare?.(cluster);
    cluster.app("/a", { portDefinitions: [], ...app });
    cluster.want("/a", instances);
    cluster.place(["/a"], { dice: diceOf(seed), ...looking });
    return cluster.agentsOf("/a");
  });
}

/** How many each agent got, by name, the same for every seed. */
function counts(scene: Scene): Record<string, number> {
  const [first, ...others] = outcomes(scene).map((agents) => {
    const sums: Record<string, number> = {};
    for (const agent of agents.toSorted()) sums[agent] = (sums[agent] ?? 0) + 1;
    return sums;
  });
  for (const other of others) assert.deepEqual(other, first, "whatever the dice say");
  return first as Record<string, number>;
}

const FOUR = { n1: {}, n2: {}, n3: {}, n4: {} };

test("spread gives every agent one before any gets two, whatever their loads", () => {
  assert.deepEqual(counts({ agents: FOUR, load: { n1: 2, n2: 1 }, app: { cpus: 0.5 }, instances: 4 }), {
    n1: 1,
    n2: 1,
    n3: 1,
    n4: 1,
  });
});

test("spread takes the less loaded agent first", () => {
  assert.deepEqual(counts({ agents: FOUR, load: { n1: 2, n2: 1, n4: 3 }, app: { cpus: 0.5 }, instances: 1 }), {
    n3: 1,
  });
});

test("spread looks at the greater share of cpus and memory", () => {
  const agents = { n1: { capacity: { cpuMillis: 4_000, memoryMib: 1_000, diskMib: 0, gpus: 0 } }, n2: {} };
  assert.deepEqual(counts({ agents, load: { n1: 1, n2: 1 }, app: { mem: 700, cpus: 0.1 }, instances: 1 }), { n2: 1 });
});

test("binpack fills the fullest agent that has room, then the next", () => {
  const agents = { n1: {}, n2: {}, n3: {} };
  const app = { cpus: 1, placement: { strategy: "binpack" } };
  assert.deepEqual(counts({ agents, load: { n2: 2, n3: 1 }, app, instances: 6 }), { n1: 1, n2: 2, n3: 3 });
});

test("binpack keeps instances together that are far smaller than the agents", () => {
  const agents = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`n${i}`, cpus(64)]));
  for (const used of outcomes({ agents, app: { cpus: 0.05, placement: { strategy: "binpack" } }, instances: 100 }))
    assert.equal(new Set(used).size, 1);
});

test("binpack goes on where it began when instances come one by one", () => {
  const cluster = new TestCluster();
  for (let i = 0; i < 20; i += 1) cluster.agent(`n${i}`, cpus(64));
  cluster.app("/a", { cpus: 0.05, placement: { strategy: "binpack" }, portDefinitions: [] });
  for (let i = 0; i < 30; i += 1) {
    cluster.want("/a");
    cluster.place(["/a"], { dice: diceOf(i) });
  }
  assert.equal(new Set(cluster.agentsOf("/a")).size, 1);
});

test("random uses every agent, and not in turn", () => {
  const used = outcomes({
    agents: FOUR,
    app: { cpus: 0.01, mem: 1, placement: { strategy: "random" } },
    instances: 40,
  });
  for (const agents of used) {
    const sums = Object.values(Object.groupBy(agents, (agent) => agent)).map((each) => each?.length ?? 0);
    assert.equal(sums.length, 4);
    assert.ok(Math.max(...sums) - Math.min(...sums) > 1, sums.join());
  }
});

test("an app's own strategy goes before the cluster's", () => {
  const scene = { agents: FOUR, load: { n2: 1 }, instances: 2 };
  assert.deepEqual(counts({ ...scene, app: {}, looking: { strategy: "binpack" } }), { n2: 2 });
  const spread = counts({
    ...scene,
    app: { placement: { strategy: "spread" }, constraints: [["hostname", "LIKE", "n[12]"]] },
    looking: { strategy: "binpack" },
  });
  assert.deepEqual(spread, { n1: 1, n2: 1 });
});

const RACKS = { n1: rack("r1"), n2: rack("r1"), n3: rack("r1"), n4: rack("r2") };

test("spreadOver evens out the values of a field before agents are compared", () => {
  const app = { cpus: 0.5, placement: { spreadOver: "rack" } };
  assert.deepEqual(counts({ agents: RACKS, app, load: { n4: 2 }, instances: 2 * 4 - 2 }), {
    n1: 1,
    n2: 1,
    n3: 1,
    n4: 3,
  });
});

test("agents without the field are one group of their own", () => {
  const app = { cpus: 0.5, placement: { spreadOver: "rack" } };
  for (const used of outcomes({ agents: { ...RACKS, n5: {}, n6: {} }, app, instances: 6 })) {
    const places = used.map((agent) => ({ n1: "r1", n2: "r1", n3: "r1", n4: "r2" })[agent] ?? "none");
    assert.deepEqual(places.toSorted(), ["none", "none", "r1", "r1", "r2", "r2"]);
  }
});

test("of two fields the heavier is evened out first", () => {
  const zone = (name: string) => ({ zone: name });
  const agents = { n1: rack("r1", zone("z1")), n2: rack("r1", zone("z2")), n3: rack("r2", zone("z2")) };
  const standing = (cluster: TestCluster) => {
    cluster.app("/a", { cpus: 0.1 });
    cluster.want("/a", ["n1"]);
    cluster.place(["/a"]);
  };
  const app = (zoneWeight: number, rackWeight: number) => ({
    cpus: 0.1,
    placement: {
      spreadOver: [
        { field: "@zone", weight: zoneWeight },
        { field: "rack", weight: rackWeight },
      ],
    },
  });
  const cluster = (fields: object) =>
    outcomes({
      agents: { n1: agents.n1, n2: agents.n2, n3: { ...agents.n3, zone: "z1" } },
      app: fields as Record<string, unknown>,
      instances: 1,
      prepare: standing,
    });
  // One stands on r1 in z1. n2 is of another zone, n3 of another rack.
  for (const used of cluster(app(90, 10))) assert.ok(used.includes("n2"), used.join());
  for (const used of cluster(app(10, 90))) assert.ok(used.includes("n3"), used.join());
});

const soft = (...placement: object[]) => ({ placement: Object.assign({}, ...placement) });

test("soft terms are lost one at a time, the least loss first, and outweigh evenness and loads", () => {
  const agents = {
    both: { attributes: parseAttributes("a:1;b:1"), ...cpus(2) },
    heavy: { attributes: parseAttributes("a:1"), ...cpus(2) },
    light: { attributes: parseAttributes("b:1"), ...cpus(2) },
    none: cpus(64),
  };
  const over = (app: string, weight: number) => ({ app, weight });
  const app = soft({ spreadOver: "@hostname", affinity: [over("/on-a", 20), over("/on-b", 5)] });
  const prepare = (cluster: TestCluster) => {
    for (const [id, pins] of [
      ["/on-a", ["both", "heavy"]],
      ["/on-b", ["both", "light"]],
    ] as const) {
      cluster.app(id, { cpus: 0.5, portDefinitions: [] });
      cluster.want(id, pins);
      cluster.place([id]);
    }
  };
  const used = outcomes({ agents, app, instances: 5, prepare });
  for (const order of used) assert.deepEqual(order, ["both", "heavy", "light", "none", "none"]);
});

test("two light losses may weigh more than a heavy one", () => {
  const agents = { n1: { attributes: parseAttributes("x:1") }, n2: { attributes: parseAttributes("y:1;z:1") } };
  const near = (on: string, weight: number) => ({ app: on, weight });
  const prepare = (cluster: TestCluster) => {
    for (const [id, pin] of [
      ["/x", "n1"],
      ["/y", "n2"],
      ["/z", "n2"],
    ] as const) {
      cluster.app(id, { cpus: 0.1 });
      cluster.want(id, [pin]);
      cluster.place([id]);
    }
  };
  const affinity = [near("/x", 10), near("/y", 6), near("/z", 6)];
  assert.deepEqual(counts({ agents, app: soft({ affinity }), instances: 1, prepare }), { n2: 1 });
});

test("a soft affinity to itself keeps an app in one rack as long as there is room", () => {
  const agents = { n1: rack("r1", cpus(2)), n2: rack("r1", cpus(1)), n3: rack("r2", cpus(1)), n4: rack("r3", cpus(1)) };
  const app = soft({ affinity: { app: "/a", over: "rack", weight: 1 } });
  for (const used of outcomes({
    agents,
    app: { ...app, constraints: [["rack", "LIKE", "r[12]"]] },
    instances: 4,
    looking: {},
  }).map((each) => each.toSorted())) {
    assert.deepEqual(used, ["n1", "n1", "n2", "n3"]);
  }
});

/** An app of two on n1 and n2, the one on n1 failed. */
function failedOnN1(agents: Scene["agents"] = { n1: {}, n2: {}, n3: {} }, pins = ["n1", "n2"]): TestCluster {
  const cluster = new TestCluster();
  for (const [agent, more] of Object.entries(agents)) cluster.agent(agent, more);
  cluster.app("/a", { cpus: 0.5, portDefinitions: [] });
  cluster.want("/a", pins);
  cluster.place(["/a"]);
  cluster.state.write("wanted.a", {
    ...cluster.wanted("/a"),
    rows: cluster.wanted("/a").rows.map((row) => ({ ...row, agent: null })),
  });
  cluster.end("/a", cluster.rows("/a").find(({ agent }) => agent === "n1") ?? assert.fail());
  cluster.place(["/a"]);
  cluster.replaceEnded("/a");
  return cluster;
}

test("an agent on which the instance just failed is avoided, rather than one where the app already stands", () => {
  const cluster = failedOnN1({ n1: {}, n2: {} });
  cluster.place(["/a"]);
  assert.deepEqual(cluster.agentsOf("/a"), ["n2", "n2"]);
});

test("also where a worker's own share lies there", () => {
  const cluster = failedOnN1({ n1: {}, n2: {} });
  cluster.place(["/a"], { distance: Float64Array.from([0, 2.99]) });
  assert.deepEqual(cluster.agentsOf("/a"), ["n2", "n2"]);
});

test("where nothing else fits it is taken all the same", () => {
  const cluster = failedOnN1();
  cluster.gate("n2", "cordon");
  cluster.gate("n3", "cordon");
  cluster.place(["/a"]);
  assert.deepEqual(cluster.agentsOf("/a"), ["n1", "n2"]);
});

test("after ten minutes it is an agent like others", () => {
  const cluster = failedOnN1({ n1: {}, n2: {} });
  cluster.now += 10 * 60_000;
  cluster.place(["/a"]);
  assert.deepEqual(cluster.agentsOf("/a"), ["n1", "n2"]);
});

test("in a group the slot that failed somewhere changes places with another", () => {
  const one = { capacity: { cpuMillis: 500, memoryMib: 64, diskMib: 0, gpus: 0 } };
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const cluster = failedOnN1({ n2: {}, n1: {}, n3: one }, ["n2", "n1"]);
    // Slot 1 failed on n1. Slot 0 ended well on n2, which is cordoned: both are placed together on n1 and n3.
    for (const agent of ["n1", "n2", "n3"]) cluster.gate(agent, "cordon");
    cluster.end("/a", cluster.rows("/a")[0] ?? assert.fail(), "finished");
    cluster.place(["/a"]);
    cluster.replaceEnded("/a");
    for (const agent of ["n1", "n3"]) cluster.gate(agent, "open");
    cluster.place(["/a"], { dice: diceOf(seed) });
    assert.deepEqual(cluster.agentsOf("/a"), ["n1", "n3"]);
  }
});

test("an agent that has the image is preferred among equals, whatever tag is meant by none", () => {
  const docker = (image: string) => ({ cpus: 0.1, container: { type: "DOCKER", docker: { image } } });
  const agents = { n1: {}, n2: { images: ["web:latest", "registry:5000/db:latest"] }, n3: { images: ["web:2"] } };
  assert.deepEqual(counts({ agents, app: docker("web"), instances: 1 }), { n2: 1 });
  assert.deepEqual(counts({ agents, app: docker("web:2"), instances: 1 }), { n3: 1 });
  assert.deepEqual(counts({ agents, app: docker("registry:5000/db"), instances: 1 }), { n2: 1 });
  assert.deepEqual(
    counts({ agents, app: docker("web"), instances: 3 }),
    { n1: 1, n2: 1, n3: 1 },
    "one more instance costs more",
  );
});

test("a worker's own share goes first, and keeps below one instance of the app", () => {
  const distance = Float64Array.from([2.9, 0, 1.5, 2.9]);
  assert.deepEqual(counts({ agents: FOUR, app: { cpus: 0.1 }, instances: 1, looking: { distance } }), { n2: 1 });
  assert.deepEqual(counts({ agents: FOUR, app: { cpus: 0.1 }, instances: 4, looking: { distance } }), {
    n1: 1,
    n2: 1,
    n3: 1,
    n4: 1,
  });
});
