import assert from "node:assert/strict";
import { test } from "node:test";
import { glyphsFor } from "./glyphs.ts";
import { wantsColour } from "./paint.ts";
import { age, bytes, cores, duration, mebibytes, plural } from "./units.ts";
import { clean, textWidth, truncate, wrap } from "./width.ts";

for (const [about, isTty, env, flag, expected] of [
  ["a terminal", true, {}, undefined, true],
  ["a pipe", false, {}, undefined, false],
  ["a dumb terminal", true, { TERM: "dumb" }, undefined, false],
  ["NO_COLOR", true, { NO_COLOR: "1" }, undefined, false],
  ["an empty NO_COLOR", true, { NO_COLOR: "" }, undefined, true],
  ["FORCE_COLOR in a pipe", false, { FORCE_COLOR: "1" }, undefined, true],
  ["FORCE_COLOR=0 on a terminal", true, { FORCE_COLOR: "0" }, undefined, false],
  ["NO_COLOR and FORCE_COLOR", true, { NO_COLOR: "1", FORCE_COLOR: "1" }, undefined, false],
  ["--no-color with FORCE_COLOR", true, { FORCE_COLOR: "1" }, false, false],
] as const)
  test(`colours with ${about}: ${expected}`, () => {
    assert.equal(wantsColour({ isTty, env, flag }), expected);
  });

for (const [ms, expected] of [
  [0, "0.0s"],
  [1_234, "1.2s"],
  [9_960, "10s"],
  [59_400, "59s"],
  [59_900, "1m00s"],
  [125_000, "2m05s"],
  [11_400_000, "3h10m"],
  [3_599_700, "1h00m"],
  [5 * 86_400_000 + 2 * 3_600_000, "5d2h"],
] as const)
  test(`${ms} ms are ${expected}`, () => {
    assert.equal(duration(ms), expected);
  });

test("ages are whole seconds at first, empty when unknown, never negative", () => {
  assert.deepEqual([age(null, 5), age(1_000, 3_900), age(9_000, 1_000), age(0, 65_000)], ["", "2s", "0s", "1m05s"]);
});

test("sizes", () => {
  assert.deepEqual(
    [mebibytes(512), mebibytes(1536), mebibytes(64 * 1024), bytes(10), bytes(2048), bytes(5 * 1024 * 1024)],
    ["512 MiB", "1.5 GiB", "64 GiB", "10 B", "2 KiB", "5 MiB"],
  );
  assert.deepEqual([cores(100), cores(2_000), cores(1_250)], ["0.1", "2", "1.25"]);
  assert.deepEqual([plural(1, "app"), plural(0, "app"), plural(1_200, "app")], ["1 app", "0 apps", "1,200 apps"]);
});

test("width does not count escape sequences and counts wide letters twice", () => {
  assert.deepEqual(
    ["abc", "\u001b[31mabc\u001b[39m", "日本", "e\u0301", "✓ ok", "👍"].map(textWidth),
    [3, 3, 4, 1, 4, 2],
  );
});

test("cutting keeps escape sequences whole and ends colour", () => {
  assert.equal(truncate("abcdef", 4), "abc…");
  assert.equal(truncate("abcd", 4), "abcd");
  assert.equal(truncate("\u001b[31mabcdef\u001b[39m", 4), "\u001b[31mabc…\u001b[0m");
  assert.equal(truncate("日本語", 4), "日…");
  assert.equal(truncate("abc", 0), "");
});

test("cleaning leaves one line of plain text", () => {
  assert.equal(clean("  a\u001b[31mb\u001b[0m\tc\r\nd\u0000 "), "  ab c d");
});

test("wrapping breaks at spaces", () => {
  assert.deepEqual(wrap("one two three four", 9), ["one two", "three", "four"]);
  assert.deepEqual(wrap("", 9), []);
});

test("a terminal that cannot draw symbols gets letters", () => {
  assert.equal(glyphsFor({ TERM: "dumb" }).ok, "+");
  assert.equal(glyphsFor({ TERM: "xterm", LANG: "C" }).ok, "+");
  assert.equal(glyphsFor({ TERM: "xterm" }).ok, "✓");
});
