// A reporter for node:test that writes one JSON line for every finished test, for the runner to count.

import { resolve } from "node:path";
import type { TestEvent } from "node:test/reporters";

export interface TestRecord {
  readonly file: string;
  readonly line: number;
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why it was skipped, empty where its author did not say. */
  readonly reason: string;
  /** True where node reports a file in place of its tests: because it broke, or because it has none. */
  readonly isFile: boolean;
}

export default async function* tally(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const record = toRecord(event);
    if (record !== null) yield `${JSON.stringify(record)}\n`;
  }
}

type Finished = Extract<TestEvent, { type: "test:pass" | "test:fail" }>;

/** Suites count only where they speak for tests that node leaves unreported: skipped as a whole, or broken by a hook. */
function toRecord({ type, data }: Finished): TestRecord | null {
  const skip = data.skip ?? data.todo ?? false;
  const isSkipped = skip !== false;
  const isSuite = data.details.type === "suite";
  if (isSuite && type === "test:pass" && !isSkipped) return null;
  if (isSuite && type === "test:fail" && failureOf(data.details) === "subtestsFailed") return null;
  const file = data.file ?? "";
  return {
    file,
    line: data.line ?? 0,
    name: data.name,
    outcome: isSkipped ? "skipped" : type === "test:pass" ? "passed" : "failed",
    reason: typeof skip === "string" ? skip : "",
    isFile: data.nesting === 0 && resolve(data.name) === file,
  };
}

function failureOf(details: { error?: unknown }): unknown {
  return (details.error as { failureType?: unknown } | undefined)?.failureType;
}
