import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Decision, NO_DECISION } from "@muster/contracts";
import { SharedBatch } from "./shared-batch.ts";

const decision = (writes: string, asserts = "", trace: string | null = null): Decision => ({
  ...NO_DECISION,
  writes: [...writes].map((key) => ({ key, value: { key }, expect: 1 })),
  asserts: [...asserts].map((key) => ({ key, revision: 7 })),
  events: [{ type: "muster.app.deleted", subject: `/${writes}`, id: writes, data: {} as never }],
  wakes: [{ wakeClass: "retry", app: `/${writes}`, key: writes[0] ?? "" }],
  trace,
});
const keysOf = ({ writes, asserts }: Decision): string[] =>
  [writes, asserts].map((all) => all.map(({ key }) => key).join(""));

describe("decisions that share a batch", () => {
  const cases: readonly (readonly [what: string, second: Decision, isTaken: boolean])[] = [
    ["it writes what nobody touched", decision("c", "d"), true],
    ["it rests on what the first rests on", decision("c", "x"), true],
    ["it writes what the first writes", decision("ac"), false],
    ["it writes what the first rests on", decision("cx"), false],
    ["it rests on what the first writes", decision("c", "b"), false],
  ];
  for (const [what, second, isTaken] of cases)
    test(`${what}: ${isTaken ? "taken" : "left for the next batch"}`, () => {
      const batch = new SharedBatch();
      assert.equal(batch.take(decision("ab", "x")), true);
      assert.equal(batch.take(second), isTaken);
      assert.deepEqual(
        keysOf(batch.merged()),
        isTaken
          ? [
              `ab${second.writes.map(({ key }) => key).join("")}`,
              [...new Set(["x", ...second.asserts.map(({ key }) => key)])].join(""),
            ]
          : ["ab", "x"],
      );
      assert.equal(batch.messages, isTaken ? 5 : 3);
    });

  test("each keeps its trace, what several rest on is asserted once", () => {
    const batch = new SharedBatch();
    batch.take(decision("a", "xy", "one"));
    batch.take(decision("b", "yz", "two"));
    const { events, wakes, asserts, trace } = batch.merged([
      { key: "x", revision: 7 },
      { key: "term", revision: 9 },
    ]);
    assert.deepEqual(
      [events, wakes].map((all) => all.map((each) => each.trace)),
      [
        ["one", "two"],
        ["one", "two"],
      ],
    );
    assert.deepEqual(
      asserts.map(({ key }) => key),
      ["x", "y", "z", "term"],
    );
    assert.equal(trace, null);
  });

  test("one alone keeps its own; none is nothing to do", () => {
    const batch = new SharedBatch();
    assert.deepEqual([batch.isEmpty, batch.merged()], [true, NO_DECISION]);
    batch.take(decision("a", "", "one"));
    assert.deepEqual([batch.isEmpty, batch.merged().trace], [false, "one"]);
  });
});
