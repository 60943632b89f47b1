import assert from "node:assert/strict";
import { test } from "node:test";
import type { VerdictDocument } from "@muster/contracts";
import fc from "fast-check";
import { type Plan, planRows } from "./plan.ts";
import type { Row } from "./rows.ts";
import { advanced, attempts, carryOut, goal, NOW, row, rows } from "./testing/handmade-rows.ts";

test("an empty app gets all its rows at once", () => {
  assert.equal(planRows([], goal(3), [], NOW).add, 3);
});

test("scaling down takes those that are not up first, then the youngest", () => {
  const all = [...rows("up", 2, 1, 2, 3), row(4, "starting")];
  assert.deepEqual(attempts(planRows(all, goal(2), [], NOW).stop), [4, 3]);
  assert.deepEqual(attempts(planRows(all, goal(2, { killSelection: "OLDEST_FIRST" }), [], NOW).stop), [4, 1]);
});

test("an upgrade starts new ones beside the old, and stops an old one for each new one that is up", () => {
  const start = planRows(rows("up", 1, 1, 2), goal(2), [], NOW);
  assert.deepEqual([start.add, start.stop.length], [2, 0]);
  const half = planRows([...rows("up", 1, 1, 2), row(3, "up"), row(4, "starting")], goal(2), [], NOW);
  assert.deepEqual([half.add, attempts(half.stop)], [0, [1]]);
});

test("a new instance without checks displaces an old one only after it has run for a while, longer once its version failed", () => {
  const fresh = (startedAtMs: number, healthy: boolean | null = null): Row => ({
    ...row(3, "up"),
    verdict: { level: "running", healthy, startedAtMs, sinceMs: startedAtMs } as VerdictDocument,
  });
  const old = rows("up", 1, 1);
  const young = planRows([...old, fresh(NOW - 10)], goal(1), [], NOW);
  assert.deepEqual([young.stop.length, young.lookAgainAtMs], [0, NOW + 990]);
  assert.deepEqual(attempts(planRows([...old, fresh(NOW - 1_000)], goal(1), [], NOW).stop), [1]);
  assert.deepEqual(
    attempts(planRows([...old, fresh(NOW - 10, true)], goal(1), [], NOW).stop),
    [1],
    "a passed check is proof",
  );
  const ready = { ...fresh(NOW - 10), verdict: { level: "running", healthy: null, ready: true } as VerdictDocument };
  assert.deepEqual(attempts(planRows([...old, ready], goal(1), [], NOW).stop), [1], "so is being ready");
  const failed = [{ version: 2, failures: 1, delayMs: 1_000, untilMs: NOW - 1 }];
  assert.equal(planRows([...old, fresh(NOW - 5_000)], goal(1), failed, NOW).stop.length, 0);
  assert.deepEqual(attempts(planRows([...old, fresh(NOW - 10_000)], goal(1), failed, NOW).stop), [1]);
});

test("without over-capacity an upgrade stops first, as far as the least capacity allows", () => {
  const spec = { upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 } };
  const start = planRows(rows("up", 1, 1, 2, 3, 4), goal(4, spec), [], NOW);
  assert.deepEqual([start.add, attempts(start.stop)], [0, [1, 2]]);
});

test("where both limits are equal and full, one extra instance is allowed", () => {
  const spec = { upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 0 } };
  assert.equal(planRows(rows("up", 1, 1, 2), goal(2, spec), [], NOW).add, 1);
});

