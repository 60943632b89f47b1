import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, refusals, type Scene } from "../testing/rule-builders.ts";

/** Three agents in two racks, and one in none. */
const AGENTS = { n1: "rack:r1;storage:ssd", n2: "rack:r1;storage:hdd", n3: "rack:r2;storage:ssd", n4: "" };
const placement = (fields: Record<string, unknown>) => ({ placement: fields });
const db = (on: string[], fields: Record<string, unknown> = {}) => ({
  id: "/db",
  fields: { labels: { tier: "db" }, ...fields },
  on,
});

type Row = {
  claim: string;
  placement?: Record<string, unknown>;
  fields?: Record<string, unknown>;
  own?: string[];
  others?: Scene["others"];
  agents?: Scene["agents"];
  /** Agents not named are accepted. */
  refused: Record<string, string>;
};

const MACHINES: Row[] = [
  {
    claim: "MachineID accepts that agent and no other",
    placement: { machineId: "n2" },
    refused: Object.fromEntries(["n1", "n3", "n4"].map((agent) => [agent, "machine: only n2 is accepted"])),
  },
  {
    claim: "MachineID of an agent nobody knows accepts none",
    placement: { machineId: "n9" },
    refused: Object.fromEntries(
      ["n1", "n2", "n3", "n4"].map((agent) => [agent, "machine: only n9 is accepted, and there is no such agent"]),
    ),
  },
  {
    claim: "MachineMetadata: different keys are both",
    placement: { machineMetadata: ["rack=r1", "storage=ssd"] },
    refused: {
      n2: "machine: needs storage=ssd, the agent's is hdd",
      n3: "machine: needs rack=r1, the agent's is r2",
      n4: "machine: needs rack=r1, the agent has no rack",
    },
  },
  {
    claim: "MachineMetadata: one key twice is either value, wherever it stands",
    placement: { machineMetadata: ["rack=r1", "storage=ssd", "rack=r2"] },
    refused: {
      n2: "machine: needs storage=ssd, the agent's is hdd",
      n4: "machine: needs rack=r1 or r2, the agent has no rack",
    },
  },
];

const EXPRESSIONS: Row[] = [
  {
    claim: "== asks for the value, and an agent without it fails",
    placement: { expressions: ["storage==ssd"] },
    refused: {
      n2: "expressions: storage==ssd: the agent's storage is hdd",
      n4: "expressions: storage==ssd: the agent has no storage",
    },
  },
  {
    claim: "!= asks for any other, and an agent without it passes",
    placement: { expressions: ["storage!=ssd"] },
    refused: {
      n1: "expressions: storage!=ssd: the agent's storage is ssd",
      n3: "expressions: storage!=ssd: the agent's storage is ssd",
    },
  },
  {
    claim: "a glob matches the whole value; node is the hostname",
    placement: { expressions: ["node!=n?", "rack==r*"] },
    refused: Object.fromEntries(
      ["n1", "n2", "n3", "n4"].map((n) => [n, `expressions: node!=n?: the agent's hostname is ${n}`]),
    ),
  },
  { claim: "a glob of one letter does not match two", placement: { expressions: ["rack!=r"] }, refused: {} },
  {
    claim: "what stands between slashes is a regular expression for the whole value",
    placement: { expressions: ["node==/n[12]/"] },
    refused: {
      n3: "expressions: node==/n[12]/: the agent's hostname is n3",
      n4: "expressions: node==/n[12]/: the agent's hostname is n4",
    },
  },
  {
    claim: "a regular expression for a part of the value matches nothing",
    placement: { expressions: ["node==/n/"] },
    refused: Object.fromEntries(
      ["n1", "n2", "n3", "n4"].map((n) => [n, `expressions: node==/n/: the agent's hostname is ${n}`]),
    ),
  },
  { claim: "a dot in a glob is a dot", placement: { expressions: ["rack!=r."] }, refused: {} },
  {
    claim: "a soft expression refuses nobody",
    placement: { expressions: ["storage==~tape", "node!=~n*"] },
    refused: {},
  },
];

