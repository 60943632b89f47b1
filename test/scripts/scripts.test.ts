// Plays every script in this folder and compares what is said with what the script expects.
//
//   node --test test/scripts/scripts.test.ts            compares
//   UPDATE=1 node --test test/scripts/scripts.test.ts   writes what was said; read the difference before you keep it

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { playScript, readScript, wordsOf } from "./script.ts";
import { World } from "./world.ts";

const folder = import.meta.dirname;
const scripts = readdirSync(folder).filter((name) => name.endsWith(".txt"));
const isRewriting = process.env.UPDATE === "1" || process.argv.includes("--rewrite");

for (const name of scripts)
  test(`the script ${name.replace(/\.txt$/, "")} goes as written`, () => {
    const path = join(folder, name);
    const text = readFileSync(path, "utf8");
    const world = new World();
    const played = playScript(text, (command) => world.play(command));
    if (isRewriting) writeFileSync(path, played);
    else assert.equal(played, text);
  });

test("there are scripts, and each has blocks that say something", () => {
  assert.ok(scripts.length >= 10, `saw only ${scripts.length}`);
  for (const name of scripts) {
    const blocks = readScript(readFileSync(join(folder, name), "utf8")).filter((piece) => "commands" in piece);
    assert.ok(
      blocks.some(({ expected }) => expected.length > 0),
      name,
    );
  }
});

test("a script that goes otherwise is told apart from one that goes as written", () => {
  const text = "# A greeting.\nsay a\nsay b\n----\nA\nB\n\nhush\n";
  const play = (command: string) => (command === "hush" ? [] : [command.slice(-1).toUpperCase()]);
  assert.equal(playScript(text, play), text);
  assert.equal(playScript(text.replace("\nB\n", "\nC\n"), play), text);
  const fail = () => {
    throw new Error("no");
  };
  assert.throws(() => playScript(text, fail), /line 2, "say a": no/);
});

test("brackets, braces and quotes keep a word together", () => {
  assert.deepEqual(wordsOf('app /a c=[["rack", "UNIQUE"]] p={"x": "a b"}  n=1'), [
    "app",
    "/a",
    'c=[["rack", "UNIQUE"]]',
    'p={"x": "a b"}',
    "n=1",
  ]);
});
