import assert from "node:assert/strict";
import { test } from "node:test";
import type { Constraint, OfferDocument } from "@muster/contracts";
import { AgentView } from "../agent-view.ts";
import { offerOf, openLedger } from "../testing/builders.ts";
import { ConstraintState } from "./state.ts";

const rack = (agent: string, value: string | null): OfferDocument =>
  offerOf(agent, value === null ? {} : { attributes: { rack: { type: "text", value } } });
const view = (offer: OfferDocument) => new AgentView(offer, openLedger(offer.agent));

type Row = {
  constraint: [string, Constraint["operator"], string | null];
  placed?: string[];
  instances?: number;
  groups?: number;
  agent: string | null;
  accepts: boolean;
};
const TABLE: Row[] = [
  { constraint: ["rack", "UNIQUE", null], placed: ["r1"], agent: "r2", accepts: true },
  { constraint: ["rack", "UNIQUE", null], placed: ["r1"], agent: "r1", accepts: false },
  { constraint: ["rack", "UNIQUE", null], agent: null, accepts: false },
  { constraint: ["hostname", "UNIQUE", null], agent: "r1", accepts: true },
  { constraint: ["rack", "CLUSTER", "r2"], agent: "r2", accepts: true },
  { constraint: ["rack", "CLUSTER", "r2"], agent: "r1", accepts: false },
  { constraint: ["rack", "CLUSTER", null], agent: "r9", accepts: true },
  { constraint: ["rack", "CLUSTER", null], placed: ["r1"], agent: "r9", accepts: false },
  { constraint: ["rack", "CLUSTER", null], placed: ["r1"], agent: "r1", accepts: true },
  { constraint: ["rack", "GROUP_BY", "2"], placed: ["r1"], instances: 4, agent: "r1", accepts: true },
  { constraint: ["rack", "GROUP_BY", "2"], placed: ["r1", "r1"], instances: 4, agent: "r1", accepts: false },
  { constraint: ["rack", "GROUP_BY", "2"], placed: ["r1", "r2"], instances: 4, agent: "r3", accepts: false },
  { constraint: ["rack", "GROUP_BY", "2"], placed: ["r1", "r1"], instances: 3, agent: "r1", accepts: false },
  { constraint: ["rack", "GROUP_BY", "2"], placed: ["r1", "r2"], instances: 3, agent: "r2", accepts: true },
  { constraint: ["rack", "GROUP_BY", null], placed: ["r1"], instances: 3, groups: 3, agent: "r1", accepts: false },
  { constraint: ["rack", "GROUP_BY", null], placed: ["r1"], instances: 3, groups: 3, agent: "r2", accepts: true },
  { constraint: ["rack", "GROUP_BY", "5"], placed: ["r1"], instances: 2, agent: "r1", accepts: false },
  { constraint: ["rack", "MAX_PER", "2"], placed: ["r1"], agent: "r1", accepts: true },
  { constraint: ["rack", "MAX_PER", "2"], placed: ["r1", "r1"], agent: "r1", accepts: false },
  { constraint: ["rack", "LIKE", "r[12]"], agent: "r1", accepts: true },
  { constraint: ["rack", "LIKE", "r"], agent: "r1", accepts: false },
  { constraint: ["rack", "LIKE", ".*"], agent: null, accepts: false },
  { constraint: ["rack", "UNLIKE", "r[12]"], agent: "r3", accepts: true },
  { constraint: ["rack", "UNLIKE", "r[12]"], agent: "r1", accepts: false },
  { constraint: ["rack", "UNLIKE", "r[12]"], agent: null, accepts: true },
  { constraint: ["rack", "IS", "r1"], agent: "r1", accepts: true },
  { constraint: ["rack", "IS", "1"], agent: "1.0004", accepts: true },
  { constraint: ["rack", "IS", "1"], agent: "1.001", accepts: false },
];

for (const row of TABLE)
  test(`${JSON.stringify(row.constraint)} with ${JSON.stringify(row.placed ?? [])} placed ${row.accepts ? "accepts" : "refuses"} ${row.agent ?? "an agent without the attribute"}`, () => {
    const [field, operator, value] = row.constraint;
    const placed = (row.placed ?? []).map((each, i) => rack(`p${i}`, each));
    const state = new ConstraintState([{ field, operator, value }], row.instances ?? 10, placed, () => row.groups ?? 1);
    const refusal = state.refusal(view(rack("x", row.agent)));
    assert.equal(refusal === null, row.accepts, refusal ?? "accepted");
    if (refusal !== null) assert.match(refusal, new RegExp(`^${field} ${operator}`), "a refusal names the constraint");
  });

test("a pattern that would stall a backtracking engine answers at once", () => {
  const state = new ConstraintState([{ field: "rack", operator: "LIKE", value: "(a+)+$" }], 1, [], () => 1);
  const startedAt = performance.now();
  assert.notEqual(state.refusal(view(rack("x", `${"a".repeat(200)}!`))), null);
  assert.ok(performance.now() - startedAt < 200);
});
