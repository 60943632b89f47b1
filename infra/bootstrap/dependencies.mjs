// node_modules, installed from the lockfile when it is missing or differs from it, and left alone otherwise.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { run, tail } from "./command.mjs";
import { withLock } from "./lock.mjs";
import { Refusal, step } from "./progress.mjs";

const INSTALL_WITHIN_MS = 15 * 60_000;

/** What must agree wherever the lockfile states it. It leaves `resolved` out for all but our own linked packages. */
const COMPARED = ["version", "resolved", "integrity"];

/** Makes node_modules match package-lock.json. Runs npm only when it does not; two starts at once take turns. */
export async function ensureDependencies(root) {
  if (isInstalled(root)) return;
  const lockPath = join(root, ".muster", "bootstrap.lock");
  const onWait = () => process.stderr.write("muster: another start is installing packages, waiting for it ...\n");
  await withLock(lockPath, { withinMs: INSTALL_WITHIN_MS, onWait }, async () => {
    if (isInstalled(root)) return; // The one we waited for has done it.
    await step("installing packages", () => install(root));
    writeFileSync(markerPath(root), fingerprint(root));
  });
}

/**
 * True when node_modules is what the lockfile asks for. The marker we leave after an install answers in a millisecond;
 * without it (after somebody's own `npm install`) the list that npm keeps of what it installed is compared in full.
 */
export function isInstalled(root) {
  if (!existsSync(installedPath(root))) return false;
  if (existsSync(markerPath(root)) && readFileSync(markerPath(root), "utf8") === fingerprint(root)) return true;
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(installedPath(root), "utf8")).packages;
  if (firstDifference(wanted, installed) !== null) return false;
  writeFileSync(markerPath(root), fingerprint(root));
  return true;
}

/** The first path at which the lockfile's packages and the installed ones differ, or null. Absent optional packages are fine. */
export function firstDifference(wanted, installed) {
  for (const [path, want] of Object.entries(wanted)) {
    const have = installed[path];
    if (path === "" || (have === undefined && want.optional === true)) continue;
    if (have === undefined) return path;
    if (COMPARED.some((field) => want[field] !== undefined && want[field] !== have[field])) return path;
  }
  return Object.keys(installed).find((path) => wanted[path] === undefined) ?? null;
}

// npm writes this list at the very end of an install: an interrupted one leaves none, and counts as not installed.
const installedPath = (root) => join(root, "node_modules", ".package-lock.json");
const markerPath = (root) => join(root, "node_modules", ".muster-lock-hash");

function fingerprint(root) {
  const hash = createHash("sha256");
  for (const path of [join(root, "package-lock.json"), installedPath(root)]) hash.update(readFileSync(path));
  return hash.digest("hex");
}

async function install(root) {
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--include=dev", "--include=optional"];
  const { ok, output } = await run("npm", args, { cwd: root, env: systemEnv(), withinMs: INSTALL_WITHIN_MS });
  if (ok) return;
  const said = output.split("\n").filter((line) => !line.includes("EBADENGINE"));
  throw new Refusal(`npm could not install the packages. It said:\n${tail(said.join("\n"), 30)}`);
}

/** npm must not run on the Node that it is about to delete with node_modules, so our own folders leave the PATH. */
function systemEnv() {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  return { ...process.env, PATH: folders.join(delimiter) };
}
