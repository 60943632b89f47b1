// Reads what was asked for on the command line: `npm test -- integration`, `npm test -- path/to/file.test.ts`.

import { existsSync, statSync } from "node:fs";
import { join, normalize } from "node:path";
import { CHECKS, filesOf, type Stage, SUITES, suitesOf } from "./stages.ts";

export interface Selected {
  readonly stage: Stage;
  /** The test files of a suite; empty for a check. */
  readonly files: readonly string[];
}

export interface Selection {
  readonly selected: readonly Selected[];
  /** Options for `node --test`, such as --test-name-pattern. */
  readonly nodeOptions: readonly string[];
}

/** Throws an Error with a sentence for whoever typed it where an argument means nothing. */
export function select(args: readonly string[], root: string): Selection {
  const nodeOptions = args.filter((arg) => arg.startsWith("--test-"));
  const isFast = args.includes("--fast");
  const names = args.filter((arg) => !nodeOptions.includes(arg) && arg !== "--fast");
  const everything: readonly Stage[] = [...CHECKS, ...SUITES.filter((suite) => !(isFast && suite.slow))];
  if (names.length === 0) return { selected: everything.map((stage) => whole(stage, root)), nodeOptions };
  return { selected: merge(names.flatMap((name) => named(name, root))), nodeOptions };
}

function whole(stage: Stage, root: string): Selected {
  return { stage, files: stage.kind === "suite" ? filesOf(stage, root) : [] };
}

function named(name: string, root: string): Selected[] {
  const stages = [...CHECKS, ...SUITES];
  const stage = stages.find((candidate) => candidate.name === name);
  if (stage !== undefined) return [whole(stage, root)];
  const path = normalize(name);
  if (!existsSync(join(root, path))) {
    throw new Error(`${name} is neither a file nor one of: ${stages.map((known) => known.name).join(", ")}.`);
  }
  if (statSync(join(root, path)).isFile()) {
    const [suite] = suitesOf(path);
    if (suite === undefined) throw new Error(`${name} is no test file that a suite would run.`);
    return [{ stage: suite, files: [path] }];
  }
  const inside = (file: string) => file.startsWith(join(path, "/"));
  const found = SUITES.map((suite) => ({ stage: suite, files: filesOf(suite, root).filter(inside) }));
  const some = found.filter(({ files }) => files.length > 0);
  if (some.length === 0) throw new Error(`There is no test file in ${name}.`);
  return some;
}

/** Two files of one suite run in one go. */
function merge(parts: readonly Selected[]): Selected[] {
  const stages = [...new Set(parts.map((part) => part.stage))];
  return stages.map((stage) => ({
    stage,
    files: [...new Set(parts.filter((part) => part.stage === stage).flatMap((part) => part.files))],
  }));
}