const none = "no instance of it stands on this";
const AFFINITIES: Row[] = [
  {
    claim: "an affinity by name is to the agents where that app stands",
    placement: { affinity: "/db" },
    others: [db(["n2"])],
    refused: Object.fromEntries(
      ["n1", "n3", "n4"].map((n) => [n, `affinity: affinity to /db over @hostname: ${none} agent`]),
    ),
  },
  {
    claim: "over an attribute it is to all agents with the same value",
    placement: { affinity: { app: "/db", over: "rack" } },
    others: [db(["n2"])],
    refused: {
      n3: `affinity: affinity to /db over rack: ${none} rack`,
      n4: "affinity: affinity to /db over rack: the agent has no rack",
    },
  },
  {
    claim: "by labels it is to any of the apps that bear them",
    placement: { affinity: { selector: "tier=db", over: "rack" } },
    others: [db(["n2"]), { id: "/web", on: ["n4"] }],
    refused: {
      n3: `affinity: affinity to tier=db over rack: ${none} rack`,
      n4: "affinity: affinity to tier=db over rack: the agent has no rack",
    },
  },
  {
    claim: "what is ordered to stop is no company",
    placement: { affinity: "/db" },
    others: [db(["n2 stop", "n1"])],
    refused: Object.fromEntries(
      ["n2", "n3", "n4"].map((n) => [n, `affinity: affinity to /db over @hostname: ${none} agent`]),
    ),
  },
  {
    claim: "an app that stands nowhere leaves nowhere to go",
    placement: { affinity: "/db" },
    refused: Object.fromEntries(
      ["n1", "n2", "n3", "n4"].map((n) => [n, `affinity: affinity to /db over @hostname: ${none} agent`]),
    ),
  },
  {
    claim: "the first instance of an app that wants its own kind is free, where there is such a field",
    placement: { affinity: { app: "/a", over: "rack" } },
    refused: { n4: "affinity: affinity to /a over rack: the agent has no rack" },
  },
  {
    claim: "the second goes to the first",
    placement: { affinity: { app: "/a", over: "rack" } },
    own: ["n3"],
    refused: Object.fromEntries(
      ["n1", "n2"]
        .map((n) => [n, `affinity: affinity to /a over rack: ${none} rack`])
        .concat([["n4", "affinity: affinity to /a over rack: the agent has no rack"]]),
    ),
  },
  {
    claim: "a selector that means the app itself and others binds its first instance to those others",
    placement: { affinity: { selector: "tier=db", over: "rack" } },
    fields: { labels: { tier: "db" } },
    others: [db(["n3"])],
    refused: Object.fromEntries(
      ["n1", "n2"]
        .map((n) => [n, `affinity: affinity to tier=db over rack: ${none} rack`])
        .concat([["n4", "affinity: affinity to tier=db over rack: the agent has no rack"]]),
    ),
  },
  {
    claim: "MachineOf follows an app to its agents",
    placement: { machineOf: "/db" },
    others: [db(["n3", "n1"])],
    refused: Object.fromEntries(["n2", "n4"].map((n) => [n, `affinity: MachineOf /db: ${none} agent`])),
  },
  { claim: "a soft affinity refuses nobody", placement: { affinity: { app: "/db", weight: 5 } }, refused: {} },
];

const anti = (target: string, over: string) =>
  `conflicts: anti-affinity to ${target} over ${over}: one stands on this ${over === "@hostname" ? "agent" : over}`;
