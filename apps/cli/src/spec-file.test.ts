import assert from "node:assert/strict";
import { test } from "node:test";
import { MusterError } from "@muster/contracts";
import { screenOf } from "@muster/terminal";
import { errorLines } from "./errors.ts";
import { pathParts, readSource, specOf } from "./spec-file.ts";

const screen = screenOf({ write: () => undefined }, { env: {} });

test("JSON is sent as it was written, even when it is broken: the server says where", async () => {
  const text = '{\n  "id": "/hello",\n  "cpus": 0.5 // half\n}';
  assert.deepEqual(await specOf({ name: "hello.json", text }).then(({ body, id }) => [body, id]), [text, null]);
  assert.equal((await specOf({ name: "hello.json", text: '{"id":"hello"}' })).id, "hello");
});

for (const [name, text] of [
  ["hello.yaml", '{"id": "/hello"}'],
  ["hello.yml", "id: /hello"],
  ["stdin", "# an app\nid: /hello"],
  ["spec", "id: /hello"],
] as const)
  test(`${name} with ${JSON.stringify(text)} is read as YAML`, async () => {
    const spec = await specOf({ name, text });
    assert.deepEqual([spec.body, spec.id], ['{"id":"/hello"}', "/hello"]);
  });

test("problems of a YAML file point at its own lines, a missing field at what it is missing in", async () => {
  const text = "id: /hello\ncpus: lots\nhealthChecks:\n  - protocol: TCP\n    port: many\n";
  const spec = await specOf({ name: "hello.yaml", text });
  const answered = new MusterError("spec.invalid", "the app is not valid at line 1, column 23", {
    problems: [
      { path: "/cpus", message: "expected a number, got text", line: 1, column: 23 },
      { path: "/healthChecks(0)/port", message: "expected a number" },
      { path: "/healthChecks(0)/path", message: "is missing" },
    ],
  });
  const error = spec.locate(answered) as MusterError;
  assert.equal(error.message, "the app is not valid");
  assert.deepEqual(
    error.problems.map(({ line, column }) => [line, column]),
    [
      [2, 7],
      [5, 11],
      [4, 5],
    ],
  );
});

test("a YAML file that cannot be read says where", async () => {
  await assert.rejects(specOf({ name: "hello.yaml", text: "id: /hello\nid: /other\n" }), /twice.*line 2/);
});

test("an error shows the line it is about and points at the place", () => {
  const error = new MusterError("spec.invalid", "the app is not valid", {
    problems: [{ path: "/cpus", message: "expected a number, got text", line: 3, column: 11 }],
  });
  assert.deepEqual(
    errorLines(error, screen, { name: "hello.json", text: '{\n  "id": "/hello",\n  "cpus": "lots"\n}' }),
    [
      "✗ hello.json: 1 problem",
      "  3:11  /cpus  expected a number, got text",
      '    3 │   "cpus": "lots"',
      "      │           ^",
    ],
  );
});

test("what the message says already is not said again", () => {
  const error = new MusterError("json.malformed", "Expected ',' at line 1, column 2", {
    problems: [{ path: "", message: "Expected ','", line: 1, column: 2 }],
  });
  assert.deepEqual(errorLines(error, screen, { name: "x.json", text: "{x" }), [
    "✗ x.json: Expected ',' at line 1, column 2",
    "    1 │ {x",
    "      │  ^",
  ]);
});

test("only errors about the document name the file", () => {
  const error = new MusterError("nats.unreachable", "nobody there");
  assert.deepEqual(errorLines(error, screen, { name: "x.json", text: "{}" }), ["✗ nobody there"]);
});

test("a locked app says how to overtake the deployment that holds it", () => {
  const error = new MusterError("app.locked", "App is locked", { deployments: ["d1"] });
  assert.match(errorLines(error, screen).join("\n"), /overtake it with --force/);
});

test("paths are read as Marathon writes them", () => {
  assert.deepEqual(pathParts("/healthChecks(1)/port"), ["healthChecks", 1, "port"]);
  assert.deepEqual(pathParts(""), []);
  assert.deepEqual(pathParts("(0)/id"), [0, "id"]);
});

test("a file that is not there is a mistake of the command line", async () => {
  await assert.rejects(readSource("/no/such/file.json"), {
    name: "UsageError",
    message: "there is no file /no/such/file.json",
  });
  await assert.rejects(readSource("/"), { name: "UsageError" });
});
