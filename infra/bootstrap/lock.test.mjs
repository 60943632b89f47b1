import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { withLock } from "./lock.mjs";

const folder = mkdtempSync(join(tmpdir(), "muster-lock-"));
/** Every contender needs the pid of a living process. */
const living = [1, 2, 3].map(() => spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]));

after(() => {
  for (const child of living) child.kill();
  rmSync(folder, { recursive: true });
});

/** A pid that belonged to a process which has ended. */
const deadPid = () => spawnSync(process.execPath, ["-e", ""]).pid;

test("of many contenders one works at a time, and all get their turn", async () => {
  const path = join(folder, "busy");
  let inside = 0;
  let most = 0;
  const turns = [];
  const contender = (pid) =>
    withLock(path, { withinMs: 30_000, pid }, async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
      turns.push(pid);
    });
  await Promise.all(living.map(({ pid }) => contender(pid)));
  assert.equal(most, 1);
  assert.equal(turns.length, 3);
  assert.equal(existsSync(path), false);
});

test("the lock of a dead process is taken over", async () => {
  const path = join(folder, "stale");
  mkdirSync(path);
  writeFileSync(join(path, String(deadPid())), "");
  const owners = await withLock(path, { withinMs: 1_000 }, async () => readdirSync(path));
  assert.deepEqual(owners, [String(process.pid)]);
});

test("a living holder is waited for, then named with what to do", async () => {
  const path = join(folder, "held");
  mkdirSync(path);
  writeFileSync(join(path, String(living[0].pid)), "");
  let waits = 0;
  const late = withLock(path, { withinMs: 0, onWait: () => waits++ }, async () => assert.fail("it was held"));
  await assert.rejects(late, (error) => error.message.includes(`delete ${path}`));
  assert.equal(waits, 1);
  assert.deepEqual(readdirSync(folder), ["held"]);
});

test("work that throws releases the lock", async () => {
  const path = join(folder, "thrown");
  const broken = withLock(path, { withinMs: 0 }, async () => {
    throw new Error("broken");
  });
  await assert.rejects(broken, /broken/);
  assert.equal(existsSync(path), false);
});
