/** What a schema finds, in the words that specs are refused with. */
import type { z } from "zod";
import { describe } from "./read/report.ts";

const EXPECTED: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

/** For `safeParse(value, { error: schemaFault })`. What it has no words for, and what a schema says itself, stays. */
export function schemaFault(issue: z.core.$ZodRawIssue): string | undefined {
  const got = `got ${describe(issue.input)}`;
  switch (issue.code) {
    case "invalid_type":
      return `expected ${EXPECTED[issue.expected] ?? issue.expected}, ${got}`;
    case "invalid_value":
      return `expected ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}, ${got}`;
    default:
      return undefined;
  }
}
