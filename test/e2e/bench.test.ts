/** Every benchmark once, as small as can be: it ends, says that its work was right, and names the figures people look for. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../bench/main.ts", import.meta.url));
const WITHIN_MS = 120_000;

const SMALL = ["--agents=20", "--instances=100", "--workers=2"];
const BENCHES: [name: string, flags: string[], figures: string[]][] = [
  ["decide-basic", ["--agents=50", "--instances=500"], ["rate"]],
  ["decide-mixed", ["--agents=500", "--instances=100"], ["rate"]],
  ["decide-constrained", ["--agents=100"], ["rate_group_by", "rate_unique", "rate_like", "rate_anti_affinity"]],
  ["place-durable", SMALL, ["rate"]],
  ["place-running", SMALL, ["rate"]],
  ["submit-rate", ["--agents=20", "--instances=100"], ["rate"]],
  [
    "rest",
    ["--agents=20", "--instances=20", "--samples=20"],
    ["create_seconds", "get_p99_ms", "list_ms", "list_stall_ms"],
  ],
  ["linearity", ["--agents=20", "--instances=100"], ["agents_ratio", "instances_ratio"]],
  ["workers", SMALL, ["rate_2"]],
  ["footprint", ["--agents=20", "--instances=100"], ["total_mb"]],
  ["replay", ["--agents=20", "--instances=100", "--samples=1"], ["placement_seconds", "all_seconds"]],
  ["start-latency", ["--samples=3"], ["process_over_bare_p50_ms", "process_over_bare_p99_ms"]],
  ["burst", ["--processes=20", "--containers=0"], ["process_share"]],
];

type Line = {
  name: string;
  parameters: Record<string, unknown>;
  figures: Record<string, { value: number; unit: string }>;
  correct: boolean;
  machine: { cpus: number };
};

function run(name: string, flags: readonly string[]): Promise<{ code: number | null; out: string; said: string }> {
  const child = spawn(process.execPath, [main, name, ...flags, "--json"], { timeout: WITHIN_MS });
  let [out, said] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, out, said })));
}

for (const [name, flags, figures] of BENCHES)
  test(`the benchmark ${name} does its work and says how fast`, async () => {
    const { code, out, said } = await run(name, flags);
    assert.equal(code, 0, said.slice(-2_000));
    const line = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "") as Line;
    assert.equal(line.name, name);
    assert.equal(line.correct, true);
    assert.ok(line.machine.cpus > 0);
    for (const key of figures) {
      assert.ok(Number.isFinite(line.figures[key]?.value), `${key} is a number`);
      assert.notEqual(line.figures[key]?.unit ?? "", "");
    }
  });
