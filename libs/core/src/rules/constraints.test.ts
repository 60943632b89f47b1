/** Marathon's seven operators (reference: constraints.md, `MS/Constraints.scala`), one row a claim. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Attribute, Constraint, OfferDocument } from "@muster/contracts";
import { askOf } from "../ask.ts";
import { Fleet } from "../fleet/fleet.ts";
import { offerOf, openLedger, specOf } from "../testing/builders.ts";
import { constraintRule } from "./constraints.ts";
import type { OtherApps, Rule } from "./rule.ts";

const NOBODY: OtherApps = {
  agentsOf: () => [],
  agentsMatching: () => [],
  agentsNamed: () => [],
  rulers: () => [],
  meets: () => undefined,
};

const text = (value: string): Attribute => ({ type: "text", value });
const scalar = (value: number): Attribute => ({ type: "scalar", value });

type Row = {
  constraint: [field: string, operator: Constraint["operator"], value?: string];
  /** Racks on which instances of this version stand, in the order of their rows; null: an agent without one. */
  placed?: (string | null)[];
  /** How many instances there should be in all; GROUP_BY shares them out. */
  instances?: number;
  /** Other agents' racks that are known, without instances. */
  known?: string[];
  /** Where one more is to stand: a rack, an attribute, or null for an agent without one. */
  on: string | Attribute | null;
  offer?: Partial<OfferDocument>;
  /** null: accepted. */
  refusal: string | null;
};

const GROUPS_2: Row["constraint"] = ["rack", "GROUP_BY", "2"];
const GROUPS: Row["constraint"] = ["rack", "GROUP_BY"];

