import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bootId, readStat } from "../host/proc.ts";
import { workDirectory } from "../testing/documents.ts";
import { openIdentity } from "./identity.ts";
import { lockDirectory } from "./lock.ts";

const boot = bootId();

test("a directory is held by one process and free after it was given back", () => {
  const workDir = workDirectory();
  const unlock = lockDirectory(workDir, boot);
  assert.throws(() => lockDirectory(workDir, boot), new RegExp(`in use by process ${process.pid}`));
  unlock();
  lockDirectory(workDir, boot)();
  assert.ok(!existsSync(join(workDir, "lock")));
});

for (const { name, holder } of [
  { name: "a pid that is gone", holder: { pid: 4_194_000, startTime: "1", boot } },
  { name: "a pid that another process has now", holder: { pid: process.pid, startTime: "1", boot } },
  {
    name: "an earlier boot",
    holder: { pid: process.pid, startTime: readStat(process.pid)?.startTime, boot: "another" },
  },
  { name: "nobody, its text being broken", holder: "{" },
]) {
  test(`a lock left by ${name} is taken over`, () => {
    const workDir = workDirectory();
    writeFileSync(join(workDir, "lock"), typeof holder === "string" ? holder : JSON.stringify(holder));
    lockDirectory(workDir, boot)();
    assert.deepEqual(readdirSync(workDir).sort(), ["control", "instances"]);
  });
}

test("of many that find a stale lock together one gets it", async (t) => {
  const workDir = workDirectory();
  writeFileSync(join(workDir, "lock"), JSON.stringify({ pid: 4_194_000, startTime: "1", boot }));
  const script = `import { lockDirectory } from ${JSON.stringify(new URL("./lock.ts", import.meta.url).href)};
    try { lockDirectory(${JSON.stringify(workDir)}, ${JSON.stringify(boot)}); process.stdout.write("held"); process.stdin.resume(); } catch { process.stdout.write("refused"); }`;
  const children = Array.from({ length: 6 }, () =>
    spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["pipe", "pipe", "inherit"] }),
  );
  t.after(() => {
    for (const child of children) child.kill("SIGKILL");
  });
  const said = await Promise.all(
    children.map(
      (child) => new Promise<string>((resolve) => child.stdout.once("data", (data) => resolve(String(data)))),
    ),
  );
  assert.equal(said.filter((text) => text === "held").length, 1, said.join(" "));
});

test("each start counts one more and has a nonce of its own; the directory's life stays", () => {
  const workDir = workDirectory();
  const first = openIdentity(workDir);
  const second = openIdentity(workDir);
  assert.deepEqual([first.incarnation, second.incarnation], [1, 2]);
  assert.equal(second.life, first.life);
  assert.notEqual(second.nonce, first.nonce);
});

test("an incarnation outgrows one that was registered by another copy of the directory", () => {
  const workDir = workDirectory();
  const identity = openIdentity(workDir);
  identity.outgrow(7);
  assert.equal(identity.incarnation, 8);
  identity.outgrow(3);
  assert.equal(identity.incarnation, 8);
  assert.equal(openIdentity(workDir).incarnation, 9);
});