test("who is being ended counts until it is over: there are never more than the capacity", () => {
  const alone = { upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 } };
  const killing = { ...goal(1, alone), victims: new Set([1]) };
  const told = planRows([row(1, "up")], killing, [], NOW);
  assert.deepEqual([told.add, attempts(told.stop)], [0, [1]], "not beside one that still runs");
  assert.equal(planRows([row(1, "stopping")], goal(1, alone), [], NOW).add, 0);
  assert.equal(planRows([row(1, "ended", 2, { state: "killed" })], goal(1, alone), [], NOW).add, 1);
  const three = planRows([row(1, "stopping"), row(2, "stopping"), row(3, "up")], goal(2), [], NOW);
  assert.equal(three.add, 1, "with room for it a replacement waits for nobody");
  assert.equal(planRows([row(1, "stopping"), row(2, "stopping"), row(3, "stopping")], goal(2), [], NOW).add, 1);
  const away = { level: "unreachable", sinceMs: NOW - 5_000 } as VerdictDocument;
  const silent = { ...row(1, "stopping"), verdict: away };
  assert.equal(planRows([silent], goal(1, alone), [], NOW).add, 1, "an agent that is gone holds nobody up");
});

test("a failure is replaced after its backoff, which grows; a kill is replaced at once", () => {
  const spec = { backoffSeconds: 2, backoffFactor: 3, maxLaunchDelaySeconds: 5 };
  const first = planRows([row(1, "ended")], goal(1, spec), [], NOW);
  assert.deepEqual([first.add, attempts(first.drop), first.lookAgainAtMs], [0, [1], NOW + 2_000]);
  const second = planRows([row(2, "ended")], goal(1, spec), first.backoffs, NOW + 2_500);
  assert.equal(second.backoffs[0]?.delayMs, 5_000, "never above the longest delay");
  assert.equal(planRows([], goal(1, spec), first.backoffs, NOW + 2_001).add, 1);
  assert.equal(planRows([row(1, "ended", 2, { state: "killed" })], goal(1, spec), [], NOW).add, 1);
  assert.deepEqual(
    planRows([], goal(1, spec), first.backoffs, NOW + 60_000).backoffs,
    [],
    "forgotten after a quiet time",
  );
});

test("a lost instance that was replaced may come back until its time is forgotten, and nobody waits for it", () => {
  const spec = { unreachableStrategy: { inactiveAfterSeconds: 30, expungeAfterSeconds: 90 } };
  const standing = [row(1, "lost"), row(2, "up")];
  const waiting = planRows(standing, goal(1, spec), [], NOW);
  assert.deepEqual([waiting.stop, waiting.isReached, waiting.lookAgainAtMs], [[], true, NOW + 30_000]);
  assert.deepEqual(attempts(planRows(standing, goal(1, spec), [], NOW + 30_000).stop), [1]);
  const back = planRows([row(1, "up"), row(2, "up")], goal(1, spec), [], NOW);
  assert.deepEqual(attempts(back.stop), [2], "the youngest goes, as the app says");
});

test("a lost instance is replaced when its time is over, keeps its row until another is up, and never under the brake", () => {
  const spec = { unreachableStrategy: { inactiveAfterSeconds: 30, expungeAfterSeconds: 60 } };
  const lost = planRows([row(1, "lost")], goal(1, spec), [], NOW);
  assert.deepEqual([lost.add, lost.stop.length], [1, 0]);
  assert.deepEqual(attempts(planRows([row(1, "lost"), row(2, "up")], goal(1, spec), [], NOW).stop), [1]);
  assert.equal(planRows([row(1, "lost")], { ...goal(1, spec), isBraked: true }, [], NOW).add, 0);
  assert.equal(planRows([row(1, "lost")], goal(1, { unreachableStrategy: "disabled" }), [], NOW).add, 0);
  const patient = planRows(
    [row(1, "lost")],
    goal(1, { unreachableStrategy: { inactiveAfterSeconds: 90, expungeAfterSeconds: 90 } }),
    [],
    NOW,
  );
  assert.deepEqual([patient.add, patient.lookAgainAtMs], [0, NOW + 30_000]);
});

test("an instance that returned after it was replaced is one too many: the one that is not up goes", () => {
  assert.deepEqual(attempts(planRows([row(1, "up"), row(2, "starting")], goal(1), [], NOW).stop), [2]);
});

