import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";

const handOver = new URL("./hand-over.mjs", import.meta.url).href;

/** A process that hands over to `script` and ends as it does. Its output tells when the script has begun. */
function start(script) {
  const outer = `import { handOver } from ${JSON.stringify(handOver)};
    process.exit(await handOver(process.execPath, ["-e", ${JSON.stringify(script)}], {}));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", outer], { stdio: ["ignore", "pipe", "ignore"] });
  const begun = new Promise((resolve) => child.stdout.once("data", resolve));
  const ended = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
  return { child, begun, ended };
}

test("the exit code of the program becomes ours, and a signal becomes 128 + its number", async () => {
  assert.equal(await start("process.exit(7)").ended, 7);
  assert.equal(await start("process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000)").ended, 137);
});

test("a signal sent to us reaches the program, and we wait for it to end", async () => {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
    const script = `process.on("${signal}", () => setTimeout(() => process.exit(5), 50));
      setInterval(() => {}, 1000); console.log("begun");`;
    const { child, begun, ended } = start(script);
    await begun;
    child.kill(signal);
    assert.equal(await ended, 5, signal);
  }
});
