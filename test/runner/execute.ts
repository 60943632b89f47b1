// Runs one stage as a child process and reports what came of it.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { Selected } from "./selection.ts";
import type { Check, Suite } from "./stages.ts";
import type { TestRecord } from "./tally.ts";
import { complaintsOf, type StageResult } from "./verdict.ts";

const KILL_AFTER_MS = 5_000;

/** The child that runs at present, so that a signal sent to us can be passed on to it. */
let running: ChildProcess | null = null;

export function passOn(signal: NodeJS.Signals): void {
  running?.kill(signal);
}

export async function execute(
  { stage, files }: Selected,
  { root, nodeOptions }: { root: string; nodeOptions: readonly string[] },
): Promise<StageResult> {
  const startedMs = performance.now();
  const outcome =
    stage.kind === "check" ? await runCheck(stage, root) : await runSuite(stage, files, { root, nodeOptions });
  return { name: stage.name, tookMs: performance.now() - startedMs, ...outcome };
}

type Outcome = Pick<StageResult, "records" | "complaints">;

async function runCheck(check: Check, root: string): Promise<Outcome> {
  const [program, ...args] = check.command;
  const end = await runChild(join(root, "node_modules", ".bin", program), args, { root, withinMs: check.withinMs });
  return {
    records: [],
    complaints: end.code === 0 ? [] : [end.wasStopped ? tooSlow(check) : "found something, see above"],
  };
}

async function runSuite(
  suite: Suite,
  files: readonly string[],
  { root, nodeOptions }: { root: string; nodeOptions: readonly string[] },
): Promise<Outcome> {
  if (files.length === 0) return { records: [], complaints: [`no test file matches ${suite.patterns.join(", ")}`] };
  const folder = mkdtempSync(join(tmpdir(), "muster-tally-"));
  const tallyPath = join(folder, "tally.jsonl");
  const args = [
    "--test",
    `--test-concurrency=${suite.concurrency}`,
    `--test-timeout=${suite.testWithinMs}`,
    `--test-reporter=${process.stdout.isTTY ? "dot" : "spec"}`,
    "--test-reporter-destination=stdout",
    `--test-reporter=${new URL("./tally.ts", import.meta.url).href}`,
    `--test-reporter-destination=${tallyPath}`,
    ...nodeOptions,
    ...files,
  ];
  try {
    const end = await runChild(process.execPath, args, { root, withinMs: suite.withinMs });
    const records = readTally(tallyPath);
    if (end.wasStopped) return { records, complaints: [`${tooSlow(suite)}${silentFiles(files, records, root)}`] };
    return { records, complaints: complaintsOf({ records, exitCode: end.code, isFiltered: nodeOptions.length > 0 }) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runChild(
  program: string,
  args: readonly string[],
  { root, withinMs }: { root: string; withinMs: number },
): Promise<{ code: number; wasStopped: boolean }> {
  return new Promise((resolve, reject) => {
    let wasStopped = false;
    const child = spawn(program, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
    const stop = setTimeout(() => {
      wasStopped = true;
      child.kill("SIGTERM");
    }, withinMs);
    const kill = setTimeout(() => child.kill("SIGKILL"), withinMs + KILL_AFTER_MS);
    running = child;
    child.on("error", reject);
    child.on("exit", (code) => {
      clearTimeout(stop);
      clearTimeout(kill);
      running = null;
      resolve({ code: code ?? 1, wasStopped });
    });
  });
}

const tooSlow = (stage: Check | Suite) => `was stopped after ${stage.withinMs / 60_000} minutes`;

function silentFiles(files: readonly string[], records: readonly TestRecord[], root: string): string {
  const heard = new Set(records.map((record) => relative(root, record.file)));
  const silent = files.filter((file) => !heard.has(file));
  return silent.length === 0 ? "" : `; nothing was heard of ${silent.join(", ")}`;
}

function readTally(path: string): TestRecord[] {
  if (!existsSync(path)) return [];
  const complete = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return complete.map((line) => JSON.parse(line) as TestRecord);
}
