import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, closeSync, openSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "@muster/testkit";
import { LOG_CHUNK_BYTES_MAX } from "../limits.ts";
import { workDirectory } from "../testing/documents.ts";
import { lastLines, startOfLastLines } from "./lines.ts";
import { fileOutput } from "./source.ts";
import { wholeLines } from "./whole.ts";

function file(text: string): string {
  const path = join(workDirectory(), "stdout");
  writeFileSync(path, text);
  return path;
}

for (const { text, count, last } of [
  { text: "", count: 3, last: "" },
  { text: "a\nb\nc\n", count: 2, last: "b\nc\n" },
  { text: "a\nb\nc", count: 2, last: "b\nc" },
  { text: "a\nb\nc\n", count: 9, last: "a\nb\nc\n" },
  { text: "a\n\n\n", count: 2, last: "\n\n" },
  { text: "a\nb\n", count: 0, last: "" },
  { text: `${"x".repeat(100_000)}\n${"y".repeat(100_000)}\n`, count: 1, last: `${"y".repeat(100_000)}\n` },
]) {
  test(`the last ${count} lines of ${JSON.stringify(text.slice(0, 10))} are found`, () => {
    const path = file(text);
    const fd = openSync(path, "r");
    const from = startOfLastLines(fd, count);
    closeSync(fd);
    assert.equal(Buffer.from(text).subarray(from).toString(), last);
  });
}

test("a failure's last words are bounded", () => {
  const path = file(`${"z".repeat(10_000)}\n`.repeat(20));
  assert.equal(lastLines(path, 10, 2_048).length, 2_047);
});

test("a link that a task left in place of its output is not followed, and a pipe does not block", () => {
  const directory = workDirectory();
  symlinkSync("/etc/passwd", join(directory, "link"));
  execFileSync("mkfifo", [join(directory, "pipe")]);
  assert.equal(lastLines(join(directory, "link"), 10, 1_000), "");
  assert.equal(lastLines(join(directory, "pipe"), 10, 1_000), "");
});

async function* of(...chunks: (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}
async function all(chunks: AsyncIterable<string>): Promise<string[]> {
  const texts: string[] = [];
  for await (const text of chunks) texts.push(text);
  return texts;
}

test("messages hold whole lines, the rest comes at the end", async () => {
  assert.deepEqual(await all(wholeLines(of("a\nb", "c\nd\ne"))), ["a\n", "bc\nd\n", "e"]);
});

test("no message is larger than its bound, and no character is torn apart", async () => {
  const text = "ä€😀".repeat(40_000);
  const bytes = Buffer.from(text);
  const pieces = Array.from({ length: Math.ceil(bytes.length / 7_001) }, (_, i) =>
    bytes.subarray(i * 7_001, (i + 1) * 7_001),
  );
  const texts = await all(wholeLines(of(...pieces)));
  assert.equal(texts.join(""), text);
  assert.ok(texts.every((each) => Buffer.byteLength(each) <= LOG_CHUNK_BYTES_MAX));
});

test("a file is followed as it grows, and after it was emptied, until its task is over", async () => {
  const path = file("one\n");
  let over = false;
  let seen = "";
  const reading = (async () => {
    for await (const chunk of fileOutput(
      path,
      { tail: null, follow: true, signal: new AbortController().signal },
      () => over,
    ))
      seen += chunk;
  })();
  await until(() => seen === "one\n");
  appendFileSync(path, "two\n");
  await until(() => seen === "one\ntwo\n");
  writeFileSync(path, "3\n");
  await until(() => seen === "one\ntwo\n3\n");
  over = true;
  await reading;
});
