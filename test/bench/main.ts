/** `npm run bench -- NAME [--samples N] [--agents N] ... [--json]`: the last line of output is one JSON object; non-zero when not correct. */
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { besideSwarm } from "./beside-swarm.ts";
import { burst } from "./burst.ts";
import { decideBasic, decideConstrained, decideMixed } from "./decide.ts";
import { footprint } from "./footprint.ts";
import { linearity } from "./linearity.ts";
import { placeDurable, placeRunning } from "./place.ts";
import { replay } from "./replay.ts";
import { rest } from "./rest.ts";
import type { Bench, BenchOptions, BenchResult } from "./result.ts";
import { startLatency } from "./start-latency.ts";
import { submitRate } from "./submit-rate.ts";
import { workers as workersBench } from "./workers.ts";

const BENCHES: Readonly<Record<string, Bench>> = {
  "decide-basic": decideBasic,
  "decide-mixed": decideMixed,
  "decide-constrained": decideConstrained,
  "start-latency": startLatency,
  "place-durable": placeDurable,
  "place-running": placeRunning,
  "submit-rate": submitRate,
  rest,
  linearity,
  workers: workersBench,
  footprint,
  replay,
  burst,
  "beside-swarm": besideSwarm,
};
const OPTIONS = ["samples", "agents", "instances", "workers", "processes", "containers"] as const;
const USAGE =
  "npm run bench -- NAME [--samples N] [--agents N] [--instances N] [--workers N] [--processes N] [--containers N] [--json]";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    samples: { type: "string" },
    agents: { type: "string" },
    instances: { type: "string" },
    workers: { type: "string" },
    processes: { type: "string" },
    containers: { type: "string" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const name = positionals[0] ?? "";
const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
if (values.help === true || bench === undefined) {
  process.stderr.write(`${USAGE}\nbenchmarks: ${Object.keys(BENCHES).join(", ")}\n`);
  process.exit(values.help === true ? 0 : 2);
}

const say = (line: string) => void process.stderr.write(`${line}\n`);
const options = Object.fromEntries(OPTIONS.map((option) => [option, numberOf(option, values[option])])) as BenchOptions;
const { parameters, figures, correct, nats } = await bench(options, say);
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

/** A whole number, or null where none was given; 0 leaves out what is counted by it. */
function numberOf(option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const isZeroFine = option === "processes" || option === "containers";
  if (!(isZeroFine ? /^\d+$/ : /^[1-9]\d*$/).test(text)) {
    process.stderr.write(`--${option} takes a whole number${isZeroFine ? "" : " above zero"}, not ${text}\n`);
    process.exit(2);
  }
  return Number(text);
}
