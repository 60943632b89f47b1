import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestRecord } from "./tally.ts";
import { complaintsOf, judge, type StageResult } from "./verdict.ts";

const record = (name: string, outcome: TestRecord["outcome"], more: Partial<TestRecord> = {}): TestRecord => ({
  file: "/clone/test/a.test.ts",
  line: 3,
  name,
  outcome,
  reason: "",
  isFile: false,
  ...more,
});

const stage = (records: readonly TestRecord[], complaints: readonly string[] = []): StageResult => ({
  name: "unit",
  tookMs: 1_500,
  records,
  complaints,
});

const root = "/clone";

test("the last line alone holds the three numbers", () => {
  const results = [
    stage([record("a", "passed"), record("b", "failed"), record("c", "skipped")]),
    stage([], ["broken"]),
  ];
  const { lines, ok } = judge(results, { isCi: false, root });
  assert.equal(lines.at(-1), "1 passed, 2 failed, 1 skipped");
  assert.equal(ok, false);
});

test("failures and skips are listed with their places, skips with their reasons", () => {
  const results = [stage([record("b", "failed"), record("c", "skipped", { reason: "no Docker engine" })])];
  const text = judge(results, { isCi: false, root }).lines.join("\n");
  assert.match(text, /- test\/a\.test\.ts:3 b$/m);
  assert.match(text, /- test\/a\.test\.ts:3 c: no Docker engine$/m);
});

test("a skipped test fails the run in CI only", () => {
  const results = [stage([record("a", "passed"), record("c", "skipped")])];
  assert.equal(judge(results, { isCi: false, root }).ok, true);
  const inCi = judge(results, { isCi: true, root });
  assert.equal(inCi.ok, false);
  assert.match(inCi.lines.join("\n"), /SKIPPED, which CI counts as a failure/);
  assert.equal(inCi.lines.at(-1), "1 passed, 0 failed, 1 skipped");
});

test("a run that proves nothing is complained about", () => {
  const empty = record("a.test.ts", "passed", { isFile: true });
  const passed = record("a", "passed");
  const rows: readonly (readonly [records: TestRecord[], exitCode: number, isFiltered: boolean, expected: RegExp])[] = [
    [[], 0, false, /^no test ran/],
    [[empty], 0, false, /^no test ran/],
    [[empty], 0, true, /^no test ran/],
    [[passed, empty], 0, false, /^a\.test\.ts contains no tests$/],
    [[passed, empty], 0, true, /^$/],
    [[passed], 0, false, /^$/],
    [[passed], 1, false, /^the test runner ended with code 1/],
    [[passed, record("b", "failed")], 1, false, /^$/],
  ];
  for (const [records, exitCode, isFiltered, expected] of rows) {
    assert.match(complaintsOf({ records, exitCode, isFiltered }).join("\n"), expected);
  }
});
