import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { GateReason } from "./eligible.ts";
import { type Goal, planRows } from "./plan.ts";
import { isUp, type Row, type RowState } from "./rows.ts";
import { advanced, attempts, carryOut, goal, NOW, row } from "./testing/handmade-rows.ts";

type Gates = Record<string, GateReason>;

const everywhere = (agents: Gates, spec: Record<string, unknown> = {}, refused: Gates = {}): Goal =>
  goal(
    1,
    { placement: { global: true }, ...spec },
    { eligible: { agents: new Map(Object.entries(agents)), refused: new Map(Object.entries(refused)) } },
  );
const strategy = (minimumHealthCapacity: number, maximumOverCapacity: number) => ({
  upgradeStrategy: { minimumHealthCapacity, maximumOverCapacity },
});
const on = (agent: string, attempt: number, state: RowState, version = 2): Row =>
  row(attempt, state, version, { on: agent });
const THREE: Gates = { n1: "open", n2: "open", n3: "open" };

describe("who gets an instance", () => {
  test("every eligible agent gets one, also one that joins later", () => {
    assert.deepEqual(planRows([], everywhere(THREE), [], NOW).addOn, ["n1", "n2", "n3"]);
    const joined = planRows([on("n1", 1, "up"), on("n2", 2, "up")], everywhere(THREE), [], NOW);
    assert.deepEqual([joined.addOn, joined.stop, joined.add, joined.isReached], [["n3"], [], 0, false]);
    const all = planRows([on("n1", 1, "up"), on("n2", 2, "up"), on("n3", 3, "up")], everywhere(THREE), [], NOW);
    assert.deepEqual([all.addOn, all.stop, all.isReached], [[], [], true]);
  });

  test("an agent that is not eligible any more loses its instance, and so does one that was removed", () => {
    const plan = planRows(
      [on("n1", 1, "up"), on("n2", 2, "starting"), on("n3", 3, "unplaced")],
      everywhere({ n1: "open" }, {}, { n2: "open", n3: "removed" }),
      [],
      NOW,
    );
    assert.deepEqual([attempts(plan.stop), plan.addOn, plan.isReached], [[2, 3], [], false]);
  });

  test("an agent of which nothing is known keeps its instance: absence is never an order", () => {
    const plan = planRows([on("n1", 1, "up"), on("n2", 2, "up")], everywhere({ n1: "open" }), [], NOW);
    assert.deepEqual([plan.stop, plan.addOn, plan.isReached], [[], [], true]);
  });

  test("a silent agent's instance is neither replaced elsewhere nor ended, however long it is silent", () => {
    for (const seconds of [0, 90]) {
      const spec = { unreachableStrategy: { inactiveAfterSeconds: seconds, expungeAfterSeconds: seconds } };
      const plan = planRows(
        [on("n1", 1, "lost"), on("n2", 2, "up"), on("n3", 3, "up")],
        everywhere({ ...THREE, n1: "unreachable" }, spec),
        [],
        NOW,
      );
      assert.deepEqual([plan.add, plan.addOn, plan.stop, plan.lookAgainAtMs], [0, [], [], null]);
      assert.equal(plan.isReached, true, "no deployment waits for it");
    }
  });

  test("a cordoned agent keeps its instance, and one without is wished for there and left to placement's gate", () => {
    const plan = planRows([on("n1", 1, "up")], everywhere({ n1: "cordon", n2: "cordon" }), [], NOW);
    assert.deepEqual([plan.addOn, plan.stop, plan.isReached], [["n2"], [], false]);
    const wished = planRows(
      [on("n1", 1, "up"), on("n2", 2, "unplaced")],
      everywhere({ n1: "cordon", n2: "cordon" }),
      [],
      NOW,
    );
    assert.deepEqual([wished.addOn, wished.isReached], [[], true], "no deployment waits for it");
    const joining = planRows([on("n2", 2, "unplaced")], everywhere({ n2: "joining" }), [], NOW);
    assert.equal(joining.isReached, false, "what passes in a moment is waited for");
  });

  test("a failed instance is replaced on its own agent, after its backoff", () => {
    const spec = { backoffSeconds: 2 };
    const failed = planRows(
      [on("n1", 1, "up"), on("n2", 2, "ended")],
      everywhere({ n1: "open", n2: "open" }, spec),
      [],
      NOW,
    );
    assert.deepEqual([failed.addOn, attempts(failed.drop), failed.lookAgainAtMs], [[], [2], NOW + 2_000]);
    const due = planRows(
      [on("n1", 1, "up")],
      everywhere({ n1: "open", n2: "open" }, spec),
      failed.backoffs,
      NOW + 2_001,
    );
    assert.deepEqual(due.addOn, ["n2"]);
  });

  test("of two on one agent the better one stays", () => {
    const plan = planRows([on("n1", 1, "starting"), on("n1", 2, "up")], everywhere({ n1: "open" }), [], NOW);
    assert.deepEqual(attempts(plan.stop), [1]);
  });

  test("a new one waits until nothing of the app stands on the agent", () => {
    assert.deepEqual(planRows([on("n1", 1, "stopping")], everywhere({ n1: "open" }), [], NOW).addOn, []);
  });
});