const TABLE: Row[] = [
  // An agent without the attribute fails every operator but UNLIKE.
  ...(["UNIQUE", "CLUSTER", "GROUP_BY"] as const).map(
    (operator): Row => ({
      constraint: ["rack", operator],
      on: null,
      refusal: `rack ${operator}: the agent has no rack`,
    }),
  ),
  { constraint: ["rack", "LIKE", ".*"], on: null, refusal: "rack LIKE .*: the agent has no rack" },
  { constraint: ["rack", "IS", "r1"], on: null, refusal: "rack IS r1: the agent has no rack" },
  { constraint: ["rack", "MAX_PER", "2"], on: null, refusal: "rack MAX_PER 2: the agent has no rack" },
  { constraint: ["rack", "CLUSTER", "r1"], on: null, refusal: "rack CLUSTER r1: the agent has no rack" },
  { constraint: ["rack", "UNLIKE", "r[12]"], on: null, refusal: null },

  { constraint: ["rack", "UNIQUE"], placed: ["r1"], on: "r2", refusal: null },
  {
    constraint: ["rack", "UNIQUE"],
    placed: ["r1"],
    on: "r1",
    refusal: "rack UNIQUE: an instance already stands on rack r1",
  },
  { constraint: ["rack", "UNIQUE"], placed: [null, null], on: "r1", refusal: null },
  { constraint: ["hostname", "UNIQUE"], placed: ["r1"], on: "r1", refusal: null },
  {
    constraint: ["hostname", "UNIQUE"],
    placed: ["r1"],
    on: "r1",
    offer: { hostname: "p0" },
    refusal: "hostname UNIQUE: an instance already stands on hostname p0",
  },
  {
    constraint: ["@hostname", "UNIQUE"],
    placed: ["r1"],
    on: "r1",
    offer: { hostname: "p0" },
    refusal: "@hostname UNIQUE: an instance already stands on hostname p0",
  },

  { constraint: ["rack", "CLUSTER", "r2"], on: "r2", refusal: null },
  { constraint: ["rack", "CLUSTER", "r2"], on: "r1", refusal: "rack CLUSTER r2: the agent's rack is r1" },
  { constraint: ["rack", "CLUSTER"], on: "r9", refusal: null },
  { constraint: ["rack", "CLUSTER"], placed: ["r1"], on: "r1", refusal: null },
  {
    constraint: ["rack", "CLUSTER"],
    placed: ["r1"],
    on: "r9",
    refusal: "rack CLUSTER: the others stand on r1, the agent's rack is r9",
  },
  // The first one chose, whatever stands elsewhere since an agent moved; one without a rack chooses nothing.
  { constraint: ["rack", "CLUSTER"], placed: [null, "r2", "r1"], on: "r2", refusal: null },
  {
    constraint: ["rack", "CLUSTER"],
    placed: [null, "r2", "r1"],
    on: "r1",
    refusal: "rack CLUSTER: the others stand on r2, the agent's rack is r1",
  },

  // Four over two groups: two each.
  { constraint: GROUPS_2, placed: ["r1"], instances: 4, on: "r1", refusal: null },
  {
    constraint: GROUPS_2,
    placed: ["r1", "r1"],
    instances: 4,
    on: "r1",
    refusal: "rack GROUP_BY 2: rack r1 has its share of 2",
  },
  { constraint: GROUPS_2, placed: ["r1", "r1"], instances: 4, on: "r2", refusal: null },
  {
    constraint: GROUPS_2,
    placed: ["r1", "r2"],
    instances: 4,
    on: "r3",
    refusal: "rack GROUP_BY 2: there are 2 groups already: r1, r2",
  },
  // The remainder is spread one each: three over two groups are two and one, five over three are two, two and one.
  { constraint: GROUPS_2, placed: ["r1"], instances: 3, on: "r1", refusal: null },
  {
    constraint: GROUPS_2,
    placed: ["r1", "r1"],
    instances: 3,
    on: "r1",
    refusal: "rack GROUP_BY 2: rack r1 has its share of 2",
  },
  { constraint: GROUPS_2, placed: ["r1", "r1", "r2"], instances: 4, on: "r2", refusal: null },
  {
    constraint: GROUPS_2,
    placed: ["r1", "r1", "r2"],
    instances: 3,
    on: "r2",
    refusal: "rack GROUP_BY 2: rack r2 has its share of 1",
  },
  {
    constraint: ["rack", "GROUP_BY", "3"],
    placed: ["r1", "r1", "r2", "r2"],
    instances: 5,
    on: "r1",
    refusal: "rack GROUP_BY 3: rack r1 has its share of 2",
  },
  { constraint: ["rack", "GROUP_BY", "3"], placed: ["r1", "r1", "r2", "r2"], instances: 5, on: "r3", refusal: null },
  {
    constraint: ["rack", "GROUP_BY", "3"],
    placed: ["r1", "r1", "r2", "r2", "r3"],
    instances: 5,
    on: "r3",
    refusal: "rack GROUP_BY 3: rack r3 has its share of 1",
  },
  // Fewer instances than groups: one each.
  {
    constraint: ["rack", "GROUP_BY", "5"],
    placed: ["r1"],
    instances: 2,
    on: "r1",
    refusal: "rack GROUP_BY 5: rack r1 has its share of 1",
  },
  { constraint: ["rack", "GROUP_BY", "5"], placed: ["r1"], instances: 2, on: "r2", refusal: null },
  // A group that holds more than its share, since others have ended, gets nothing until it is even again.
  {
    constraint: GROUPS_2,
    placed: ["r1", "r1", "r1"],
    instances: 4,
    on: "r1",
    refusal: "rack GROUP_BY 2: rack r1 has its share of 3",
  },
  { constraint: GROUPS_2, placed: ["r1", "r1", "r1"], instances: 4, on: "r2", refusal: null },
  { constraint: GROUPS_2, placed: ["r1", "r1", "r1", "r2"], instances: 5, on: "r2", refusal: null },
  { constraint: ["rack", "GROUP_BY", "1"], placed: ["r1"], instances: 3, on: "r1", refusal: null },
  {
    constraint: ["rack", "GROUP_BY", "1"],
    placed: ["r1"],
    instances: 3,
    on: "r2",
    refusal: "rack GROUP_BY 1: there is 1 group already: r1",
  },
  // Without a number there are as many groups as the agents have values (in Marathon 1.10 such an app is never placed).
  {
    constraint: GROUPS,
    placed: ["r1"],
    known: ["r2", "r3"],
    instances: 3,
    on: "r1",
    refusal: "rack GROUP_BY: rack r1 has its share of 1",
  },
  { constraint: GROUPS, placed: ["r1"], known: ["r3"], instances: 3, on: "r2", refusal: null },
  { constraint: GROUPS, placed: ["r1"], instances: 2, on: "r1", refusal: null },
  { constraint: GROUPS, placed: ["r1"], known: ["r2"], instances: 4, on: "r1", refusal: null },

  { constraint: ["rack", "MAX_PER", "2"], placed: ["r1"], on: "r1", refusal: null },
  {
    constraint: ["rack", "MAX_PER", "2"],
    placed: ["r1", "r2", "r1"],
    on: "r1",
    refusal: "rack MAX_PER 2: 2 stand on rack r1",
  },
  { constraint: ["rack", "MAX_PER", "1"], placed: ["r1"], on: "r1", refusal: "rack MAX_PER 1: 1 stands on rack r1" },

  // A pattern must match the whole value.
  { constraint: ["rack", "LIKE", "r[12]"], on: "r1", refusal: null },
  { constraint: ["rack", "LIKE", "r"], on: "r1", refusal: "rack LIKE r: the agent's rack is r1" },
  { constraint: ["rack", "LIKE", "r1|r2"], on: "r2", refusal: null },
  { constraint: ["rack", "LIKE", "^r1$"], on: "r1", refusal: null },
  { constraint: ["rack", "LIKE", ""], on: "r1", refusal: "rack LIKE : the agent's rack is r1" },
  { constraint: ["rack", "UNLIKE", "r[12]"], on: "r3", refusal: null },
  { constraint: ["rack", "UNLIKE", "r[12]"], on: "r1", refusal: "rack UNLIKE r[12]: the agent's rack is r1" },
  { constraint: ["rack", "UNLIKE", "r"], on: "r1", refusal: null },

  // Numbers are compared to three decimals, all else as text.
  { constraint: ["rack", "IS", "r1"], on: "r1", refusal: null },
  { constraint: ["rack", "IS", "r"], on: "r1", refusal: "rack IS r: the agent's rack is r1" },
  { constraint: ["rack", "IS", "R1"], on: "r1", refusal: "rack IS R1: the agent's rack is r1" },
  { constraint: ["rack", "IS", "1"], on: "1.0004", refusal: null },
  { constraint: ["rack", "IS", "1"], on: "1.001", refusal: "rack IS 1: the agent's rack is 1.001" },
  { constraint: ["rack", "IS", "0.3334"], on: scalar(1 / 3), refusal: null },
  { constraint: ["rack", "IS", "-0"], on: scalar(0), refusal: null },
  { constraint: ["rack", "IS", ""], on: "0", refusal: "rack IS : the agent's rack is 0" },
  { constraint: ["rack", "IS", "16"], on: "0x10", refusal: "rack IS 16: the agent's rack is 0x10" },
  { constraint: ["rack", "IS", "Infinity"], on: "Infinity", refusal: null },

  // Scalars, ranges and sets are compared as text: three decimals, `[1-2,5-6]`, `{a,b}` in order.
  { constraint: ["rack", "LIKE", "0\\.333"], on: scalar(1 / 3), refusal: null },
  { constraint: ["rack", "LIKE", "4"], on: scalar(4), refusal: null },
  {
    constraint: ["rack", "CLUSTER", "[1-2,5-6]"],
    on: {
      type: "ranges",
      value: [
        { first: 1, last: 2 },
        { first: 5, last: 6 },
      ],
    },
    refusal: null,
  },
  { constraint: ["rack", "LIKE", ".*[{,]b[,}].*"], on: { type: "set", value: ["c", "b", "a"] }, refusal: null },
  { constraint: ["rack", "CLUSTER", "{a,b}"], on: { type: "set", value: ["b", "a"] }, refusal: null },
  {
    constraint: ["rack", "CLUSTER", "{b,a}"],
    on: { type: "set", value: ["b", "a"] },
    refusal: "rack CLUSTER {b,a}: the agent's rack is {a,b}",
  },

  // The fields that are no attributes.
  { constraint: ["hostname", "LIKE", "web-.*"], on: null, offer: { hostname: "web-1" }, refusal: null },
  {
    constraint: ["@hostname", "LIKE", "db-.*"],
    on: null,
    offer: { hostname: "web-1" },
    refusal: "@hostname LIKE db-.*: the agent's hostname is web-1",
  },
  { constraint: ["@region", "IS", "eu"], on: null, offer: { region: "eu" }, refusal: null },
  { constraint: ["@region", "IS", "eu"], on: null, refusal: "@region IS eu: the agent has no region" },
  {
    constraint: ["@zone", "UNLIKE", "a"],
    on: null,
    offer: { zone: "a" },
    refusal: "@zone UNLIKE a: the agent's zone is a",
  },
  // An attribute of such a name is another thing, and what every object has is none.
  {
    constraint: ["region", "IS", "eu"],
    on: null,
    offer: { region: "eu" },
    refusal: "region IS eu: the agent has no region",
  },
  { constraint: ["toString", "LIKE", ".*"], on: null, refusal: "toString LIKE .*: the agent has no toString" },
];

