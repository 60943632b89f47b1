// The one test command. Runs the checks and the test suites one after the other and ends with one line of numbers.
//
//   npm test                              everything
//   npm run ok                            everything that takes seconds, before a commit
//   npm test -- integration               one stage: types, lint, unused, unit, integration, e2e
//   npm test -- test/e2e/start.test.ts    one file or folder; --test-name-pattern=... narrows it further

import { constants } from "node:os";
import { join } from "node:path";
import { execute, passOn } from "./runner/execute.ts";
import { type Selection, select } from "./runner/selection.ts";
import { judge, type StageResult } from "./runner/verdict.ts";

const root = join(import.meta.dirname, "..");
const isCi = (process.env.CI ?? "") !== "" && process.env.CI !== "false";

let interruptedBy: "SIGINT" | "SIGTERM" | null = null;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    interruptedBy = signal;
    passOn(signal);
  });
}

function readSelection(): Selection {
  try {
    return select(process.argv.slice(2), root);
  } catch (error) {
    console.error(`muster: ${(error as Error).message}`);
    process.exit(2);
  }
}

const { selected, nodeOptions } = readSelection();
const results: StageResult[] = [];
for (const part of selected) {
  if (interruptedBy !== null) break;
  const size = part.files.length > 0 ? `, files: ${part.files.length}` : "";
  console.log(`\n── ${part.stage.name}${size} ${"─".repeat(40)}`);
  results.push(await execute(part, { root, nodeOptions }));
}

const { ok, lines } = judge(results, { isCi, root });
console.log(`\n${lines.join("\n")}`);
if (interruptedBy !== null) console.error("muster: interrupted, the rest was not run");
process.exitCode = interruptedBy !== null ? 128 + constants.signals[interruptedBy] : ok ? 0 : 1;