describe("upgrades go agent by agent", () => {
  const old = ["n1", "n2", "n3"].map((agent, i) => on(agent, i + 1, "up", 1));

  test("without over-capacity the old one goes first, on the share of agents that the least capacity leaves", () => {
    const half = planRows(old, everywhere(THREE, strategy(0.5, 0)), [], NOW);
    assert.deepEqual([half.addOn, attempts(half.stop)], [[], [1]]);
    const none = planRows(old, everywhere(THREE, strategy(0, 0)), [], NOW);
    assert.deepEqual(attempts(none.stop), [1, 2, 3]);
    const full = planRows(old, everywhere(THREE, strategy(1, 0)), [], NOW);
    assert.deepEqual(attempts(full.stop), [1], "at least one agent, or nothing could ever move");
    const gone = planRows(old.slice(1), everywhere(THREE, strategy(0.5, 0)), [], NOW);
    assert.deepEqual([gone.addOn, gone.stop], [["n1"], []], "the next one only when its successor is up");
    const next = planRows([on("n1", 9, "up"), ...old.slice(1)], everywhere(THREE, strategy(0.5, 0)), [], NOW);
    assert.deepEqual(attempts(next.stop), [2]);
  });

  test("with over-capacity the new one starts beside the old one, on that share of the agents, and then the old one goes", () => {
    const all = planRows(old, everywhere(THREE, strategy(1, 1)), [], NOW);
    assert.deepEqual([all.addOn, all.stop], [["n1", "n2", "n3"], []]);
    const some = planRows(old, everywhere(THREE, strategy(1, 0.4)), [], NOW);
    assert.deepEqual([some.addOn, some.stop], [["n1"], []]);
    const begun = planRows([...old, on("n1", 9, "starting")], everywhere(THREE, strategy(1, 0.4)), [], NOW);
    assert.deepEqual([begun.addOn, begun.stop], [[], []]);
    const up = planRows([...old, on("n1", 9, "up")], everywhere(THREE, strategy(1, 0.4)), [], NOW);
    assert.deepEqual([up.addOn, attempts(up.stop)], [[], [1]], "the next one when the old one has ended");
    assert.deepEqual(
      planRows([on("n1", 9, "up"), ...old.slice(1)], everywhere(THREE, strategy(1, 0.4)), [], NOW).addOn,
      ["n2"],
    );
  });

  test("where placement finds no room beside the old one, that one goes first, one agent at a time", () => {
    const wished = [...old, ...["n1", "n2", "n3"].map((agent, i) => on(agent, 7 + i, "unplaced"))];
    const unknown = planRows(wished, everywhere(THREE, strategy(1, 1)), [], NOW);
    assert.deepEqual(unknown.stop, [], "placement has not answered yet");
    const refused = planRows(wished, { ...everywhere(THREE, strategy(1, 1)), isRefused: true }, [], NOW);
    assert.deepEqual(attempts(refused.stop), [1]);
    const stopped = [on("n1", 1, "stopping", 1), ...wished.slice(1)];
    assert.deepEqual(planRows(stopped, { ...everywhere(THREE, strategy(1, 1)), isRefused: true }, [], NOW).stop, []);
  });

  test("an agent whose gate is closed keeps its old instance until it opens, and no deployment waits for it", () => {
    const gates: Gates = { ...THREE, n2: "cordon", n3: "unreachable" };
    const rows = [on("n1", 9, "up"), on("n2", 2, "up", 1), on("n3", 3, "lost", 1)];
    for (const over of [0, 1]) {
      const plan = planRows(rows, everywhere(gates, strategy(0, over)), [], NOW);
      assert.deepEqual([plan.stop, plan.addOn, plan.isReached], [[], [], true]);
      const open = planRows(rows, everywhere(THREE, strategy(0, over)), [], NOW);
      assert.deepEqual([attempts(open.stop), open.addOn], over === 0 ? [[3, 2], []] : [[3], ["n2"]]);
    }
  });

  test("a backoff of the new version ends no old instance", () => {
    const backoff = [{ version: 2, failures: 1, delayMs: 1_000, untilMs: NOW + 1_000 }];
    const plan = planRows(old, everywhere(THREE, strategy(0, 0)), backoff, NOW);
    assert.deepEqual([plan.stop, plan.addOn, plan.lookAgainAtMs], [[], [], NOW + 1_000]);
  });

  test("instances of a time when the app was not on every agent make way too", () => {
    const plain = [
      { ...row(1, "unplaced", 1), agent: null },
      { ...row(2, "up", 1), agent: "n1" },
      { ...row(3, "up", 1), agent: "n1" },
      { ...row(4, "up", 1), agent: "x9" },
    ];
    const begun = planRows(plain, everywhere({ n1: "open", n2: "open" }, strategy(1, 1), { x9: "open" }), [], NOW);
    assert.deepEqual(
      [attempts(begun.stop), begun.addOn],
      [
        [1, 4],
        ["n2", "n1"],
      ],
    );
    const up = planRows(
      [...plain.slice(1, 3), on("n1", 8, "up"), on("n2", 9, "up")],
      everywhere({ n1: "open", n2: "open" }),
      [],
      NOW,
    );
    assert.deepEqual(attempts(up.stop), [2, 3]);
  });
});