const attributesOf = (on: Row["on"]): OfferDocument["attributes"] =>
  on === null ? {} : { rack: typeof on === "string" ? text(on) : on };

/** The rule in a fleet of `p0`, `p1` ... with the placed ones, `k0` ... and last the agent that is asked for. */
function ruleOf({ constraint, placed = [], instances = 10, known = [], on, offer = {} }: Row): {
  rule: Rule;
  agent: number;
} {
  const fleet = new Fleet();
  const add = (id: string, more: Partial<OfferDocument>) => {
    fleet.setOffer(id, offerOf(id, more));
    fleet.setLedger(id, openLedger(id));
  };
  for (const [i, rack] of placed.entries()) add(`p${i}`, { attributes: attributesOf(rack) });
  for (const [i, rack] of known.entries()) add(`k${i}`, { attributes: attributesOf(rack) });
  add("x", { attributes: attributesOf(on), ...offer });
  const [field, operator, value = null] = constraint;
  const context = { ask: askOf("/a", 1, specOf("/a")), fleet, own: [...placed.keys()], instances, others: NOBODY };
  return { rule: constraintRule({ field, operator, value }, context), agent: fleet.indexOf("x") as number };
}

for (const row of TABLE)
  test(`${row.constraint.join(" ")} ${row.refusal === null ? "accepts" : "refuses"}: ${JSON.stringify({ ...row, constraint: undefined })}`, () => {
    const { rule, agent } = ruleOf(row);
    assert.equal(rule.refuses(agent) ? rule.reason(agent) : null, row.refusal);
  });

