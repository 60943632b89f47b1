/** The specs that Muster's first users have on disk: `test/seed-apps` at the root of the repository. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { MusterError } from "../errors.ts";
import type { AppSpec } from "./app.ts";
import { parseDocument } from "./json.ts";
import { type ReadApp, readApp } from "./read.ts";

const SEEDS = new URL("../../../../test/seed-apps/", import.meta.url);
const parse = (name: string) => parseDocument(readFileSync(new URL(name, SEEDS)));

function read(name: string): ReadApp {
  const { value, locate } = parse(name);
  return readApp(value, { locate });
}

const READ: [file: string, line: number, spec: Partial<AppSpec>][] = [
  ["simple-app.json", 9, { id: "/ubuntu", cmd: "while sleep 10; do date -u %T; done", network: "host" }],
  ["redis-app.json", 4, { id: "/redis", cmd: null, network: "host", constraints: [] }],
  ["redis-unique-app.json", 4, { constraints: [{ field: "hostname", operator: "UNIQUE", value: null }] }],
  [
    "redis-bridge-app.json",
    7,
    { network: "bridge", constraints: [{ field: "rack", operator: "CLUSTER", value: "rack-2" }] },
  ],
  ["nginx-bridge-port-app.json", 13, { id: "/nginx", network: "bridge", portDefinitions: [] }],
];
for (const [file, line, expected] of READ) {
  test(`${file} is read as it was meant, with a warning for each old spelling`, () => {
    const { spec, warnings } = read(`corrected/${file}`);
    assert.deepEqual({ ...spec, ...expected, instances: 2, cpus: 0.25, mem: 256 }, spec);
    assert.deepEqual(warnings, [
      { path: "/instances", message: 'the text "2" was understood as the number 2', line, column: 16 },
      { path: "/cpus", message: 'the text "0.25" was understood as the number 0.25', line: line + 1, column: 11 },
      { path: "/memory", message: '"memory" was understood as "mem"', line: line + 2, column: 13 },
      { path: "/memory", message: 'the text "256" was understood as the number 256', line: line + 2, column: 13 },
    ]);
  });
}

test("the ports of the bridged seed apps are those of their mappings", () => {
  assert.deepEqual(read("corrected/nginx-bridge-port-app.json").spec.container?.portMappings, [
    { containerPort: 80, hostPort: 0, servicePort: 80, protocol: "tcp", name: null, labels: {} },
  ]);
  assert.deepEqual(read("corrected/redis-bridge-app.json").spec.container?.portMappings, [
    { containerPort: 0, hostPort: 0, servicePort: 0, protocol: "tcp", name: "default", labels: {} },
  ]);
});

test("the published file that lacks nothing is read like the corrected one", () => {
  assert.deepEqual(read("as-published/simple-app.json"), read("corrected/simple-app.json"));
});

const BROKEN: [file: string, line: number][] = [
  ["redis-app.json", 4],
  ["redis-unique-app.json", 4],
  ["redis-bridge-app.json", 7],
  ["nginx-bridge-port-app.json", 13],
];
for (const [file, line] of BROKEN) {
  test(`${file} as it was published is answered with the place where its comma is missing`, () => {
    const message = "Expected ',' or '}' after property value";
    assert.throws(
      () => parse(`as-published/${file}`),
      (error) => {
        assert.ok(error instanceof MusterError);
        assert.equal(error.code, "json.malformed");
        assert.equal(error.message, `${message} at line ${line}, column 3`);
        assert.deepEqual(error.problems, [{ path: "", message, line, column: 3 }]);
        return true;
      },
    );
  });
}
