import assert from "node:assert/strict";
import { test } from "node:test";
import { number, readFrom, readScale } from "./arguments.ts";
import { UsageError } from "./exit.ts";

for (const [args, expected] of [
  [["hello", "3"], { app: "hello", instances: 3 }],
  [["hello=3"], { app: "hello", instances: 3 }],
  [["/prod/web", "0"], { app: "/prod/web", instances: 0 }],
] as const)
  test(`scale ${args.join(" ")} is ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(readScale(args), expected);
  });

for (const args of [["hello"], ["hello", "many"], ["hello="], ["hello", "-1"], ["hello", "1.5"], ["=3"]])
  test(`scale ${args.join(" ")} is refused with an example`, () => {
    assert.throws(
      () => readScale(args),
      (error) => error instanceof UsageError && /muster scale/.test(error.message),
    );
  });

const NOW = Date.parse("2026-11-20T12:00:00Z");
for (const [text, expected] of [
  ["4711", { type: "sequence", sequence: 4711 }],
  ["10m", { type: "time", atMs: NOW - 600_000 }],
  ["1.5h", { type: "time", atMs: NOW - 5_400_000 }],
  ["2d", { type: "time", atMs: NOW - 2 * 86_400_000 }],
  ["2026-11-20T11:00:00Z", { type: "time", atMs: NOW - 3_600_000 }],
] as const)
  test(`--from ${text} is ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(readFrom(text, NOW), expected);
  });

test("--from refuses what is no point in time", () => {
  assert.throws(() => readFrom("yesterday-ish", NOW), UsageError);
});

test("a number option takes whole numbers only", () => {
  assert.equal(number("--tail")("20"), 20);
  for (const text of ["", "-1", "x", "1.5"]) assert.throws(() => number("--tail")(text), /--tail/);
});
