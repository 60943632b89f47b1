import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { freePortCount, freePorts, offersPort } from "./ports.ts";

const ranges = fc.constantFrom(
  [{ first: 31_000, last: 31_000 }],
  [{ first: 31_000, last: 31_004 }],
  [
    { first: 31_000, last: 31_001 },
    { first: 31_010, last: 31_013 },
  ],
  [
    { first: 80, last: 80 },
    { first: 31_000, last: 31_002 },
    { first: 32_000, last: 32_001 },
  ],
);

test("free ports are told each once, all of them, whatever range and port they start from", () => {
  fc.assert(
    fc.property(
      ranges,
      fc.uniqueArray(fc.integer({ min: 30_998, max: 31_013 })),
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      (offered, used, dice) => {
        const taken = new Set(used);
        const all = offered
          .flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i))
          .filter((port) => !taken.has(port));
        const told = [...freePorts(offered, taken, () => dice.next().value)];
        assert.deepEqual(told.toSorted(), all.toSorted());
        assert.equal(freePortCount(offered, taken), all.length);
        assert.ok(told.every((port) => offersPort(offered, port)));
      },
    ),
  );
});

test("free ports follow each other from a random start on", () => {
  const start = (die: number) => {
    const dice = [0, die];
    return [...freePorts([{ first: 31_000, last: 31_004 }], new Set(), () => dice.shift() ?? 0)];
  };
  assert.deepEqual(start(0), [31_000, 31_001, 31_002, 31_003, 31_004]);
  assert.deepEqual(start(0.5), [31_002, 31_003, 31_004, 31_000, 31_001]);
  assert.deepEqual(start(0.99), [31_004, 31_000, 31_001, 31_002, 31_003]);
});

test("where no ports are offered none is free", () => {
  assert.deepEqual([...freePorts([], new Set(), () => 0.5)], []);
  assert.equal(freePortCount([], new Set([80])), 0);
});
