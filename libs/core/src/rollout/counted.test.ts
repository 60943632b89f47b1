/** What `plan.test.ts` says of all apps holds here too; these are gangs, and apps that follow another one. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { planRows } from "./plan.ts";
import { isUp, type Row } from "./rows.ts";
import { advanced, attempts, carryOut, goal, NOW, row, rows } from "./testing/handmade-rows.ts";

const gang = (instances: number, minimumHealthCapacity: number, maximumOverCapacity: number) =>
  goal(instances, {
    placement: { gang: true },
    upgradeStrategy: { minimumHealthCapacity, maximumOverCapacity },
  });

describe("gangs", () => {
  test("with an over-capacity of less than one all old members stop before the first new one is wished for", () => {
    const old = rows("up", 1, 1, 2, 3);
    const first = planRows(old, gang(3, 1, 0.5), [], NOW);
    assert.deepEqual([first.add, attempts(first.stop)], [0, [1, 2, 3]]);
    const last = planRows([row(3, "stopping", 1)], gang(3, 1, 0.5), [], NOW);
    assert.deepEqual([last.add, last.stop], [0, []]);
    assert.equal(planRows([], gang(3, 1, 0.5), [], NOW).add, 3);
  });

  test("with a whole over-capacity all new members are wished for together, and the old ones go together when all of them are up", () => {
    const old = rows("up", 1, 1, 2, 3);
    const first = planRows(old, gang(3, 0, 1), [], NOW);
    assert.deepEqual([first.add, first.stop], [3, []]);
    const most = planRows([...old, ...rows("up", 2, 4, 5), row(6, "starting")], gang(3, 0, 1), [], NOW);
    assert.deepEqual([most.add, most.stop], [0, []]);
    const all = planRows([...old, ...rows("up", 2, 4, 5, 6)], gang(3, 0, 1), [], NOW);
    assert.deepEqual(attempts(all.stop), [1, 2, 3]);
  });

  test("old members that are not up do not stand in the way of the new ones", () => {
    const old = [row(1, "unplaced", 1), row(2, "starting", 1), row(3, "up", 1)];
    const plan = planRows(old, gang(3, 1, 1), [], NOW);
    assert.deepEqual([plan.add, attempts(plan.stop)], [3, [1, 2]]);
  });

  test("a gang that is suspended or deleted stops, whatever its over-capacity", () => {
    for (const over of [0, 1]) {
      const plan = planRows([...rows("up", 1, 1), row(2, "starting")], gang(0, 1, over), [], NOW);
      assert.deepEqual(attempts(plan.stop).toSorted(), [1, 2]);
    }
  });

  test("a member that failed is replaced alone, and scaling wishes for all that are missing", () => {
    const failed = planRows([row(1, "up"), row(2, "ended", 2, { state: "killed" })], gang(2, 1, 1), [], NOW);
    assert.deepEqual([failed.add, attempts(failed.drop)], [1, [2]]);
    assert.equal(planRows(rows("unplaced", 2, 1, 2), gang(5, 1, 1), [], NOW).add, 3);
  });

  test("an upgrade of a gang never wishes for a part of it, and never ends a part of what serves", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom(0, 0.5, 1),
        fc.constantFrom(0, 0.5, 0.99, 1),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 100, maxLength: 100 }),
        (members, least, over, dice) => {
          let at = 0;
          const next = () => {
            at += 1;
            return at % 7 === 0 ? 1 : (dice[at % dice.length] as number);
          };
          let now: readonly Row[] = Array.from({ length: members }, (_, i) => row(i + 1, "up", 1));
          for (let step = 0; step < 400; step += 1) {
            const plan = planRows(now, gang(members, least, over), [], NOW);
            if (plan.isReached) return;
            now = carryOut(now, plan);
            const fresh = now.filter(({ wish }) => wish.version === 2);
            const old = now.filter(({ wish }) => wish.version === 1);
            const running = old.filter(({ wish }) => wish.goal === "run");
            assert.ok([0, members].includes(fresh.length), `${fresh.length} of ${members} wished for`);
            assert.ok([0, members].includes(running.length), `${running.length} of ${members} old ones left`);
            if (over < 1) assert.ok(fresh.length === 0 || old.length === 0, "both stand");
            else if (running.length === 0) assert.ok(fresh.every(isUp), "the old ones went too early");
            // Placement places a gang whole: all or none of what is unplaced moves.
            const isPlaced = next() >= 0.5;
            now = now.map((each) => ((each.state === "unplaced" ? isPlaced : next() >= 0.5) ? advanced(each) : each));
          }
          assert.fail("not reached");
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("apps that follow another one", () => {
  const on = (agent: string, attempt: number, state: Row["state"] = "up"): Row => ({ ...row(attempt, state), agent });
  const following = (instances: number, ...homes: string[]) =>
    goal(instances, { placement: { machineOf: "/db" } }, { homes: new Set(homes) });

  test("what stands where the other one does not is stopped, and one more is wished for at once", () => {
    const plan = planRows([on("n1", 1), on("n2", 2)], following(2, "n2", "n3"), [], NOW);
    assert.deepEqual([plan.add, attempts(plan.stop), plan.isReached], [1, [1], false]);
    const moved = planRows([on("n2", 2), on("n3", 3)], following(2, "n2", "n3"), [], NOW);
    assert.deepEqual([moved.add, moved.stop, moved.isReached], [0, [], true]);
  });

  test("while the other one is on its way nobody moves", () => {
    const goalNow = { ...following(1), homes: null };
    const plan = planRows([on("n1", 1)], goalNow, [], NOW);
    assert.deepEqual([plan.add, plan.stop], [0, []]);
  });

  test("what waits for a place is no stray, and what is stopping is not stopped again", () => {
    const plan = planRows([row(1, "unplaced"), on("n9", 2, "stopping")], following(1, "n1"), [], NOW);
    assert.deepEqual([plan.add, plan.stop], [0, []]);
  });

  test("strays count as nothing: too few of the rest are replaced, too many of them are stopped", () => {
    const plan = planRows([on("n9", 1), on("n1", 2), on("n1", 3)], following(1, "n1"), [], NOW);
    assert.deepEqual([plan.add, attempts(plan.stop)], [0, [1, 3]]);
  });
});
