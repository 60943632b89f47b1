import assert from "node:assert/strict";
import { test } from "node:test";
import { type OfferDocument, parseAttributes, type WaitingDocument } from "@muster/contracts";
import { TestCluster } from "../testing/test-cluster.ts";

type Row = {
  claim: string;
  agents: Record<string, Partial<OfferDocument>>;
  app: Record<string, unknown>;
  instances?: number;
  pins?: string[];
  prepare?: (cluster: TestCluster) => void;
  told: Partial<WaitingDocument>;
};

const rack = (value: string): Partial<OfferDocument> => ({ attributes: parseAttributes(`rack:${value}`) });
const fill = (agent: string, fields: Record<string, unknown>) => (cluster: TestCluster) => {
  cluster.app("/old", fields);
  cluster.want("/old", [agent]);
  cluster.place(["/old"]);
};
const BIG = { cpus: 3, portDefinitions: [] };

const TABLE: Row[] = [
  {
    claim: "an agent that would hold it if it were empty: one more like it would",
    agents: { n1: {}, n2: { capacity: { cpuMillis: 1_000, memoryMib: 100, diskMib: 0, gpus: 0 } } },
    app: BIG,
    prepare: fill("n1", { cpus: 2 }),
    told: {
      count: 1,
      agentsSeen: 2,
      refusals: [{ check: "cpus", agents: 2, reason: "needs 3 cpus, 2 free" }],
      nearest: { agent: "n1", lacks: "needs 3 cpus, 2 free" },
      wouldFitIf: ["there were one more agent like n1"],
      cures: ["agent.offer", "agent.gate", "spec.changed", "instance.released"],
      follows: [],
    },
  },
  {
    claim: "several wait: as many agents as all of them need",
    agents: { n1: {}, n2: {} },
    app: { ...BIG, cpus: 2 },
    instances: 9,
    told: { count: 5, wouldFitIf: ["there were 3 more agents like n1"] },
  },
  {
    claim: "no agent is large enough: more of them would not help",
    agents: { n1: {}, n2: {} },
    app: { ...BIG, cpus: 5 },
    told: { refusals: [{ check: "cpus", agents: 2, reason: "needs 5 cpus, 4 free" }], wouldFitIf: [] },
  },
  {
    claim: "a host port that no agent offers: more of them would not help",
    agents: { n1: {}, n2: {} },
    app: { portDefinitions: [{ port: 80 }], requirePorts: true },
    told: {
      refusals: [{ check: "ports", agents: 2, reason: "the agent does not offer host port 80" }],
      wouldFitIf: [],
    },
  },
  {
    claim: "a host port that is in use: one more agent would help",
    agents: { n1: {} },
    app: { portDefinitions: [{ port: 31_000 }], requirePorts: true },
    prepare: fill("n1", { portDefinitions: [{ port: 31_000 }], requirePorts: true }),
    told: {
      refusals: [{ check: "ports", agents: 1, reason: "host port 31000 is in use" }],
      wouldFitIf: ["there were one more agent like n1"],
    },
  },
  {
    claim: "closed gates",
    agents: { n1: {}, n2: {}, n3: { role: "prod" } },
    app: BIG,
    prepare: (cluster) => {
      for (const agent of ["n1", "n2", "n3"]) cluster.gate(agent, "cordon");
    },
    told: {
      refusals: [{ check: "gate", agents: 3, reason: "the agent is cordoned" }],
      wouldFitIf: ["the gates of 2 agents were open"],
      cures: ["agent.offer", "agent.gate", "spec.changed"],
    },
  },
  {
    claim: "another role, another runtime",
    agents: { n1: { role: "prod" }, n2: { runtimes: ["docker"] }, n3: { runtimes: ["docker"] } },
    app: BIG,
    told: {
      refusals: [
        { check: "runtime", agents: 2, reason: "needs the process runtime, the agent has docker" },
        { check: "role", agents: 1, reason: "accepts role *, the agent's is prod" },
      ],
      nearest: { agent: "n1", lacks: "accepts role *, the agent's is prod" },
      wouldFitIf: ["2 agents would take it with another runtime", "1 agent would take it with another role"],
    },
  },
  {
    claim: "a rule that alone stands in the way is named in its own words",
    agents: { n1: rack("r1"), n2: rack("r1"), n3: rack("r2"), n4: {} },
    app: {
      ...BIG,
      constraints: [
        ["rack", "UNIQUE"],
        ["rack", "LIKE", "r1"],
      ],
    },
    instances: 2,
    told: {
      count: 1,
      refusals: [{ check: "constraints", agents: 4, reason: "rack UNIQUE: an instance already stands on rack r1" }],
      wouldFitIf: ["1 agent would take it without rack UNIQUE", "1 agent would take it without rack LIKE r1"],
      cures: ["agent.offer", "agent.gate", "spec.changed", "instance.released"],
    },
  },
  {
    claim: "what stands in the way of single hosts is cured by as many more",
    agents: { n1: {} },
    app: { ...BIG, cpus: 0.1, constraints: [["hostname", "UNIQUE"]] },
    instances: 3,
    told: { wouldFitIf: ["there were 2 more agents like n1", "1 agent would take it without hostname UNIQUE"] },
  },
  {
    claim: "another app's conflict",
    agents: { n1: {} },
    app: { ...BIG, cpus: 0.1 },
    prepare: fill("n1", { cpus: 0.1, placement: { conflicts: ["/a"] } }),
    told: {
      refusals: [{ check: "conflicts", agents: 1, reason: "/old's conflict with this app: /old stands on this agent" }],
      wouldFitIf: ["there were one more agent like n1", "1 agent would take it without /old's conflict with this app"],
      follows: ["*"],
    },
  },
  {
    claim: "rows pinned to agents are told of those alone",
    agents: { n1: {}, n2: {}, n3: {} },
    app: BIG,
    pins: ["n1", "n2"],
    prepare: (cluster) => {
      fill("n1", { cpus: 2 })(cluster);
      cluster.gate("n2", "drain");
    },
    told: {
      count: 2,
      agentsSeen: 2,
      refusals: [
        { check: "gate", agents: 1, reason: "the agent is being drained" },
        { check: "cpus", agents: 1, reason: "needs 3 cpus, 2 free" },
      ],
      wouldFitIf: ["the gate of 1 agent were open"],
    },
  },
  {
    claim: "no agents at all",
    agents: {},
    app: BIG,
    told: { agentsSeen: 0, refusals: [], nearest: null, wouldFitIf: [] },
  },
  {
    claim: "apps whose placement could help are named",
    agents: { n1: {} },
    app: { ...BIG, placement: { machineOf: "/x", affinity: "/y/z" } },
    told: {
      refusals: [{ check: "affinity", agents: 1, reason: "MachineOf /x: no instance of it stands on this agent" }],
      follows: ["x", "y_z"],
    },
  },
];

