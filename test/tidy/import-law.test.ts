import assert from "node:assert/strict";
import { dirname } from "node:path";
import { test } from "node:test";
import { breaches, packageOf } from "./import-law.ts";
import { isCode, manifests, readText, trackedFiles } from "./tree.ts";

const packages = new Map(
  [...manifests()].filter(([path]) => packageOf(path) !== "").map(([path, { name }]) => [name, dirname(path)]),
);

/** Fewer means that the search is broken, not that the tree is clean. */
const FEWEST_FILES = 100;

test("every module keeps the import law", () => {
  const files = trackedFiles().filter(isCode);
  assert.ok(files.length >= FEWEST_FILES, `saw only ${files.length} files`);
  for (const library of ["contracts", "core", "runtime", "testkit"]) {
    assert.ok(packages.has(`@muster/${library}`), `did not see libs/${library}`);
    assert.ok(
      files.some((file) => file.startsWith(`libs/${library}/src/`)),
      `saw no file of ${library}`,
    );
  }
  const found = files.flatMap((path) => breaches({ path, source: readText(path) }, packages));
  assert.deepEqual(found, []);
});

const up = (levels: number) => "../".repeat(levels); // A relative import spelled out here would be found by the test above.

const PLANTED: readonly (readonly [path: string, source: string, expected: RegExp | null])[] = [
  ["libs/core/src/a.ts", `import { Ask } from "@muster/contracts";`, null],
  ["libs/core/src/a.ts", `import { log } from "@muster/runtime/log";`, /may not import libs\/runtime/],
  ["libs/core/src/a.ts", `import fs from "node:fs";`, /node:fs/],
  ["libs/core/src/a.ts", `import { RE2JS } from "re2js";`, null],
  ["libs/core/src/a.ts", `import type {\n  Kv,\n} from "@nats-io/kv";`, /a\.ts:3 .*@nats-io/],
  ["libs/core/src/a.ts", "const at = Date.now();", /uses the clock/],
  ["libs/core/src/a.ts", "const text = `at $" + "{new Date()}`;", /uses the clock/],
  ["libs/core/src/a.ts", "const text = new Date(atMs).toISOString();", null],
  ["libs/core/src/a.ts", "const now = new Date;", /uses the clock/],
  ["libs/core/src/a.ts", "const text = Date();", /uses the clock/],
  ["libs/core/src/a.ts", "const startedMs = performance.now();", /the clock/],
  ["libs/core/src/a.ts", "const die = Math.random();", /dice/],
  ["libs/core/src/a.ts", "const a = process.env.HOME;", /the process/],
  ["libs/core/src/a.ts", "setTimeout(() => {}, 5);", /timers/],
  ["libs/core/src/a.ts", "// Date.now() has no place here\nconst url = 'a//b'; /* process.env */", null],
  ["libs/core/src/a.ts", "const updated = agent.process.pid + lastDate.length;", null],
  ["libs/core/src/a.test.ts", `import test from "node:test";\nDate.now();`, null],
  ["libs/contracts/src/a.ts", `import { z } from "zod";`, null],
  ["libs/contracts/src/a.ts", `export * from "@muster/core";`, /may not import libs\/core/],
  ["libs/contracts/src/a.ts", `import fs from "node:fs";`, /the runtime touches the world/],
  ["libs/runtime/src/a.ts", `import { decide } from "@muster/core";`, /may not import libs\/core/],
  ["libs/testkit/src/a.ts", `import { decide } from "@muster/core";`, null],
  ["libs/testkit/src/a.ts", `import { life } from "@muster/agent";`, /may not import services\/agent/],
  ["services/agent/src/a.ts", `import { decide } from "@muster/core";`, null],
  ["services/agent/src/a.ts", `import { life } from "@muster/health";`, /may not import services\/health/],
  ["services/agent/src/a.ts", `const life = await import("@muster/health");`, /may not import services\/health/],
  ["services/agent/src/a.ts", `import { until } from "@muster/testkit";`, /may not import libs\/testkit/],
  ["services/agent/src/a.ts", `import { pick } from "${up(3)}libs/core/src/pick.ts";`, /relative path/],
  ["services/agent/src/a.test.ts", `import "${up(2)}health/src/life.ts";`, /reaches into services\/health/],
  ["services/agent/src/a.ts", `import { life } from "./b/life.ts";`, null],
  ["services/agent/src/testing/a.ts", `import { until } from "@muster/testkit";`, null],
  ["services/agent/src/a.test.ts", `import { cluster } from "./testing/a.ts";`, null],
  ["services/agent/src/a.ts", `import { cluster } from "./testing/a.ts";`, /which is for tests/],
  ["services/standalone/src/a.ts", `import { life } from "@muster/health";`, null],
  ["services/standalone/src/a.ts", `import { table } from "@muster/terminal";`, null],
  ["services/standalone/src/a.ts", `import { until } from "@muster/testkit";`, /may not import libs\/testkit/],
  ["apps/cli/src/a.ts", `import { connect } from "@muster/runtime";`, null],
  ["apps/web/src/a.ts", `import { table } from "@muster/terminal";`, null],
  ["apps/cli/src/a.ts", `import { request } from "@muster/client";`, null],
  ["services/agent/src/a.ts", `import { request } from "@muster/client";`, /may not import libs\/client/],
  ["libs/terminal/src/a.ts", `import { connect } from "@muster/runtime";`, /may not import libs\/runtime/],
  ["apps/cli/src/a.ts", `import { decide } from "@muster/core";`, /may not import libs\/core/],
  ["test/e2e/a.test.ts", `import { decide } from "@muster/core";`, null],
  ["test/e2e/a.test.ts", `import { decide } from "${up(2)}libs/core/src/index.ts";`, /relative path/],
];

test("the checker tells lawful modules from planted breaches", () => {
  for (const [path, source, expected] of PLANTED) {
    const found = breaches({ path, source }, packages);
    if (expected === null) assert.deepEqual(found, [], source);
    else assert.match(found.join("\n"), expected, source);
  }
});
