import assert from "node:assert/strict";
import { test } from "node:test";
import { headerIn, wireHeaders } from "./headers.ts";

const textOf = (headers: ReturnType<typeof wireHeaders>): string =>
  Buffer.from((headers as unknown as { encode(): Uint8Array }).encode()).toString("utf8");

test("headers are sent as the protocol has them, later records after earlier ones", () => {
  assert.equal(textOf(wireHeaders({ a: "1", "ce-id": "ü" }, { b: "" })), "NATS/1.0\r\na: 1\r\nce-id: ü\r\nb: \r\n\r\n");
});

test("a value cannot begin a header of its own", () => {
  for (const value of ["x\r\nNats-Batch-Commit: 1", "x\ny", "\r"])
    assert.throws(() => wireHeaders({ "ce-subject": value }), /line break/, JSON.stringify(value));
});

test("a header is found by its whole name, as it is written, and nowhere else", () => {
  const text = "NATS/1.0\r\nMuster-N: 7\r\nX-Muster-N: 8\r\nEmpty:\r\nSpaced:   a b  \r\n\r\n";
  const table: [string, string | null][] = [
    ["Muster-N", "7"],
    ["X-Muster-N", "8"],
    ["muster-n", null],
    ["N", null],
    ["Empty", ""],
    ["Spaced", "a b"],
  ];
  for (const [name, value] of table) assert.equal(headerIn(text, name), value, name);
  assert.equal(headerIn("", "Muster-N"), null);
});
