// What `npm test` consists of. A test file belongs to the suite whose patterns match it; a tidy test sees that each has one.

import { globSync } from "node:fs";
import { matchesGlob } from "node:path";

/** A program that judges the whole tree and fails with an exit code. */
export interface Check {
  readonly kind: "check";
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly withinMs: number;
}

/** A group of test files that run under the same rules. */
export interface Suite {
  readonly kind: "suite";
  readonly name: string;
  readonly patterns: readonly string[];
  /** How many files run at the same time. */
  readonly concurrency: number;
  /** The longest that one test may take. */
  readonly testWithinMs: number;
  /** The longest that the whole suite may take: a file that never ends is otherwise waited for without end. */
  readonly withinMs: number;
  /** Left out by `npm run ok`. */
  readonly slow: boolean;
}

export type Stage = Check | Suite;

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

const colors = process.stdout.isTTY ? "--colors=force" : "--colors=off";

export const CHECKS: readonly Check[] = [
  { kind: "check", name: "types", command: ["tsc", "-p", "tsconfig.json"], withinMs: 5 * MINUTE_MS },
  {
    kind: "check",
    name: "lint",
    command: ["biome", "ci", colors, "--error-on-warnings", "."],
    withinMs: 5 * MINUTE_MS,
  },
  { kind: "check", name: "unused", command: ["knip", "--no-progress", "--no-config-hints"], withinMs: 5 * MINUTE_MS },
];

export const SUITES: readonly Suite[] = [
  {
    kind: "suite",
    name: "unit",
    patterns: [
      "{libs,services,apps}/**/*.test.ts",
      "infra/**/*.test.{ts,mjs}",
      "test/{property,runner,scripts,simulation,tidy}/**/*.test.ts",
    ],
    concurrency: 2,
    testWithinMs: MINUTE_MS,
    withinMs: 10 * MINUTE_MS,
    slow: false,
  },
  {
    kind: "suite",
    name: "integration",
    patterns: ["test/{integration,conformance}/**/*.test.ts"],
    concurrency: 1,
    testWithinMs: 2 * MINUTE_MS,
    withinMs: 20 * MINUTE_MS,
    slow: true,
  },
  {
    kind: "suite",
    name: "e2e",
    patterns: ["test/{e2e,chaos}/**/*.test.ts"],
    concurrency: 1,
    testWithinMs: 5 * MINUTE_MS,
    withinMs: 30 * MINUTE_MS,
    slow: true,
  },
];

/** The suite's test files below `root`, relative and sorted. */
export function filesOf(suite: Suite, root: string): string[] {
  const exclude = ["**/node_modules/**"];
  return globSync([...suite.patterns], { cwd: root, exclude }).sort();
}

/** The suites that `file` (relative to the root) belongs to: one, or somebody made a mistake. */
export function suitesOf(file: string): Suite[] {
  return SUITES.filter((suite) => suite.patterns.some((pattern) => matchesGlob(file, pattern)));
}
