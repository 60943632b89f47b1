// The nats-server that tests and single-machine clusters run on: the operator's own, the PATH's, our cache's, or Debian's.

import { existsSync, readdirSync, realpathSync, renameSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { run } from "./command.mjs";
import { fetchFromDebian } from "./debian.mjs";
import { Refusal, step } from "./progress.mjs";

/** Older servers accept TTLs, schedules and atomic batches and silently ignore them. */
export const OLDEST_NATS_SERVER = [2, 14, 0];

const VERSION_WITHIN_MS = 10_000;

/** The path of a nats-server that is new enough. Throws a Refusal that says what was tried and what to do. */
export async function findNatsServer(env = process.env) {
  if (env.MUSTER_NATS_SERVER) return operatorsOwn(env.MUSTER_NATS_SERVER);
  const tried = [];

  const onPath = findOnPath(env.PATH ?? "");
  if (onPath !== null) {
    const version = await versionOf(onPath);
    if (isNewEnough(version)) return onPath;
    tried.push(`${onPath} is ${version ? version.join(".") : "not answering --version"}`);
  } else {
    tried.push("there is none on the PATH");
  }

  const cache = join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "muster");
  const cached = findCached(cache);
  if (cached !== null) return cached;

  try {
    return await step("fetching nats-server", () => fetchFromDebian(cache, { versionOf, isNewEnough }));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    tried.push(error.message);
  }
  throw new Refusal(
    `No nats-server ${OLDEST_NATS_SERVER.slice(0, 2).join(".")} or newer: ${tried.join("; ")}\n` +
      "Install one from the official nats-server releases and put it on the PATH, or name it in MUSTER_NATS_SERVER.",
  );
}

/** Somebody who names a server wants that one: it is refused rather than silently replaced. */
async function operatorsOwn(path) {
  const version = await versionOf(path);
  if (isNewEnough(version)) return path;
  const found = version ? `is ${version.join(".")}` : "does not answer --version";
  throw new Refusal(`MUSTER_NATS_SERVER names ${path}, which ${found}. Muster needs 2.14 or newer.`);
}

async function versionOf(path) {
  const { ok, output } = await run(path, ["--version"], { withinMs: VERSION_WITHIN_MS });
  return ok ? parseVersion(output) : null;
}

/** The numbers of the first x.y.z in `text`, or null. */
export function parseVersion(text) {
  const match = /(\d+)\.(\d+)\.(\d+)/.exec(text);
  return match === null ? null : match.slice(1).map(Number);
}

/** True when `version` is at least the oldest that works. */
export function isNewEnough(version) {
  return version !== null && compare(version, OLDEST_NATS_SERVER) >= 0;
}

function compare(a, b) {
  const differing = a.findIndex((part, i) => part !== b[i]);
  return differing === -1 ? 0 : a[differing] - b[differing];
}

function findOnPath(path) {
  // npm puts node_modules/.bin on the PATH, where only our own link can be.
  const folders = path.split(delimiter).filter((folder) => folder !== "" && !folder.includes("node_modules"));
  return folders.map((folder) => join(folder, "nats-server")).find((file) => existsSync(file)) ?? null;
}

/** A cached server was asked for its version before it was moved into the cache, so here its folder's name is enough. */
export function findCached(cache) {
  if (!existsSync(cache)) return null;
  const found = readdirSync(cache)
    .filter((name) => /^nats-server-\d+\.\d+\.\d+$/.test(name)) // A half-made folder has a fourth number, its maker's pid.
    .map((name) => ({ version: parseVersion(name), file: join(cache, name, "nats-server") }))
    .filter(({ version, file }) => isNewEnough(version) && existsSync(file))
    .sort((a, b) => compare(b.version, a.version));
  return found[0]?.file ?? null;
}

/**
 * Links the server beside our other programs, so that a single test run by hand finds the same one. A convenience only:
 * in a clone that belongs to somebody else it is left out.
 */
export function linkServer(binFolder, server) {
  const link = join(binFolder, "nats-server");
  if (existsSync(link) && realpathSync(link) === realpathSync(server)) return;
  const aside = `${link}.${process.pid}`; // Renamed into place, because another start may be doing the same.
  try {
    symlinkSync(server, aside);
    renameSync(aside, link);
  } catch (error) {
    if (!["EACCES", "EPERM", "EROFS"].includes(error.code)) throw error;
  }
}