/** Takes what is accepted until nothing is, and tells how many each rack got. */
function fill(constraint: Row["constraint"], instances: number, racks: Record<string, number>): Record<string, number> {
  const names = Object.keys(racks);
  const placed = names.flatMap((rack) => Array.from({ length: racks[rack] as number }, () => rack));
  const { rule } = ruleOf({ constraint, placed, known: names, instances, on: null, refusal: null });
  const result = { ...racks };
  for (let left = instances - placed.length; left > 0; left -= 1) {
    const at = names.findIndex((_, i) => !rule.refuses(placed.length + i));
    if (at < 0) break;
    rule.take?.(placed.length + at);
    result[names[at] as string] = (result[names[at] as string] as number) + 1;
  }
  return result;
}

const FILLS: [
  claim: string,
  Row["constraint"],
  instances: number,
  racks: Record<string, number>,
  after: Record<string, number>,
][] = [
  ["UNIQUE gives each rack one", ["rack", "UNIQUE"], 9, { a: 0, b: 0 }, { a: 1, b: 1 }],
  ["MAX_PER fills each rack to its number", ["rack", "MAX_PER", "2"], 9, { a: 1, b: 0 }, { a: 2, b: 2 }],
  ["CLUSTER puts all where the first stands", ["rack", "CLUSTER"], 3, { a: 0, b: 0 }, { a: 3, b: 0 }],
  ["CLUSTER stays where the first stands", ["rack", "CLUSTER"], 3, { a: 0, b: 1 }, { a: 0, b: 3 }],
  ["GROUP_BY shares out evenly", GROUPS, 6, { a: 0, b: 0, c: 0 }, { a: 2, b: 2, c: 2 }],
  ["GROUP_BY spreads the remainder", GROUPS, 8, { a: 0, b: 0, c: 0 }, { a: 3, b: 3, c: 2 }],
  ["GROUP_BY mends what became uneven", GROUPS, 6, { a: 3, b: 1, c: 0 }, { a: 3, b: 2, c: 1 }],
  [
    "GROUP_BY uses no more groups than its number",
    ["rack", "GROUP_BY", "2"],
    4,
    { a: 0, b: 0, c: 0 },
    { a: 2, b: 2, c: 0 },
  ],
  ["GROUP_BY leaves room for groups that are missing", ["rack", "GROUP_BY", "3"], 6, { a: 0, b: 0 }, { a: 2, b: 2 }],
];
for (const [claim, constraint, instances, racks, after] of FILLS)
  test(`${claim}: ${instances} on ${JSON.stringify(racks)} make ${JSON.stringify(after)}`, () => {
    assert.deepEqual(fill(constraint, instances, racks), after);
  });

test("a pattern that would stall a backtracking engine answers at once", () => {
  const { rule, agent } = ruleOf({ constraint: ["rack", "LIKE", "(a+)+$"], on: `${"a".repeat(200)}!`, refusal: null });
  const startedAt = performance.now();
  assert.equal(rule.refuses(agent), true);
  assert.ok(performance.now() - startedAt < 200);
});

test("only a rule about single hosts is cured by one more agent", () => {
  const isPerHost = (...constraint: Row["constraint"]) =>
    ruleOf({ constraint, on: "r1", refusal: null }).rule.isPerHost;
  assert.equal(isPerHost("hostname", "UNIQUE"), true);
  assert.equal(isPerHost("@hostname", "MAX_PER", "2"), true);
  assert.equal(isPerHost("@hostname", "GROUP_BY"), true);
  assert.equal(isPerHost("@hostname", "GROUP_BY", "2"), false);
  assert.equal(isPerHost("rack", "UNIQUE"), false);
  assert.equal(isPerHost("hostname", "LIKE", "a"), false);
});