const CONFLICTS: Row[] = [
  {
    claim: "an anti-affinity by name keeps off the agents of that app",
    placement: { antiAffinity: "/db" },
    others: [db(["n2"])],
    refused: { n2: anti("/db", "@hostname") },
  },
  {
    claim: "what is ordered to stop still stands in the way",
    placement: { antiAffinity: "/db" },
    others: [db(["n2 stop"])],
    refused: { n2: anti("/db", "@hostname") },
  },
  {
    claim: "over an attribute it keeps off its values; an agent without it passes",
    placement: { antiAffinity: { selector: "tier in (db,cache)", over: "rack" } },
    others: [db(["n2"]), { id: "/web", on: ["n3"] }, { id: "/none", on: ["n4"], fields: { labels: { tier: "db" } } }],
    refused: { n1: anti("tier in (db,cache)", "rack"), n2: anti("tier in (db,cache)", "rack") },
  },
  {
    claim: "one that means the app itself keeps its instances apart",
    placement: { antiAffinity: { app: "/a", over: "rack" } },
    own: ["n1"],
    refused: { n1: anti("/a", "rack"), n2: anti("/a", "rack") },
  },
  {
    claim: "a soft anti-affinity refuses nobody",
    placement: { antiAffinity: { app: "/db", weight: 5 } },
    others: [db(["n2"])],
    refused: {},
  },
  {
    claim: "Conflicts keep off agents of apps whose ids match",
    placement: { conflicts: ["/db*", "/x/?"] },
    others: [db(["n2"]), { id: "/db2", on: ["n3"] }, { id: "/x/y", on: ["n4"] }, { id: "/x/yz", on: ["n1"] }],
    refused: {
      n2: "conflicts: conflicts with /db*: one of them stands on this agent",
      n3: "conflicts: conflicts with /db*: one of them stands on this agent",
      n4: "conflicts: conflicts with /x/?: one of them stands on this agent",
    },
  },
  {
    claim: "the app's own instances are no conflict",
    placement: { conflicts: ["/*"] },
    own: ["n1"],
    others: [db(["n2 stop"])],
    refused: { n2: "conflicts: conflicts with /*: one of them stands on this agent" },
  },
  {
    claim: "Conflicts of a standing app repel a newcomer",
    others: [
      db(["n2"], placement({ conflicts: ["/a*"] })),
      { id: "/b", on: ["n3"], fields: placement({ conflicts: ["/b*"] }) },
    ],
    refused: { n2: "conflicts: /db's conflict with this app: /db stands on this agent" },
  },
  {
    claim: "so does another's anti-affinity, by name or by labels, over its field",
    fields: { labels: { tier: "web" } },
    others: [
      db(["n4"], placement({ antiAffinity: "/a" })),
      {
        id: "/q",
        on: ["n1"],
        fields: placement({ antiAffinity: [{ selector: "tier=web", over: "rack" }, { selector: "tier=db" }] }),
      },
    ],
    refused: {
      n1: "conflicts: /q's anti-affinity to tier=web over rack: /q stands on this rack",
      n2: "conflicts: /q's anti-affinity to tier=web over rack: /q stands on this rack",
      n4: "conflicts: /db's anti-affinity to /a over @hostname: /db stands on this agent",
    },
  },
  {
    claim: "another's soft anti-affinity repels nobody",
    others: [db(["n2"], placement({ antiAffinity: { app: "/a", weight: 9 } }))],
    refused: {},
  },
  {
    claim: "another's anti-affinity over a field that an agent lacks says nothing about it",
    others: [db(["n4"], placement({ antiAffinity: { app: "/a", over: "rack" } }))],
    refused: {},
  },
  {
    claim: "a rule of an app that stands nowhere repels nobody",
    others: [db([], placement({ conflicts: ["/a"] }))],
    refused: {},
  },
];

for (const row of [...MACHINES, ...EXPRESSIONS, ...AFFINITIES, ...CONFLICTS])
  test(`${row.claim}: ${JSON.stringify(row.placement ?? {})}`, () => {
    const { placement: fields = {}, fields: more = {}, own = [], others = [], agents = AGENTS } = row;
    const compiled = compile({ agents, others, app: { id: "/a", fields: { ...more, placement: fields }, on: own } });
    const expected = Object.fromEntries(Object.keys(agents).map((agent) => [agent, row.refused[agent] ?? null]));
    assert.deepEqual(refusals(compiled), expected);
  });

test("soft terms are preferences with their weights, an expression with 50", () => {
  const { preferences, fleet } = compile({
    agents: AGENTS,
    others: [db(["n1"])],
    app: {
      id: "/a",
      fields: placement({
        expressions: ["storage==~ssd", "rack!=~r2"],
        affinity: { app: "/db", over: "rack", weight: 7 },
        antiAffinity: { app: "/db", weight: 9 },
      }),
    },
  });
  const lost = preferences.map(({ text, weight, isLost }) => [
    text,
    weight,
    fleet.ids.filter((_, agent) => isLost(agent)),
  ]);
  assert.deepEqual(lost, [
    ["storage==~ssd", 50, ["n2", "n4"]],
    ["rack!=~r2", 50, ["n3"]],
    ["affinity to /db over rack", 7, ["n3", "n4"]],
    ["anti-affinity to /db over @hostname", 9, ["n1"]],
  ]);
});

test("an instance that is taken counts at once: self-affinity, self-anti-affinity, and their soft forms", () => {
  const terms = { affinity: { app: "/a", over: "rack" }, antiAffinity: { app: "/a" } };
  const hard = compile({ agents: AGENTS, app: { id: "/a", fields: placement(terms) } });
  const n1 = hard.fleet.indexOf("n1") as number;
  for (const { take } of hard.rules) take?.(n1);
  const told = refusals(hard);
  assert.deepEqual(
    Object.keys(told).filter((agent) => told[agent] === null),
    ["n2"],
  );

  const softly = (term: object) => ({ ...term, weight: 1 });
  const soft = compile({
    agents: AGENTS,
    app: {
      id: "/a",
      fields: placement({ affinity: softly(terms.affinity), antiAffinity: softly(terms.antiAffinity) }),
    },
  });
  for (const { take } of soft.preferences) take?.(n1);
  const lost = soft.preferences.map(({ isLost }) => soft.fleet.ids.filter((_, agent) => isLost(agent)));
  assert.deepEqual(lost, [["n3", "n4"], ["n1"]]);
});
