import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { roundShares } from "./work.ts";

const CASES: [what: string, pending: number[], shares: number[]][] = [
  ["a round goes to the most urgent first", [40, 40, 0], [40, 24, 0]],
  ["a flood of urgent work leaves something for every other class", [1_000, 1_000, 1_000], [56, 4, 4]],
  ["what a class does not need goes to the others", [2, 0, 1_000], [2, 0, 62]],
  ["nothing pending takes nothing", [0, 0, 0], [0, 0, 0]],
];
for (const [what, pending, shares] of CASES) test(what, () => assert.deepEqual(roundShares(pending, 64), shares));

test("no class that has something is left out, and a round is never larger than it may be, nor smaller than it could be", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(200), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 8, max: 64 }),
      (pending, most) => {
        const shares = roundShares(pending, most);
        const total = pending.reduce((sum, count) => sum + count, 0);
        assert.equal(
          shares.reduce((sum, share) => sum + share, 0),
          Math.min(total, most),
        );
        for (const [i, share] of shares.entries()) assert.equal(share > 0, (pending[i] as number) > 0);
      },
    ),
  );
});
