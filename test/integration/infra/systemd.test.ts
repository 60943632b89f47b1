/** infra/systemd against the repository: units run programs that are there, with settings that these take. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { ROOT } from "./compose.ts";
import { readAs, settableOf } from "./settings.ts";
import { commandOf, readEnvironment, readUnit } from "./units.ts";

const run = promisify(execFile);
const FOLDER = "infra/systemd";
const PROGRAMS = ["offer-broker", "health", "deployer", "placement", "gateway"];
const SERVICE = readUnit(`${FOLDER}/muster@.service`);
const AGENT = readUnit(`${FOLDER}/muster-agent.service`);

/** What systemd runs for a unit, with this Node and this clone in place of the installed ones. */
async function helpOf(unit: typeof SERVICE, instance: string): Promise<string> {
  const [program = "", ...args] = commandOf(unit, instance).map((word) =>
    word.replace("/usr/bin/node", process.execPath),
  );
  // What a shell is given after its line is that line's $0, $1 ...; --help has to reach the program behind it.
  const asked =
    program === "/bin/sh" ? args.map((word) => word.replace(/main\.ts"$/, 'main.ts" --help')) : [...args, "--help"];
  return (await run(program, asked, { cwd: ROOT, timeout: 30_000 })).stdout;
}

test("muster@ runs every service of the control plane, and several of a kind", async () => {
  for (const instance of [...PROGRAMS, "placement:2"]) {
    const [program] = instance.split(":");
    assert.ok(existsSync(join(ROOT, `services/${program}/src/main.ts`)), `there is no ${program}`);
    assert.match(await helpOf(SERVICE, instance), new RegExp(`^${program}: settings`), instance);
  }
  assert.match(await helpOf(AGENT, ""), /^agent: settings/);
});

test("every variable of the environment files is a setting of those who read it, with a value that they take", async () => {
  const files = readdirSync(join(ROOT, FOLDER)).filter((name) => name.endsWith(".env"));
  const shared = readEnvironment(`${FOLDER}/muster.env`);
  const own = files.filter((name) => name !== "muster.env").map((name) => name.replace(".env", ""));
  assert.deepEqual(own.sort(), ["agent", "gateway"]);
  for (const program of [...PROGRAMS, "agent"]) {
    const environment = own.includes(program) ? readEnvironment(`${FOLDER}/${program}.env`) : {};
    const { variables } = await settableOf(program);
    for (const name of Object.keys(environment)) assert.ok(variables.has(name), `${program} does not read ${name}`);
    readAs(program, [], { ...shared, ...environment });
  }
  const { variables } = await settableOf("deployer");
  for (const name of Object.keys(shared)) assert.ok(variables.has(name), `muster.env sets ${name}, which nobody reads`);
  const read = [...(SERVICE.get("EnvironmentFile") ?? []), ...(AGENT.get("EnvironmentFile") ?? [])];
  for (const name of files)
    assert.ok(
      read.some((path) => path.replace("%i", "gateway").endsWith(`/etc/muster/${name}`)),
      `no unit reads ${name}`,
    );
});

test("tasks outlive their agent, and its memory stands where its next start looks", () => {
  const { workDir } = readAs("agent", ["--work-dir=/var/lib/muster/agent"], {}) as { workDir: string };
  assert.deepEqual(
    AGENT.get("StateDirectory")?.map((name) => join("/var/lib", name)),
    [workDir],
  );
  for (const [key, value] of [
    ["KillMode", "process"],
    ["Delegate", "yes"],
    ["TasksMax", "infinity"],
    ["OOMPolicy", "continue"],
  ])
    assert.deepEqual(AGENT.get(key as string), [value], key);
  // Tasks would inherit these, and some would break.
  const inherited =
    /^(?:NoNewPrivileges|Private|Protect|Restrict(?!Prevent)|Capability|SystemCall|Memory|CPU|User$|DynamicUser)/;
  assert.deepEqual(
    [...AGENT.keys()].filter((key) => inherited.test(key) && key !== "RestartPreventExitStatus"),
    [],
  );
});

test("both come back by themselves, except from what no restart mends", () => {
  for (const unit of [SERVICE, AGENT]) {
    assert.deepEqual(unit.get("Restart"), ["always"]);
    assert.deepEqual(unit.get("StartLimitIntervalSec"), ["0"]);
    assert.ok(Number(unit.get("TimeoutStopSec")?.[0]) > 10, "a service drains for up to ten seconds");
  }
  assert.deepEqual(SERVICE.get("RestartPreventExitStatus"), ["2"]);
  assert.deepEqual(AGENT.get("RestartPreventExitStatus"), ["2 3"]);
});
