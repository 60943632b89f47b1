/** What each of our programs can be told, from the program's own mouth. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { agentSettings } from "@muster/agent/settings";
import { settings as gatewaySettings } from "@muster/gateway/settings";
import { commonSettings, readSettings } from "@muster/runtime";
import { ROOT } from "./compose.ts";

const run = promisify(execFile);

export type Settable = { readonly flags: ReadonlySet<string>; readonly variables: ReadonlySet<string> };

const asked = new Map<string, Promise<Settable>>();

/** Asks `--help` of the program below services/. */
export function settableOf(program: string): Promise<Settable> {
  const known = asked.get(program) ?? ask(program);
  asked.set(program, known);
  return known;
}

async function ask(program: string): Promise<Settable> {
  const main = join(ROOT, "services", program, "src/main.ts");
  const { stdout } = await run(process.execPath, [main, "--help"], { timeout: 30_000 });
  const rows = [...stdout.matchAll(/^ {2}--([a-z-]+) .*\[([A-Z_, ]+)\]$/gm)];
  if (rows.length === 0) throw new Error(`services/${program} --help lists no settings:\n${stdout}`);
  return {
    flags: new Set(["config", ...rows.map((row) => row[1] as string)]),
    variables: new Set(["MUSTER_CONFIG", ...rows.flatMap((row) => (row[2] as string).split(", "))]),
  };
}

/** Throws, with a sentence a line, for values that the program would refuse. */
export function readAs(program: string, argv: readonly string[], env: Readonly<Record<string, string>>) {
  if (program === "agent") return { ...readSettings(program, agentSettings, { argv, env }) };
  const own = program === "gateway" ? gatewaySettings : {};
  return { ...readSettings(program, { ...commonSettings, ...own }, { argv, env }) };
}