for (const { claim, agents, app, instances = 1, pins, prepare, told } of TABLE)
  test(`${claim}: ${JSON.stringify(app)}`, () => {
    const cluster = new TestCluster();
    for (const [agent, more] of Object.entries(agents)) cluster.agent(agent, more);
    prepare?.(cluster);
    cluster.app("/a", app);
    cluster.want("/a", pins ?? instances);
    cluster.place(["/a"]);
    const waiting = cluster.waiting("/a");
    const told_ = Object.fromEntries(Object.keys(told).map((key) => [key, waiting?.[key as keyof WaitingDocument]]));
    assert.deepEqual(told_, told);
  });

test("a second look at the same world writes nothing, a change writes what is new, and being placed removes it", () => {
  const cluster = new TestCluster();
  cluster.app("/a", BIG);
  cluster.want("/a");
  cluster.place(["/a"]);
  const first = cluster.waiting("/a") ?? assert.fail();
  cluster.now += 1_000;
  assert.deepEqual(cluster.place(["/a"]).decision.writes, []);
  cluster.agent("n1", { role: "prod" });
  const { decision } = cluster.place(["/a"]);
  assert.deepEqual(
    decision.events.map(({ type }) => type),
    ["muster.app.waiting"],
  );
  const second = cluster.waiting("/a") ?? assert.fail();
  assert.deepEqual([second.sinceMs, second.decidedAtMs, second.agentsSeen], [first.sinceMs, cluster.now, 1]);
  cluster.agent("n1", { role: "*" });
  cluster.place(["/a"]);
  assert.deepEqual([cluster.waiting("/a"), cluster.agentsOf("/a")], [null, ["n1"]]);
});
