import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeTerminal } from "./fake-terminal.ts";
import { LiveRegion, mostUrgent } from "./live.ts";
import { screenOf } from "./screen.ts";

const liveScreen = (terminal: FakeTerminal) => screenOf(terminal, { env: { TERM: "xterm", NO_COLOR: "1" } });

test("a region is redrawn in place: nothing of the old picture stays", () => {
  const terminal = new FakeTerminal();
  const region = new LiveRegion(liveScreen(terminal));
  terminal.write("$ muster run\n");
  region.draw(["one long line", "two", "three"]);
  region.draw(["one", "two"]);
  assert.deepEqual(terminal.screen(), ["$ muster run", "one", "two"]);
  region.draw(["1", "2", "3", "4"]);
  assert.deepEqual(terminal.screen(), ["$ muster run", "1", "2", "3", "4"]);
});

test("lines printed while a region is open stay above it", () => {
  const terminal = new FakeTerminal();
  const region = new LiveRegion(liveScreen(terminal));
  region.draw(["picture", "below"]);
  region.print("a warning", "another");
  region.draw(["picture 2"]);
  region.end();
  region.print("the end");
  assert.deepEqual(terminal.screen(), ["a warning", "another", "picture 2", "the end"]);
});

test("the same picture is not written twice", () => {
  const terminal = new FakeTerminal();
  const region = new LiveRegion(liveScreen(terminal));
  region.draw(["same"]);
  const length = terminal.written.length;
  region.draw(["same"]);
  assert.equal(terminal.written.length, length);
});

test("a region is never taller than the screen and never wider", () => {
  const terminal = new FakeTerminal({ columns: 20, rows: 5 });
  const region = new LiveRegion(liveScreen(terminal));
  region.draw(Array.from({ length: 12 }, (_, i) => `${i} ${"x".repeat(40)}`));
  region.draw(Array.from({ length: 12 }, (_, i) => `${i} ${"y".repeat(40)}`));
  assert.equal(terminal.screen().length, 4);
  assert.deepEqual(terminal.scrolled, []);
  assert.ok(terminal.screen().every((line) => line.length === 20 && line.endsWith("…")));
});

test("after the terminal became narrower the folded picture is erased completely", () => {
  const terminal = new FakeTerminal({ columns: 60, rows: 20 });
  const region = new LiveRegion(liveScreen(terminal));
  terminal.write("before\n");
  region.draw(["a".repeat(50), "b".repeat(50), "c"]);
  terminal.resize(20);
  assert.deepEqual(terminal.screen(), ["before", `${"a".repeat(19)}…`, `${"b".repeat(19)}…`, "c"]);
  terminal.resize(60);
  region.draw(["done"]);
  assert.deepEqual(terminal.screen(), ["before", "done"]);
});

test("the cursor is hidden while a region is open and shown after its end", () => {
  const terminal = new FakeTerminal();
  const region = new LiveRegion(liveScreen(terminal));
  region.draw(["x"]);
  assert.equal(terminal.isCursorShown, false);
  region.end(["final", "lines"]);
  assert.equal(terminal.isCursorShown, true);
  assert.deepEqual(terminal.screen(), ["final", "lines"]);
});

for (const [why, env, plain] of [
  ["CI is set", { TERM: "xterm", CI: "true" }, false],
  ["the terminal is dumb", { TERM: "dumb" }, false],
  ["--plain is given", { TERM: "xterm" }, true],
] as const)
  test(`nothing is redrawn when ${why}`, () => {
    const terminal = new FakeTerminal();
    const screen = screenOf(terminal, { env, plain });
    const region = new LiveRegion(screen);
    region.draw(["picture"]);
    region.print("a line");
    region.end(["the end"]);
    assert.equal(screen.isLive, false);
    assert.equal(terminal.written, "a line\nthe end\n");
  });

test("a list that is too tall keeps the most urgent first and leaves room to say how many are hidden", () => {
  const items = ["done 1", "moving 1", "failed 1", "done 2", "failed 2", "moving 2"];
  const urgency = (item: string) => ["failed", "moving", "done"].findIndex((word) => item.startsWith(word));
  const { shown, hidden } = mostUrgent(items, 4, urgency);
  assert.deepEqual(shown, ["failed 1", "failed 2", "moving 1"]);
  assert.deepEqual(hidden, ["done 1", "done 2", "moving 2"]);
  assert.deepEqual(mostUrgent(items, 6, urgency).shown, items);
});
