import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ScoreHeap } from "./heap.ts";

const someScores = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 30 });

/** Agents in the order in which they leave. */
function drain(heap: ScoreHeap): { agent: number; score: number }[] {
  const left = [];
  for (; heap.size > 0; heap.pop()) left.push({ agent: heap.agent, score: heap.score });
  return left;
}

test("agents leave a heap by score, whatever scores they were given meanwhile", () => {
  fc.assert(
    fc.property(someScores, fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 10 }), (first, changes) => {
      const scores = new Map(first.entries());
      const heap = new ScoreHeap(Int32Array.from(scores.keys()), Float64Array.from(first), first.length);
      for (const change of first.length === 0 ? [] : changes) {
        scores.set(heap.agent, change);
        heap.rescore(change);
        assert.equal(heap.score, Math.min(...scores.values()));
      }
      const left = drain(heap);
      assert.deepEqual(
        left.map(({ score }) => score),
        [...scores.values()].toSorted((a, b) => a - b),
      );
      for (const { agent, score } of left) assert.equal(scores.get(agent), score);
    }),
  );
});

test("all of them may get other scores at once", () => {
  fc.assert(
    fc.property(someScores, (first) => {
      const heap = new ScoreHeap(Int32Array.from(first.keys()), Float64Array.from(first), first.length);
      heap.rescoreAll((agent) => (agent * 7) % 11);
      const left = drain(heap).map(({ score }) => score);
      assert.deepEqual(
        left,
        first.map((_, agent) => (agent * 7) % 11).toSorted((a, b) => a - b),
      );
    }),
  );
});

test("only the first entries count", () => {
  const heap = new ScoreHeap(Int32Array.from([5, 6, 7]), Float64Array.from([3, 2, 1]), 2);
  assert.deepEqual(drain(heap), [
    { agent: 6, score: 2 },
    { agent: 5, score: 3 },
  ]);
});
