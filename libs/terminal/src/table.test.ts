import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeTerminal } from "./fake-terminal.ts";
import { screenOf } from "./screen.ts";
import { type Column, pairLines, tableLines } from "./table.ts";
import { textWidth } from "./width.ts";

type Row = { readonly id: string; readonly count: number; readonly note: string };
const columns: readonly Column<Row>[] = [
  { title: "ID", cell: ({ id }) => id, shrinksTo: 6 },
  { title: "COUNT", cell: ({ count }) => String(count), align: "right" },
  { title: "NOTE", cell: ({ note }) => ({ text: note, tone: "bad" }), shrinksTo: 8, optional: true },
];
const screen = (columnCount: number, env = {}) =>
  screenOf(new FakeTerminal({ columns: columnCount }), { env: { TERM: "xterm", NO_COLOR: "1", ...env } });

test("columns are aligned, numbers to the right, and no line ends in spaces", () => {
  const rows = [
    { id: "hello", count: 5, note: "" },
    { id: "a", count: 120, note: "late" },
  ];
  assert.deepEqual(tableLines(columns, rows, screen(80)), ["ID     COUNT  NOTE", "hello      5", "a        120  late"]);
});

test("an optional column that is empty is left out", () => {
  assert.deepEqual(tableLines(columns, [{ id: "a", count: 1, note: "" }], screen(80)), ["ID  COUNT", "a       1"]);
});

test("the widest column that may shrink gives way first, and no line is wider than the terminal", () => {
  const rows = [{ id: "a-long-instance-id", count: 1, note: "a reason that is much too long for this terminal" }];
  const lines = tableLines(columns, rows, screen(50));
  assert.ok(lines.every((line) => textWidth(line) <= 50));
  assert.equal(lines[1], "a-long-instance-id      1  a reason that is much …".slice(0, 50));
  assert.ok(tableLines(columns, rows, screen(20)).every((line) => textWidth(line) <= 20));
});

test("off a terminal nothing is cut", () => {
  const note = "x".repeat(300);
  const wide = screenOf({ write: () => undefined }, { env: {} });
  assert.equal(tableLines(columns, [{ id: "a", count: 1, note }], wide)[1], `a       1  ${note}`);
});

test("wide letters take two columns", () => {
  const lines = tableLines(
    columns,
    [
      { id: "日本", count: 1, note: "" },
      { id: "abcd", count: 2, note: "" },
    ],
    screen(80),
  );
  assert.deepEqual(lines.slice(1), ["日本      1", "abcd      2"]);
});

test("what tasks write cannot move the cursor or colour the table", () => {
  const rows = [{ id: "a", count: 1, note: "\u001b[2Jboom\r\nnext\u0007" }];
  assert.equal(tableLines(columns, rows, screen(80))[1], "a       1  boom next");
});

test("colour is only around the text, never around the filling", () => {
  const rows = [{ id: "a", count: 1, note: "late" }];
  const line = tableLines(columns, rows, screen(80, { NO_COLOR: "", FORCE_COLOR: "1" }))[1];
  assert.equal(line, "a       1  \u001b[31mlate\u001b[39m");
});

test("pairs stand under each other", () => {
  assert.deepEqual(
    pairLines(
      [
        ["a", "1"],
        ["long", "2"],
      ],
      screen(80),
    ),
    ["a     1", "long  2"],
  );
});
