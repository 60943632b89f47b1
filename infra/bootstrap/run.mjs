// The front door: `npm start`, `npm test`, `npm run ok` and `npm run bench` all come through here.
//
// It has to run on a bare machine with Node 20, before any package is installed, so it imports nothing but node: builtins.
// It makes packages, a new enough Node and a nats-server available (each only if missing), then hands over to TypeScript.

import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureDependencies } from "./dependencies.mjs";
import { handOver } from "./hand-over.mjs";
import { findNatsServer, linkServer } from "./nats-server.mjs";
import { findNode } from "./node.mjs";
import { Refusal } from "./progress.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

const VERBS = {
  // `npm start` prepares and then becomes the cluster itself, so that no process waits for another all day.
  prepare: [],
  test: ["test/run.ts"],
  ok: ["test/run.ts", "--fast"],
  bench: ["test/bench/main.ts"],
};

async function main([verb, ...args]) {
  const script = VERBS[verb];
  if (script === undefined) throw new Refusal(`Say one of: ${Object.keys(VERBS).join(", ")}.`);
  if (script.length > 0 && !existsSync(join(ROOT, script[0])))
    throw new Refusal(`${script[0]} is missing from this clone.`);
  await ensureDependencies(ROOT);
  const node = await findNode(ROOT);
  const natsServer = await findNatsServer();
  const binFolder = join(ROOT, "node_modules", ".bin");
  linkServer(binFolder, natsServer);
  if (script.length === 0) return;
  const path = [dirname(node), binFolder, process.env.PATH ?? ""].join(delimiter);
  const env = { ...process.env, MUSTER_NATS_SERVER: natsServer, PATH: path };
  process.exit(await handOver(node, [...script, ...args], { cwd: ROOT, env }));
}

function fail(error) {
  process.stderr.write(error instanceof Refusal ? `muster: ${error.message}\n` : `${error.stack}\n`);
  process.exit(1);
}

main(process.argv.slice(2)).catch(fail);
