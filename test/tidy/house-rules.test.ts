import assert from "node:assert/strict";
import { test } from "node:test";
import { suitesOf } from "../runner/stages.ts";
import { faults } from "./house-rules.ts";
import { isTest, readText, trackedFiles } from "./tree.ts";

/** Fewer means that the search is broken, not that the tree is clean. */
const FEWEST_FILES = 100;

test("every file keeps the house rules", () => {
  const files = trackedFiles();
  assert.ok(files.length >= FEWEST_FILES, `saw only ${files.length} files`);
  assert.deepEqual(
    files.flatMap((path) => faults(path, readText(path))),
    [],
  );
});

test("every test file belongs to exactly one suite, so that none is forgotten", () => {
  const files = trackedFiles().filter(isTest);
  const misplaced = files.filter((file) => suitesOf(file).length !== 1);
  assert.deepEqual(misplaced, []);
});

// What breaks a rule is put together here, so that this file keeps them.
const join = (...pieces: readonly string[]) => pieces.join("");

const PLANTED: readonly (readonly [path: string, text: string, expected: RegExp | null])[] = [
  ["a.test.ts", join("test", ".only('a', () => {});"), /hides tests/],
  ["a.test.ts", join("describe", ".skip('a', () => {});"), /hides tests/],
  ["a.test.ts", join("test('a', { skip: ", "true }, () => {});"), /hides tests/],
  ["a.test.ts", "test('a', { skip: engine === null && 'no engine' }, () => {});", null],
  ["a.ts", join("// @ts-", "ignore"), /compiler/],
  ["a.md", join("TO", "DO: say more"), /promise/],
  ["a.md", "Our todos are issues.", null],
  ["a.ts", join('const home = "/ro', 'ot/cache";'), /one machine/],
  ["a.ts", join('const home = "/wo', 'rk/main";'), /one machine/],
  ["a.ts", 'import "./work/queue.ts"; import "a/root/b.ts";', null],
  ["package-lock.json", join('"resolved": "https://registry.npm', 'js.org/zod"'), /registry/],
  ["a.sh", join("deb http://deb.deb", "ian.org/debian forky main"), /mirror/],
  ["a.json", join('"image": "docker', '.io/library/redis"'), /registry/],
  ["a.sh", "apt-get install docker.io", null],
  ["a.ts", "\n".repeat(399), null],
  ["a.ts", "\n".repeat(400), /401 lines/],
  ["LICENSE", join("TO", "DO"), null],
];

test("the rules tell kept ones from planted faults", () => {
  for (const [path, text, expected] of PLANTED) {
    const found = faults(path, text);
    if (expected === null) assert.deepEqual(found, [], text);
    else assert.match(found.join("\n"), expected, text);
  }
});