test("the goal is reached only when exactly the wanted instances are up and nothing is left over", () => {
  assert.equal(planRows([row(1, "up")], goal(1), [], NOW).isReached, true);
  for (const other of ["starting", "down", "lost", "stopping"] as const)
    assert.equal(planRows([row(1, "up"), row(2, other)], goal(1), [], NOW).isReached, false, other);
  assert.equal(planRows([row(1, "up", 1)], goal(1), [], NOW).isReached, false);
  assert.equal(planRows([], goal(0), [], NOW).isReached, true);
});

/** What the world makes of a plan when nothing fails: rows advance by one state, in an order the dice choose. */
const advance = (now: readonly Row[], plan: Plan, next: () => number): Row[] =>
  carryOut(now, plan).map((each) => (next() < 0.5 ? each : advanced(each)));

test("from any healthy start every goal is reached, never below the least capacity nor above the most while nothing fails", () => {
  fc.assert(
    fc.property(
      fc.record({
        old: fc.nat(6),
        instances: fc.nat(6),
        least: fc.constantFrom(0, 0.25, 0.5, 1),
        over: fc.constantFrom(0, 0.3, 1),
        dice: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 200, maxLength: 200 }),
      }),
      ({ old, instances, least, over, dice }) => {
        const wanted = goal(instances, {
          upgradeStrategy: { minimumHealthCapacity: least, maximumOverCapacity: over },
        });
        let at = 0;
        const next = () => {
          at += 1;
          // The world is slow as the dice say, but it does move.
          if (at % 7 === 0) return 1;
          return dice[at % dice.length] as number;
        };
        let now: Row[] = Array.from({ length: old }, (_, i) => row(i + 1, "up", 1));
        const floor = Math.min(old, Math.ceil(instances * least));
        const roof = Math.max(old, Math.floor(instances * (1 + over)), Math.ceil(instances * least) + 1);
        for (let step = 0; step < 400; step += 1) {
          const plan = planRows(now, wanted, [], NOW);
          if (plan.isReached) return;
          now = advance(now, plan, next);
          const up = now.filter(({ state }) => state === "up").length;
          assert.ok(up >= floor, `${up} up, at least ${floor} wanted`);
          assert.ok(now.filter(({ state }) => state !== "ended").length <= roof, `${now.length} rows, at most ${roof}`);
        }
        assert.fail(`not reached: ${JSON.stringify(now.map(({ state, wish }) => `${state}@${wish.version}`))}`);
      },
    ),
    { numRuns: 300 },
  );
});

test("an overdue instance is told to stop, counts as one failure and is replaced after its delay; its end is no second one", () => {
  const [overdue, up] = [row(1, "overdue"), row(2, "up")];
  const first = planRows([overdue, up], goal(2, { backoffSeconds: 10 }), [], NOW);
  assert.deepEqual([attempts(first.stop), first.add, first.drop.length, first.isReached], [[1], 0, 0, false]);
  assert.deepEqual(
    first.backoffs.map(({ failures, delayMs }) => [failures, delayMs]),
    [[1, 10_000]],
  );
  assert.equal(first.lookAgainAtMs, NOW + 10_000);
  const stopping = carryOut([overdue, up], first);
  const later = planRows(stopping, goal(2, { backoffSeconds: 10 }), first.backoffs, NOW + 10_000);
  assert.deepEqual([later.stop.length, later.add, later.drop.length], [0, 1, 0], "its row stays until it has ended");
  assert.deepEqual(later.backoffs, first.backoffs);
  const ended = { ...(stopping[0] as Row), state: "ended", ended: row(1, "ended").ended } as Row;
  const last = planRows([ended, up, row(3, "starting")], goal(2), later.backoffs, NOW + 20_000);
  assert.deepEqual([attempts(last.drop), last.add, last.backoffs], [[1], 0, first.backoffs]);
});

test("an overdue instance that a person wants ended too is told to stop once, and replaced once", () => {
  const plan = planRows([row(1, "overdue")], goal(1, {}, { victims: new Set([1]), resetsDelay: true }), [], NOW);
  assert.deepEqual([attempts(plan.stop), plan.add, plan.backoffs], [[1], 1, []]);
});
