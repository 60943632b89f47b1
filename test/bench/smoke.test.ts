/** Each benchmark of the control plane once, as small as may be: it measures, checks its work, and leaves nothing behind. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { BenchResult } from "./result.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const SMALL = ["--agents=20", "--instances=100", "--json"];

const CASES: readonly (readonly [name: string, figures: readonly string[]])[] = [
  ["place-durable", ["rate", "conflict_share"]],
  ["place-running", ["rate"]],
  ["submit-rate", ["rate", "rate_http", "rate_published"]],
  ["linearity", ["agents_ratio", "instances_ratio"]],
  ["workers", ["rate_1", "rate_2", "rate_4", "conflict_share_4"]],
  ["footprint", ["total_mb", "nats_server_mb", "placement_1_mb"]],
  ["replay", ["placement_seconds", "all_seconds"]],
];

for (const [name, figures] of CASES) {
  test(`${name} measures a small cluster`, { timeout: 120_000 }, async () => {
    const { code, stdout, stderr } = await run([name, ...SMALL]);
    assert.equal(code, 0, stderr.slice(-2_000));
    const result = JSON.parse(stdout.trimEnd().split("\n").at(-1) as string) as BenchResult;
    assert.equal(result.name, name);
    assert.equal(result.correct, true);
    for (const key of figures) assert.ok(Number.isFinite(result.figures[key]?.value), `${key} is a number`);
  });
}

function run(args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  return new Promise((resolve) => child.once("exit", (code) => resolve({ code, stdout, stderr })));
}
