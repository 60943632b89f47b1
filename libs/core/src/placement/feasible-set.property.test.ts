/** Agents are chosen by comparing columns and explained check by check: both must say the same of every agent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CHECKS, GATE_REASONS, type OfferDocument, RUNTIMES } from "@muster/contracts";
import fc from "fast-check";
import { type Ask, askOf } from "../ask.ts";
import { CLASS_CHECKS, QUANTITY_CHECKS } from "../feasible/index.ts";
import { ABSENT, Fleet } from "../fleet/fleet.ts";
import type { Rule } from "../rules/rule.ts";
import { offerOf, openLedger, specOf } from "../testing/builders.ts";
import { explain } from "./explain.ts";
import { FeasibleSet } from "./feasible-set.ts";

const amount = fc.nat(4);
const amounts = fc.record({ cpuMillis: amount, memoryMib: amount, diskMib: amount, gpus: amount });
const ports = fc.constantFrom<OfferDocument["ports"][]>(
  [],
  [{ first: 1, last: 3 }],
  [
    { first: 2, last: 2 },
    { first: 7, last: 8 },
  ],
);
const custom = fc.record({
  scalars: fc.constantFrom({}, { fpga: 1 }, { fpga: 3 }),
  sets: fc.constantFrom<Record<string, string[]>[]>({}, { disks: ["a"] }, { disks: ["a", "b"] }),
});

const agent = fc.record({
  offer: fc.record({
    capacity: amounts,
    ports,
    custom,
    role: fc.constantFrom("*", "prod"),
    runtimes: fc.subarray([...RUNTIMES]),
  }),
  ledger: fc.record({
    used: amounts,
    ports: fc.subarray([1, 2, 3, 7]),
    custom,
    gate: fc.constantFrom(...GATE_REASONS),
  }),
  isAbsent: fc.integer({ min: 0, max: 9 }).map((die) => die === 0),
  refusedBy: fc.subarray([0, 1], { maxLength: 1 }),
});
const ask = fc
  .record({
    resources: amounts,
    custom: fc.constantFrom<Ask["custom"][]>(
      null,
      { scalars: { fpga: 0 }, sets: {} },
      { scalars: { fpga: 2 }, sets: { disks: 1 } },
      { scalars: {}, sets: { disks: ["b"] } },
    ),
    ports: fc
      .array(fc.constantFrom({ fixed: null }, { fixed: 2 }, { fixed: 7 }), { maxLength: 2 })
      .filter(([a, b]) => a?.fixed !== b?.fixed || a?.fixed === null || b === undefined),
    roles: fc.constantFrom(["*"], ["prod"], ["prod", "*"]),
    runtime: fc.constantFrom(...RUNTIMES),
  })
  .map(
    (more): Ask => ({
      ...askOf("/a", 1, specOf("/a")),
      ...more,
      fixedPorts: more.ports.flatMap(({ fixed }) => fixed ?? []),
    }),
  );

const CHECKED = [...CLASS_CHECKS, ...QUANTITY_CHECKS];

test("an agent is chosen when and only when every check and rule passes it, and each that is not is told of once", () => {
  fc.assert(
    fc.property(
      fc.array(agent, { maxLength: 8 }),
      ask,
      fc.array(fc.tuple(fc.nat(7), amounts), { maxLength: 4 }),
      (agents, asked, takes) => {
        const fleet = new Fleet();
        for (const [i, { offer, ledger, isAbsent }] of agents.entries()) {
          const id = `n${i}`;
          const gate = { open: ledger.gate === "open", reason: ledger.gate, sinceMs: 0, incarnation: 1 };
          fleet.setOffer(id, offerOf(id, offer));
          fleet.setLedger(id, isAbsent ? null : { ...openLedger(id), ...ledger, gate });
        }
        const rules = [0, 1].map((rule) =>
          ruleOf(rule === 0 ? "constraints" : "conflicts", (i) => agents[i]?.refusedBy.includes(rule) ?? false),
        );
        const set = new FeasibleSet(asked, fleet, rules);
        const passes = (i: number): boolean =>
          fleet.classes[i] !== ABSENT &&
          CHECKED.every((check) => !check.applies(asked) || check.short(asked, fleet, i) === 0) &&
          rules.every((rule) => !rule.refuses(i));
        const check = () => {
          for (const i of agents.keys()) assert.equal(set.has(i), passes(i), `n${i}`);
          const all = new Int32Array(fleet.size);
          assert.deepEqual([...all.subarray(0, set.collect(all))], [...agents.keys()].filter(passes));
        };
        check();
        for (const [i, resources] of takes) if (i < agents.length) fleet.take(i, resources, [], null);
        check();
        checkExplanation(asked, fleet, rules, passes);
      },
    ),
    { numRuns: 1_000 },
  );
});

function checkExplanation(asked: Ask, fleet: Fleet, rules: readonly Rule[], passes: (agent: number) => boolean): void {
  const known = [...fleet.ids.keys()].filter((i) => fleet.classes[i] !== ABSENT);
  const seen = known.filter((i) => fleet.ledgers[i]?.gate.reason !== "removed");
  for (const only of [null, known.slice(0, 2)]) {
    const told = explain(asked, fleet, rules, only);
    const asking = only ?? seen;
    const refused = asking.filter((i) => !passes(i));
    assert.equal(told.agentsSeen, asking.length);
    assert.equal(
      told.refusals.reduce((sum, { agents }) => sum + agents, 0),
      refused.length,
      "the funnel adds up",
    );
    assert.deepEqual(
      told.refusals.map(({ check }) => check),
      CHECKS.filter((name) => told.refusals.some(({ check }) => check === name)),
      "in the order of the checks, each once",
    );
    for (const { agents, reason } of told.refusals) assert.ok(agents > 0 && reason !== "");
    assert.equal(told.nearest === null, refused.length === 0);
    if (told.nearest !== null) assert.ok(refused.includes(fleet.indexOf(told.nearest.agent) as number));
    assert.ok(told.cures.includes("agent.offer"), "another agent may always come");
  }
}

const ruleOf = (check: Rule["check"], refuses: Rule["refuses"]): Rule => ({
  check,
  text: check,
  cures: ["app.placed"],
  refuses,
  reason: () => `${check} says no`,
  take: null,
  isPerHost: false,
});
