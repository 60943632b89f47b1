import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MusterError } from "../errors.ts";
import { readApp } from "./read.ts";
import { parseYaml } from "./yaml.ts";

test("YAML is read to plain values, and positions are those of the text", () => {
  const { value, locate } = parseYaml("id: web\ncmd: |\n  sleep 1\nports:\n  - 80\n  - {a: 1}\n");
  assert.deepEqual(value, { id: "web", cmd: "sleep 1\n", ports: [80, { a: 1 }] });
  assert.deepEqual(locate(["ports", 1, "a"]), { line: 6, column: 9 });
  assert.equal(locate(["nothing"]), null);
});

test("JSON is YAML", () => {
  fc.assert(
    fc.property(fc.jsonValue({ depthSize: "small" }), (value) => {
      const text = JSON.stringify(value);
      fc.pre(!/__proto__|constructor|prototype|<</.test(text));
      assert.deepEqual(parseYaml(text).value, JSON.parse(text));
    }),
  );
});

test("anchors and merge keys work", () => {
  const { value } = parseYaml("base: &base {cpus: 1}\napp:\n  <<: *base\n  mem: 2\n");
  assert.deepEqual(value, { base: { cpus: 1 }, app: { cpus: 1, mem: 2 } });
});

test("a problem of the spec names the line of the YAML file", () => {
  const { value, locate } = parseYaml("id: web\ncmd: sleep 1\ninstances: many\n");
  assert.throws(
    () => readApp(value, { locate }),
    /^MusterError: \/instances: expected a whole number, .* \(line 3, column 12\)/,
  );
});

const LAUGHS = "a: &a [1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c]";
const REFUSED: [name: string, text: string, code: string, message: RegExp][] = [
  ["nothing", "\n", "document.empty", /nothing was sent/],
  ["a broken line", "a: b: c", "json.malformed", /at line 1, column 4/],
  ["two documents", "a: 1\n---\nb: 2", "json.malformed", /^Expected one document, another begins at line 2, column 1/],
  ["a key that stands twice", "a: 1\nb: 2\na: 3", "json.malformed", /"a" stands twice at line 3, column 1/],
  ["a list as a key", "? [a]\n: b", "json.malformed", /line 1/],
  ["an unknown alias", "a: *b", "json.malformed", /anchors and aliases/],
  ["a billion laughs", LAUGHS, "json.malformed", /anchors and aliases/],
  ["a list that holds itself", "a: &a [*a]", "document.too-deep", /64 levels/],
  ["the key __proto__", "a:\n  __proto__: {b: 1}", "document.forbidden-key", /^\/a\/__proto__ \(line 2, column 14\)/],
  ["65 brackets", `${"[".repeat(65)}${"]".repeat(65)}`, "document.too-deep", /line 1, column 65/],
  ["65 dashes in a line", `${"- ".repeat(65)}a`, "document.too-deep", /line 1, column 129/],
  [
    "65 indentations",
    `${Array.from({ length: 65 }, (_, i) => `${" ".repeat(i)}a:`).join("\n")} {b: 1}`,
    "document.too-deep",
    /64/,
  ],
];
for (const [name, text, code, message] of REFUSED) {
  test(`${name} is refused as ${code}`, () => {
    assert.throws(
      () => parseYaml(text),
      (error) => error instanceof MusterError && error.code === code && message.test(error.message),
    );
  });
}

test("hostile documents are answered in bounded time", () => {
  const hostile = [
    "[".repeat(999_999),
    "- ".repeat(499_999),
    Array.from({ length: 1_390 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"),
    Array.from({ length: 50_000 }, (_, i) => `k${i}: ${i}`).join("\n"),
    '"'.repeat(300_000),
    "&a ".repeat(100_000),
  ];
  for (const text of hostile) {
    const startedAtMs = performance.now();
    try {
      parseYaml(text);
    } catch (error) {
      assert.ok(error instanceof MusterError, `threw ${error}`);
    }
    assert.ok(performance.now() - startedAtMs < 5_000, `${text.slice(0, 20)} took long`);
  }
});

test("no text makes it throw anything but an error from the catalogue", () => {
  const noise = fc.array(
    fc.constantFrom(..."-?:,[]{}#&*!|>'\"%@` \n\ta1", "  ", "<<", "---", "...", ": ", "- ", "&a ", "*a "),
  );
  fc.assert(
    fc.property(noise, (parts) => {
      try {
        parseYaml(parts.join(""));
      } catch (error) {
        assert.ok(error instanceof MusterError, `threw ${error}`);
      }
    }),
    { numRuns: 1_000 },
  );
});
