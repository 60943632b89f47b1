// Pages that repeat what the code says are held against it, so that neither goes on without the other.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { EXIT_MEANINGS, exitCodeOf } from "@muster/cli/exit";
import { ERRORS, type ErrorCode, HEALTH_KINDS, MusterError, STATE_KINDS, STREAM } from "@muster/contracts";
import * as limits from "@muster/contracts/limits";
import { ROOT, readText, trackedFiles } from "./tree.ts";

/** The cells of every row of the tables in `text`, without the heads and the lines below them. */
function rowsOf(text: string): string[][] {
  const rows = [...text.matchAll(/^\|(.*)\|$/gm)].map((match) =>
    match[1]!.split(/(?<!\\)\|/).map((cell) => cell.trim()),
  );
  return rows.filter((row, i) => !isRule(row) && !isRule(rows[i + 1] ?? []));
}
const isRule = (row: readonly string[]): boolean => row.length > 0 && row.every((cell) => /^:?-+:?$/.test(cell));

/** The text from a heading to the next one of the same or a higher level. */
function section(text: string, heading: string): string {
  const level = /^#+/.exec(heading)![0].length;
  const [, after] = text.split(new RegExp(`^${heading}$`, "m"));
  assert.ok(after !== undefined, `there is no section "${heading}"`);
  return after.split(new RegExp(`^#{1,${level}} `, "m"))[0]!;
}

const code = (cell: string): string => /^`([^`]+)`/.exec(cell)?.[1] ?? "";

test("docs/errors.md tells every code with its status, whether to try again, and its exit code", () => {
  const told = rowsOf(section(readText("docs/errors.md"), "# Errors")).filter((row) => row.length === 5);
  const known = Object.entries(ERRORS).map(([name, { status, retry }]) => [
    name,
    String(status),
    retry ? "yes" : "no",
    String(exitCodeOf(new MusterError(name as ErrorCode, ""))),
  ]);
  assert.deepEqual(
    told.map(([name, ...cells]) => [code(name!), ...cells.slice(0, 3)]),
    known,
  );
  for (const row of told) assert.ok(row[4]!.length > 15, `${row[0]} is not explained`);
});

test("docs/errors.md tells every exit code of the command line", () => {
  const told = rowsOf(section(readText("docs/errors.md"), "## Exit codes of `muster`"));
  assert.deepEqual(
    told,
    EXIT_MEANINGS.map(([exit, meaning]) => [String(exit), meaning]),
  );
});

test("ARCHITECTURE.md has a row for every kind of key and for every stream", () => {
  const page = readText("ARCHITECTURE.md");
  const kindsIn = (heading: string) =>
    rowsOf(section(page, heading))
      .map(([key]) => code(key!).split(".")[0]!)
      .sort();
  // Written and never read as documents: events are told, carriers carry.
  const state = [...Object.keys(STATE_KINDS), "event", "carrier"].sort();
  assert.deepEqual(kindsIn("### The state bucket"), state);
  assert.deepEqual(kindsIn("### The health bucket"), Object.keys(HEALTH_KINDS).sort());
  const streams = rowsOf(section(page, "### Streams")).map(([name]) => code(name!));
  assert.deepEqual(
    Object.values(STREAM).filter((name) => !streams.includes(name)),
    [],
  );
});

test("ARCHITECTURE.md tells every limit with its value", () => {
  const told = rowsOf(section(readText("ARCHITECTURE.md"), "## Limits")).map(([name, value]) => [
    code(name!),
    value!.replaceAll(",", ""),
  ]);
  const known = Object.entries(limits).map(([name, value]) => [
    name,
    typeof value === "number" ? String(value) : `${value.first}-${value.last}`,
  ]);
  assert.deepEqual(told.sort(), known.sort());
});

const pages = trackedFiles().filter((path) => path.endsWith(".md"));

test("links between our pages lead somewhere", () => {
  assert.ok(pages.length >= 10, `saw only ${pages.length} pages`);
  const broken = pages.flatMap((page) =>
    [...readText(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
      .map((match) => match[1]!)
      .filter((target) => !existsSync(join(ROOT, normalize(join(dirname(page), target)))))
      .map((target) => `${page}: ${target}`),
  );
  assert.deepEqual(broken, []);
});

test("files that our pages name are there", () => {
  const named = pages.flatMap((page) =>
    [...readText(page).matchAll(/`((?:libs|services|apps|test|infra|examples|docs)\/[\w./-]+)`/g)].map((match) => ({
      page,
      path: match[1]!,
    })),
  );
  assert.ok(named.length > 20, `saw only ${named.length} names`);
  assert.deepEqual(
    named.filter(({ path }) => !existsSync(join(ROOT, path))),
    [],
  );
});
