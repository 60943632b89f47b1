/** `npm run bench -- NAME [--samples N] [--json]`: the last line of output is one JSON object; non-zero when not correct. */
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import type { Bench, BenchResult } from "./result.ts";
import { startLatency } from "./start-latency.ts";

const BENCHES: Readonly<Record<string, Bench>> = { "start-latency": startLatency };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    samples: { type: "string" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const name = positionals[0] ?? "";
const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
if (values.help === true || bench === undefined) {
  process.stderr.write(
    `npm run bench -- NAME [--samples N] [--json]\nbenchmarks: ${Object.keys(BENCHES).join(", ")}\n`,
  );
  process.exit(values.help === true ? 0 : 2);
}

const say = (line: string) => void process.stderr.write(`${line}\n`);
const { parameters, figures, correct, nats } = await bench(
  { samples: values.samples === undefined ? null : Number(values.samples) },
  say,
);
const machine = {
  cpus: cpus().length,
  model: cpus()[0]?.model ?? "unknown",
  memory_mib: Math.round(totalmem() / 2 ** 20),
  node: process.version,
};
if (!values.json)
  for (const [key, { value, unit }] of Object.entries(figures)) say(`${key.padEnd(32)} ${value} ${unit}`);
const result: BenchResult = { name, parameters, figures, correct, machine, nats };
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(correct ? 0 : 1);
