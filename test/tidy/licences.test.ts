import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { lockedPackages, ROOT, readJson, readText } from "./tree.ts";

const PERMISSIVE = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "ISC",
  "MIT",
  "Python-2.0",
  "Unlicense",
]);

/** May be used to build and test, but is not shipped. */
const ONLY_FOR_DEVELOPMENT = new Set(["MPL-2.0"]);

test("every package has a permissive licence", () => {
  const packages = lockedPackages();
  assert.ok(packages.size > 50, `saw only ${packages.size} packages`);
  const unfit = [...packages].flatMap(([path, entry]) => {
    const licence = entry.license ?? licenceOnDisk(path);
    return isFit(licence, entry.dev === true) ? [] : [`${path}: ${licence}`];
  });
  assert.deepEqual(unfit, []);
});

/** Older packages state their licence in a form that the lockfile does not repeat. */
function licenceOnDisk(path: string): string {
  const manifest = join(path, "package.json");
  if (!existsSync(join(ROOT, manifest))) return "none";
  const { license, licenses } = readJson<{ license?: unknown; licenses?: readonly { type?: string }[] }>(manifest);
  return typeof license === "string" ? license : (licenses?.[0]?.type ?? "none");
}

/** Reads `A OR (B AND C)`: one of the alternatives must be fit as a whole. */
function isFit(licence: string, isDev: boolean): boolean {
  const fits = (name: string) => PERMISSIVE.has(name) || (isDev && ONLY_FOR_DEVELOPMENT.has(name));
  const alternatives = licence.replace(/[()]/g, "").split(" OR ");
  return alternatives.some((parts) => parts.split(" AND ").every(fits));
}

test("a licence expression is fit when one of its alternatives is", () => {
  const rows = [
    ["MIT", false, true],
    ["(MIT OR GPL-3.0)", false, true],
    ["MIT AND GPL-3.0", false, false],
    ["MPL-2.0", false, false],
    ["MPL-2.0", true, true],
    ["none", true, false],
  ] as const;
  for (const [licence, isDev, expected] of rows) assert.equal(isFit(licence, isDev), expected, licence);
});

/** Packages that bring an install script, and why they work without it. */
const SCRIPTS_WE_DO_NOT_RUN = new Map([
  ["node_modules/cpu-features", "native speed-up of ssh2, which does without"],
  ["node_modules/protobufjs", "only warns about the version range of whoever depends on it"],
  ["node_modules/ssh2", "builds a native speed-up and has a JavaScript one; we never reach Docker over ssh"],
]);

test("no runtime dependency needs an install script, and none is ever run", () => {
  const scripted = [...lockedPackages()].filter(([, entry]) => entry.hasInstallScript && !entry.dev);
  const paths = scripted.map(([path]) => path);
  assert.deepEqual(paths.sort(), [...SCRIPTS_WE_DO_NOT_RUN.keys()].sort());
  assert.match(readText(".npmrc"), /^ignore-scripts=true$/m);
  assert.match(readText("infra/bootstrap/dependencies.mjs"), /"--ignore-scripts"/);
});
