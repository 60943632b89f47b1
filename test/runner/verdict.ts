// From what the stages report to what is printed and to the exit code. Pure, so that it can be tested.

import { relative } from "node:path";
import type { TestRecord } from "./tally.ts";

export interface StageResult {
  readonly name: string;
  readonly tookMs: number;
  readonly records: readonly TestRecord[];
  /** What is wrong beyond failed tests, each a sentence. Each counts as one failure. */
  readonly complaints: readonly string[];
}

export interface Verdict {
  readonly ok: boolean;
  /** The report, ending in the one summary line. */
  readonly lines: readonly string[];
}

/** Node reports a file that declares no test as one test that passed. */
const isEmptyFile = (record: TestRecord) => record.isFile && record.outcome === "passed";

/** What one suite's run has to complain about, apart from the tests that failed. */
export function complaintsOf(run: {
  readonly records: readonly TestRecord[];
  readonly exitCode: number;
  readonly isFiltered: boolean;
}): string[] {
  if (run.records.every(isEmptyFile)) return ["no test ran: a group without tests proves nothing"];
  if (run.isFiltered) return []; // A file without a matching test looks like one without any.
  const empty = run.records.filter(isEmptyFile);
  const failed = run.records.some((record) => record.outcome === "failed");
  return [
    ...empty.map((record) => `${record.name} contains no tests`),
    ...(run.exitCode !== 0 && !failed
      ? [`the test runner ended with code ${run.exitCode}, though no test failed`]
      : []),
  ];
}

/** Sums the stages up. With `isCi`, a skipped test is as bad as a failed one: nobody is there to wonder about it. */
export function judge(results: readonly StageResult[], { isCi, root }: { isCi: boolean; root: string }): Verdict {
  const all = results.flatMap((result) => result.records.filter((record) => !isEmptyFile(record)));
  const named = (outcome: TestRecord["outcome"]) => all.filter((record) => record.outcome === outcome);
  const [passed, failed, skipped] = [named("passed"), named("failed"), named("skipped")];
  const complaints = results.flatMap((result) => result.complaints.map((text) => `${result.name}: ${text}`));
  const where = (record: TestRecord) => `${relative(root, record.file)}:${record.line} ${record.name}`;
  const failures = [...complaints, ...failed.map(where)];
  const because = (record: TestRecord) => record.reason || "no reason given";
  const lines = [
    ...results.map(stageLine),
    ...section(
      isCi ? "SKIPPED, which CI counts as a failure" : "SKIPPED, so not proven here",
      skipped.map((record) => `${where(record)}: ${because(record)}`),
    ),
    ...section("FAILED", failures),
    "",
    `${passed.length} passed, ${failures.length} failed, ${skipped.length} skipped`,
  ];
  return { ok: failures.length === 0 && !(isCi && skipped.length > 0), lines };
}

function stageLine(result: StageResult): string {
  const bad = result.complaints.length > 0 || result.records.some((record) => record.outcome === "failed");
  const tests = result.records.filter((record) => !isEmptyFile(record)).length;
  const count = tests > 0 ? `  ${tests} tests` : "";
  return `${bad ? "✗" : "✓"} ${result.name.padEnd(12)} ${(result.tookMs / 1000).toFixed(1).padStart(6)} s${count}`;
}

function section(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : ["", `${title}:`, ...items.map((item) => `  - ${item}`)];
}
