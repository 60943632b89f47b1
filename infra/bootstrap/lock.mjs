// A lock between processes of one machine: a folder that holds one file, named after its owner's pid.
//
// The folder is prepared aside and renamed into place. A rename onto a folder succeeds only where that folder is empty or
// absent, so exactly one contender wins. A dead owner's file is removed by its own name, which can never hit a living owner.

import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Refusal } from "./progress.mjs";

const POLL_MS = 200;

/** Runs `work` while holding the lock at `path`. Waits for a living holder for `withinMs`, then refuses. */
export async function withLock(path, { withinMs, onWait = () => {}, pid = process.pid }, work) {
  const deadlineMs = Date.now() + withinMs;
  let told = false;
  while (!tryTake(path, pid)) {
    if (!told) onWait();
    told = true;
    if (Date.now() > deadlineMs) {
      throw new Refusal(`Another start has been busy for ${withinMs / 1000} s. If none is running, delete ${path}.`);
    }
    await sleep(POLL_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(join(path, String(pid)), { force: true });
    removeIfEmpty(path);
  }
}

function tryTake(path, pid) {
  for (const owner of owners(path)) {
    if (!isAlive(Number(owner))) rmSync(join(path, owner), { force: true });
  }
  const aside = `${path}.${pid}`;
  mkdirSync(aside, { recursive: true });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(join(aside, String(pid)), "");
  try {
    renameSync(aside, path);
    return true;
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    if (error.code === "ENOTEMPTY" || error.code === "EEXIST") return false;
    throw error;
  }
}

function owners(path) {
  try {
    return readdirSync(path);
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
}

function removeIfEmpty(path) {
  try {
    rmdirSync(path);
  } catch (error) {
    // The next holder may have moved in between: then the folder is theirs.
    if (error.code !== "ENOTEMPTY" && error.code !== "ENOENT") throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
