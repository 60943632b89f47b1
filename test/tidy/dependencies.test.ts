import assert from "node:assert/strict";
import { test } from "node:test";
import { dependenciesOf, type Manifest, manifests, readJson, readText } from "./tree.ts";

const root = readJson<Manifest>("package.json");

test("every dependency is pinned to one version", () => {
  const all = [...manifests()].flatMap(([path, manifest]) =>
    Object.entries(dependenciesOf(manifest)).map(([name, version]) => ({ path, name, version })),
  );
  assert.ok(all.length >= Object.keys(root.dependencies ?? {}).length, `saw only ${all.length} dependencies`);
  const loose = all.filter(({ version }) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version));
  assert.deepEqual(loose, []);
});

test("CONTRIBUTING.md gives a reason for every dependency and for nothing else", () => {
  const [, section = ""] = readText("CONTRIBUTING.md").split(/^## Dependencies$/m);
  const rows = section.matchAll(/^\| `([^`]+)` +\| (.*\S) *\|$/gm);
  const reasons = new Map([...rows].map((row) => [row[1]!, row[2]!]));
  assert.deepEqual([...reasons.keys()].sort(), Object.keys(dependenciesOf(root)).sort());
  for (const [name, reason] of reasons) assert.ok(reason.length > 15, `${name} has no reason`);
});

test("the lockfile was made from this package.json", () => {
  const locked = readJson<{ packages: Record<string, Manifest> }>("package-lock.json").packages[""];
  assert.deepEqual(dependenciesOf(locked!), dependenciesOf(root));
});

test("npm scripts replace their shell, so that a signal sent to npm reaches the program", () => {
  const { scripts } = readJson<{ scripts: Record<string, string> }>("package.json");
  for (const name of ["test", "ok", "bench"]) assert.equal(scripts[name], `exec node infra/bootstrap/run.mjs ${name}`);
  assert.match(scripts.start ?? "", / prepare && exec /);
});
