import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MusterError } from "../errors.ts";
import { AppSpecSchema } from "./app.ts";
import { arbitrarySpec } from "./arbitrary-spec.ts";
import { parseDocument } from "./json.ts";
import { type ReadApp, readApp } from "./read.ts";
import { renderApp } from "./render.ts";
import { mergeAppUpdate } from "./update.ts";

const ABOUT = { version: 1_742_000_000_000 };

/** What is read, or null when it was refused as a person can be told; anything else thrown fails the test. */
function attempt(read: () => ReadApp): ReadApp | null {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof MusterError, `threw ${error instanceof Error ? error.stack : error}`);
    assert.ok(error.problems.length > 0);
    assert.ok(error.message.length < 1_000, "a message stays a message");
    return null;
  }
}

test("a spec survives being rendered, sent as JSON and read, without a warning", () => {
  fc.assert(
    fc.property(arbitrarySpec, (spec) => {
      const { value, locate } = parseDocument(JSON.stringify(renderApp(spec, ABOUT)));
      assert.deepEqual(readApp(value, { locate }), { spec, warnings: [] });
    }),
    { numRuns: 500 },
  );
});

test("random specs are specs", () => {
  fc.assert(fc.property(arbitrarySpec, (spec) => assert.deepEqual(AppSpecSchema.parse(spec), spec)));
});

test("an update that says nothing, or what already is, changes nothing", () => {
  fc.assert(
    fc.property(arbitrarySpec, (spec) => {
      assert.deepEqual(mergeAppUpdate(spec, {}), { spec, warnings: [] });
      assert.deepEqual(mergeAppUpdate(spec, renderApp(spec, ABOUT)), { spec, warnings: [] });
    }),
  );
});

test("no value at all makes the reader throw anything but an error from the catalogue", () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSparseArray: true,
  });
  fc.assert(
    fc.property(fc.oneof(anything, fc.jsonValue()), arbitrarySpec, (input, spec) => {
      attempt(() => readApp(input));
      attempt(() => mergeAppUpdate(spec, input));
    }),
    { numRuns: 500 },
  );
});

type Json = Record<string, unknown> | unknown[];
const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null;

/** Puts `noise` somewhere into `document`: `choices` say at which key on each level. */
function mutate(document: Json, choices: readonly number[], noise: unknown): void {
  const keys = Object.keys(document);
  const [choice = 0, ...others] = choices;
  const key = keys[choice % Math.max(1, keys.length)] ?? "0";
  const inner = (document as Record<string, unknown>)[key];
  if (others.length > 0 && isJson(inner) && Object.keys(inner).length > 0) mutate(inner, others, noise);
  else if (choice % 5 === 0) Reflect.deleteProperty(document, key);
  else (document as Record<string, unknown>)[key] = noise;
}

const OLD_FIELDS = [
  "memory",
  "ports",
  "uris",
  "ipAddress",
  "cpu",
  "container",
  "networks",
  "constraints",
  "healthChecks",
  "portDefinitions",
  "resources",
  "resourceLimits",
  "placement",
  "X-Fleet",
];
const NOISE = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    "",
    "5",
    "true",
    -1,
    0,
    1e300,
    0.5,
    true,
    [],
    {},
    [[]],
    [null],
    "a\0b",
    "\ud800",
    "x".repeat(5_000),
  ),
  fc.constantFrom<unknown>("BRIDGE", [{ mode: "host" }], [{ mode: "container/bridge" }], [{ containerPort: 80 }], {
    image: "nginx",
  }),
  fc.constantFrom<unknown>({ global: true }, { Global: "true", MachineID: ["n1"] }, { MachineOf: "/a" }, "/a*"),
  fc.constantFrom<unknown>({ any: 2 }, { fpga: 1, "a b": ["c"] }, { app: "../a", weight: 5 }, "a in (b)", "rack==~/b/"),
  fc.anything(),
);

test("whatever is done to a spec is refused, or read to a spec that survives being rendered and read", () => {
  const mutation = fc.tuple(fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), NOISE);
  const additions = fc.dictionary(fc.constantFrom(...OLD_FIELDS), NOISE, { maxKeys: 2 });
  fc.assert(
    fc.property(arbitrarySpec, fc.array(mutation, { maxLength: 3 }), additions, (spec, mutations, added) => {
      const document = { ...structuredClone(renderApp(spec, ABOUT)), ...added };
      for (const [choices, noise] of mutations) mutate(document, choices, noise);
      const read = attempt(() => readApp(document));
      if (read === null) return;
      assert.deepEqual(AppSpecSchema.parse(read.spec), read.spec);
      assert.deepEqual(readApp(renderApp(read.spec, ABOUT)), { spec: read.spec, warnings: [] });
    }),
    { numRuns: 3_000 },
  );
});

const LARGE: [name: string, input: unknown][] = [
  ["200,000 unknown fields", Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`field${i}`, i]))],
  ["300,000 constraints that are none", { id: "a", cmd: "b", constraints: Array(300_000).fill(0) }],
  ["an id of a megabyte", { id: "/a".repeat(500_000), cmd: "b" }],
  ["an id of a million steps", { id: "../a/".repeat(200_000), cmd: "b" }],
  ["a pattern of a megabyte", { id: "a", cmd: "b", constraints: [["a", "LIKE", "(".repeat(1_000_000)]] }],
  ["a selector of a megabyte", { id: "a", cmd: "b", placement: { affinity: "a in (b),".repeat(111_111) } }],
  [
    "a selector of parentheses",
    { id: "a", cmd: "b", placement: { affinity: "a in ".repeat(9) + "(".repeat(900_000) } },
  ],
  ["a selector of space", { id: "a", cmd: "b", placement: { affinity: `a${" ".repeat(900_000)}b` } }],
  ["an expression of a megabyte", { id: "a", cmd: "b", placement: { expressions: `a==/${"(".repeat(900_000)}/` } }],
  ["300,000 expressions", { id: "a", cmd: "b", placement: { expressions: Array(300_000).fill("a==b") } }],
  [
    "300,000 resources",
    { id: "a", cmd: "b", resources: Object.fromEntries(Array.from({ length: 300_000 }, (_, i) => [`r${i}`, 1])) },
  ],
  ["100,000 ports", { id: "a", cmd: "b", ports: Array(100_000).fill(80) }],
  [
    "100,000 numbers in the environment",
    { id: "a", cmd: "b", env: Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [i, i])) },
  ],
  ["a field name of a megabyte", { id: "a", cmd: "b", ["x".repeat(1_000_000)]: 1 }],
];
for (const [name, input] of LARGE) {
  test(`${name} are answered within five seconds`, () => {
    const startedAtMs = performance.now();
    attempt(() => readApp(input));
    assert.ok(performance.now() - startedAtMs < 5_000);
  });
}