/** Whether an instance finds room: beside another one of the app, or on a closed agent, it may not. */
function placeable(each: Row, all: readonly Row[], gates: Gates, isCrowded: boolean): boolean {
  if (gates[each.agent as string] !== "open") return false;
  return !isCrowded || !all.some((other) => other !== each && other.agent === each.agent && other.isPlaced);
}

test("from any start every agent gets the new version, one fresh instance each, and few agents are without one meanwhile", () => {
  const names = ["n1", "n2", "n3", "n4", "n5"];
  fc.assert(
    fc.property(
      fc.record({
        old: fc.subarray(names),
        least: fc.constantFrom(0, 0.3, 0.5, 0.8, 1),
        over: fc.constantFrom(0, 0.3, 1),
        isCrowded: fc.boolean(),
        closed: fc.array(fc.record({ at: fc.nat(60), agent: fc.constantFrom(...names) }), { maxLength: 6 }),
        dice: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 200, maxLength: 200 }),
      }),
      ({ old, least, over, isCrowded, closed, dice }) => {
        let at = 0;
        const next = () => {
          at += 1;
          return at % 7 === 0 ? 1 : (dice[at % dice.length] as number);
        };
        let now: readonly Row[] = old.map((agent, i) => on(agent, i + 1, "up", 1));
        // The agents without an instance at the start, and one or the share that the least capacity leaves.
        const away = Math.max(1, names.length - Math.ceil(names.length * least), names.length - old.length);
        const beside = over === 0 ? 0 : Math.max(1, Math.floor(names.length * over));
        const gates: Gates = Object.fromEntries(names.map((name) => [name, "open"]));
        for (let step = 0; step < 600; step += 1) {
          for (const close of closed) gates[close.agent] = "open";
          for (const close of closed) if (step < close.at) gates[close.agent] = "cordon";
          const waiting = now.filter(({ state }) => state === "unplaced");
          const isRefused = waiting.length > 0 && !waiting.some((each) => placeable(each, now, gates, isCrowded));
          const plan = planRows(now, { ...everywhere(gates, strategy(least, over)), isRefused }, [], NOW);
          if (plan.isReached && Object.values(gates).every((gate) => gate === "open")) {
            assert.deepEqual(now.map(({ agent }) => agent).toSorted(), names);
            return;
          }
          const wished = carryOut(now, plan);
          now = wished.map((each) =>
            next() < 0.5 || (each.state === "unplaced" && !placeable(each, wished, gates, isCrowded))
              ? each
              : advanced(each),
          );
          for (const name of names) {
            const here = now.filter(({ agent, state }) => agent === name && state !== "ended");
            const fresh = here.filter(({ wish }) => wish.version === 2 && wish.goal === "run");
            assert.ok(fresh.length <= 1, `${name} has ${fresh.length} new ones`);
            assert.ok(here.length <= (over === 0 ? 1 : 2), `${name} has ${here.length}`);
          }
          // While gates open and close, shares of the open agents say nothing about all of them.
          if (closed.length > 0) continue;
          const standing = now.filter(({ state }) => state !== "ended").map(({ agent }) => agent);
          const doubled = standing.length - new Set(standing).size;
          assert.ok(doubled <= beside, `${doubled} agents have two, at most ${beside} may`);
          const without = names.length - new Set(now.filter(isUp).map(({ agent }) => agent)).size;
          assert.ok(without <= away, `${without} agents without one, at most ${away} may be`);
        }
        assert.fail(`not reached: ${JSON.stringify(now.map(({ state, wish }) => `${state}@${wish.version}`))}`);
      },
    ),
    { numRuns: 400 },
  );
});
