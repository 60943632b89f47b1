import assert from "node:assert/strict";
import { test } from "node:test";
import { keys } from "@muster/contracts";
import fc from "fast-check";
import { offerOf, specOf } from "../testing/builders.ts";
import { MemoryBucket } from "../testing/memory-bucket.ts";
import { planRows } from "./plan.ts";
import type { Row, RowState } from "./rows.ts";
import { groupingsOf, surplus } from "./surplus.ts";
import { attempts, goal, NOW, row } from "./testing/handmade-rows.ts";

const on = (agent: string | null, attempt: number, state: RowState = "up"): Row => ({ ...row(attempt, state), agent });

const fleet = (() => {
  const state = new MemoryBucket();
  const text = (value: string) => ({ type: "text", value }) as const;
  for (const [agent, rack, zone] of [
    ["a1", "a", "east"],
    ["a2", "a", "west"],
    ["b1", "b", "east"],
    ["c1", "c", "west"],
  ] as const)
    state.write(keys.offer(agent), offerOf(agent, { attributes: { rack: text(rack) }, zone }));
  state.write(keys.offer("bare"), offerOf("bare"));
  return state.snapshot();
})();

const sharedOut = (instances: number, spec: Record<string, unknown>, victims: readonly number[] = []) =>
  goal(instances, spec, { groupings: groupingsOf(fleet, specOf("/a", spec)), victims: new Set(victims) });
const BY_RACK = { constraints: [["rack", "GROUP_BY"]] };

const stopped = (rows: readonly Row[], instances: number, spec: Record<string, unknown>, victims?: number[]) =>
  attempts(planRows(rows, sharedOut(instances, spec, victims), [], NOW).stop);

test("the next one always comes from the group that has most of them, whatever its agents", () => {
  const rows = [on("a1", 1), on("a2", 2), on("a1", 3), on("b1", 4), on("b1", 5), on("c1", 6)];
  assert.deepEqual(stopped(rows, 5, BY_RACK), [3]);
  assert.deepEqual(stopped(rows, 3, BY_RACK), [3, 5, 2]);
  assert.deepEqual(stopped(rows, 3, { ...BY_RACK, killSelection: "OLDEST_FIRST" }), [1, 2, 4]);
  assert.deepEqual(stopped(rows, 3, {}), [6, 5, 4], "without groups age decides");
});

test("within a group, and where groups are equal, those that are not up go first", () => {
  const rows = [on("a1", 1), on("a2", 2, "lost"), on("b1", 3, "starting"), on("b1", 4)];
  const waiting = { ...BY_RACK, unreachableStrategy: "disabled" };
  assert.deepEqual(stopped(rows, 2, waiting), [2, 3]);
  assert.deepEqual(stopped([...rows, on("b1", 5)], 4, waiting), [3], "a lost one of the smaller group stays");
});

test("what stands nowhere goes before any that stands, and whom people name before all", () => {
  const rows = [on("a1", 1), on("a1", 2), on("b1", 3), on(null, 4, "unplaced")];
  assert.deepEqual(stopped(rows, 2, BY_RACK), [4, 2]);
  assert.deepEqual(stopped(rows, 1, BY_RACK, [3]), [3, 4, 2]);
});

test("agents without the field, and agents that have left, are one group more", () => {
  const rows = [on("bare", 1), on("gone", 2), on("a1", 3), on("b1", 4)];
  assert.deepEqual(stopped(rows, 3, BY_RACK), [2]);
});

test("the first constraint has the last word, then the others, then what spreadOver wishes for by weight", () => {
  const rows = [on("a1", 1), on("a2", 2), on("b1", 3), on("c1", 4), on("c1", 5), on("b1", 6), on("a1", 7)];
  // Rack a has three: of those two are in the east, where four are in all.
  const [rack, zone] = [
    ["rack", "GROUP_BY"],
    ["@zone", "GROUP_BY"],
  ];
  assert.deepEqual(stopped(rows, 6, { constraints: [rack, zone] }), [7]);
  // Rack b has four, rack a three and rack c two; five are in the west, where b is not.
  const uneven = ["b1", "b1", "b1", "b1", "a2", "a2", "a2", "c1", "c1"].map((agent, i) => on(agent, i));
  assert.deepEqual(stopped(uneven, 8, { constraints: [rack, zone] }), [3]);
  assert.deepEqual(stopped(uneven, 8, { constraints: [zone, rack] }), [6]);
  const spreadOver = [
    { field: "@zone", weight: 10 },
    { field: "rack", weight: 90 },
  ];
  // Each rack has two then; the zones have three each, so that only the youngest goes.
  assert.deepEqual(stopped(rows, 5, { placement: { spreadOver } }), [7, 6]);
  const [first] = groupingsOf(fleet, specOf("/a", { placement: { spreadOver } }));
  assert.equal(first?.("a1"), "a");
});

test("scaling down one by one or at once leaves groups that differ by one at most, unless they did not reach", () => {
  const agent = fc.constantFrom("a1", "a2", "b1", "c1");
  const rack = (each: Row): string => each.agent?.[0] ?? "";
  fc.assert(
    fc.property(fc.array(agent, { minLength: 1, maxLength: 30 }), fc.nat(30), (agents, kept) => {
      const rows = agents.map((each, i) => on(each, i));
      const wish = sharedOut(kept, BY_RACK);
      const gone = new Set(surplus(rows, kept, wish));
      assert.equal(gone.size, Math.max(0, rows.length - kept));
      const counts = (of: readonly Row[]) =>
        ["a", "b", "c"].map((each) => of.filter((one) => rack(one) === each).length);
      const [before, after] = [counts(rows), counts(rows.filter((each) => !gone.has(each)))];
      const most = Math.max(...after);
      for (const [i, left] of after.entries())
        assert.ok(left >= most - 1 || left === before[i], `${before} became ${after}`);
    }),
  );
});
