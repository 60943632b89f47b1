import assert from "node:assert/strict";
import { test } from "node:test";
import { readApp } from "@muster/contracts";
import { diffJson, diffSpecs } from "./spec-diff.ts";

const spec = (fields: object = {}) => readApp({ id: "/web", cmd: "sleep 9", ...fields }).spec;
const lines = (changes: ReturnType<typeof diffJson>) =>
  changes.map(({ path, op, old, new: now }) => `${op} ${path} ${JSON.stringify(old)} ${JSON.stringify(now)}`);

test("a new app tells what it says beyond the defaults, and always what decides its place", () => {
  assert.deepEqual(
    lines(diffSpecs(null, spec({ instances: 3, env: { LEVEL: "debug" }, constraints: [["rack", "UNIQUE"]] }))),
    [
      'add /cmd null "sleep 9"',
      'add /env/LEVEL null "debug"',
      "add /instances null 3",
      "add /cpus null 1",
      "add /mem null 128",
      'add /constraints(0) null ["rack","UNIQUE"]',
    ],
  );
});

test("a field is told by its innermost path, with what it was and what it would be", () => {
  const old = spec({
    instances: 2,
    env: { A: "1", B: "2" },
    upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
  });
  const now = spec({
    instances: 2,
    env: { B: "3", C: "4" },
    user: "www",
    upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 1 },
  });
  assert.deepEqual(lines(diffSpecs(old, now)), [
    'add /user null "www"',
    'change /env/B "2" "3"',
    'add /env/C null "4"',
    'remove /env/A "1" null',
    "change /upgradeStrategy/minimumHealthCapacity 1 0.5",
  ]);
  assert.deepEqual(diffSpecs(old, old), []);
});

for (const [old, now, expected] of [
  [["a", "b"], ["a", "x", "b"], ['add /f(1) null "x"']],
  [["a", "b", "c"], ["a", "c"], ['remove /f(1) "b" null']],
  [[["rack", "UNIQUE"]], [["rack", "CLUSTER", "a"]], ['change /f(0) ["rack","UNIQUE"] ["rack","CLUSTER","a"]']],
  [[{ p: 1, q: 1 }], [{ p: 2, q: 1 }], ["change /f(0)/p 1 2"]],
  [[], [{ p: 1, q: [2] }], ["add /f(0)/p null 1", "add /f(0)/q null [2]"]],
  [1, "1", ['change /f 1 "1"']],
] as const)
  test(`${JSON.stringify(old)} and ${JSON.stringify(now)} differ in ${expected.join(", ")}`, () => {
    assert.deepEqual(lines(diffJson({ f: old }, { f: now })), expected);
  });
