import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MusterError } from "../errors.ts";
import { parseDocument } from "./json.ts";
import { scanJson } from "./json-scan.ts";

function refusal(input: string | Uint8Array, maxBytes?: number): MusterError {
  try {
    parseDocument(input, maxBytes === undefined ? {} : { maxBytes });
  } catch (error) {
    assert.ok(error instanceof MusterError, `threw ${error}`);
    return error;
  }
  assert.fail(`accepted ${String(input).slice(0, 60)}`);
}

const MALFORMED: [text: string, message: string][] = [
  ['{"a": 1 "b": 2}', "Expected ',' or '}' after property value at line 1, column 9"],
  ['{\n  "id": "x"\n  "y"', "Expected ',' or '}' after property value at line 3, column 3"],
  ["[1,]", "Expected a value, got ']' at line 1, column 4"],
  ["[1 2]", "Expected ',' or ']' after array element at line 1, column 4"],
  ['{"a" 1}', "Expected ':' after property name at line 1, column 6"],
  ['{"a":}', "Expected a value, got '}' at line 1, column 6"],
  ["{", "Expected property name or '}' at line 1, column 2"],
  ["{'a': 1}", "Expected property name or '}' at line 1, column 2"],
  ['{"a": 1,\n}', "Expected double-quoted property name at line 2, column 1"],
  ['["abc', "Unterminated string at line 1, column 2"],
  ['["a\nb"]', "Line breaks and control characters in strings must be escaped at line 1, column 4"],
  ['["a\\qb"]', "Bad escape sequence in string at line 1, column 4"],
  ["[01]", "Malformed number at line 1, column 2"],
  ["[1.]", "Malformed number at line 1, column 2"],
  ["[-]", "Malformed number at line 1, column 2"],
  ["[NaN]", "Expected a value, got 'N' at line 1, column 2"],
  ["[1", "Expected ',' or ']' after array element at line 1, column 3"],
  ["{} {}", "Expected the end of the document, got '{' at line 1, column 4"],
  ["\r\n[\r\n 1,,\r\n]", "Expected a value, got ',' at line 3, column 4"],
  ["[😀]", "Expected a value, got '😀' at line 1, column 2"],
];
for (const [text, message] of MALFORMED) {
  test(`malformed ${JSON.stringify(text)} is answered with what was expected and where`, () => {
    const error = refusal(text);
    assert.equal(error.code, "json.malformed");
    assert.equal(error.message, message);
    const [problem] = error.problems;
    assert.equal(`${problem?.message} at line ${problem?.line}, column ${problem?.column}`, message);
    assert.equal(problem?.path, "");
  });
}

const REFUSED: [name: string, input: string | Uint8Array, code: string, message: RegExp][] = [
  ["nothing", "", "document.empty", /nothing was sent/],
  ["white space", new TextEncoder().encode(" \r\n\t"), "document.empty", /nothing was sent/],
  ["a byte order mark alone", "\uFEFF", "document.empty", /nothing was sent/],
  ["a megabyte and one byte", " ".repeat(1_000_001), "document.too-large", /1000001 bytes, 1000000 are allowed/],
  ["few letters with many bytes", `["${"€".repeat(400_000)}"]`, "document.too-large", /1200004 bytes/],
  ["many bytes", new Uint8Array(1_000_001), "document.too-large", /1000001 bytes/],
  [
    "Latin-1",
    Uint8Array.from([0x22, 0x61, 0xe9, 0x22]),
    "json.malformed",
    /not UTF-8 text\. The first wrong byte is number 3/,
  ],
  ["UTF-16", Uint8Array.from([0xff, 0xfe, 0x7b, 0x00]), "json.malformed", /looks like UTF-16/],
  ["65 levels", "[".repeat(65) + "]".repeat(65), "document.too-deep", /more than 64 levels deep at line 1, column 65/],
  [
    "the key __proto__",
    '{"a":[{"__proto__":{}}]}',
    "document.forbidden-key",
    /^\/a\(0\)\/__proto__ \(line 1, column 20\)/,
  ],
  ["an escaped __proto__", '{"\\u005f_proto__":1}', "document.forbidden-key", /__proto__/],
  ["the key constructor", '{"env":{"constructor":1}}', "document.forbidden-key", /^\/env\/constructor/],
  ["the key prototype", '{"prototype":1}', "document.forbidden-key", /^\/prototype/],
];
for (const [name, input, code, message] of REFUSED) {
  test(`${name} is refused as ${code}`, () => {
    const error = refusal(input);
    assert.equal(error.code, code);
    assert.match(error.message, message);
  });
}

test("64 levels are read", () => {
  assert.doesNotThrow(() => parseDocument("[".repeat(64) + "]".repeat(64)));
});

test("brackets in strings do not count as levels", () => {
  assert.doesNotThrow(() => parseDocument(`["${'[\\"'.repeat(1_000)}"]`));
});

test("nesting of 100,000 levels is refused at once", () => {
  for (const text of ["[".repeat(100_000), '{"a":'.repeat(100_000), `${"[".repeat(100_000)}${"]".repeat(100_000)}`]) {
    const startedAtMs = performance.now();
    assert.equal(refusal(text).code, "document.too-deep");
    assert.ok(performance.now() - startedAtMs < 200);
  }
});

test("a caller may set another limit of bytes", () => {
  assert.equal(refusal('{"a":1}', 6).code, "document.too-large");
});

test("a byte order mark is dropped", () => {
  assert.deepEqual(parseDocument('\uFEFF{"a":1}').value, { a: 1 });
  assert.deepEqual(parseDocument(Uint8Array.from([0xef, 0xbb, 0xbf, 0x5b, 0x5d])).value, []);
});

test("forbidden names are fine as values", () => {
  assert.deepEqual(parseDocument('{"cmd":"echo constructor \\u005f"}').value, { cmd: "echo constructor _" });
});

test("locate answers where a value stands, and null where there is none", () => {
  const { locate } = parseDocument('{\n  "a": [1,\n    {"b\\u0063": true}]\n}');
  assert.deepEqual(locate([]), { line: 1, column: 1 });
  assert.deepEqual(locate(["a"]), { line: 2, column: 8 });
  assert.deepEqual(locate(["a", 1, "bc"]), { line: 3, column: 17 });
  for (const path of [["b"], ["a", 2], ["a", 0, "x"], ["a", "0"]]) assert.equal(locate(path), null);
});

test("of keys that stand twice the last wins, with a warning that says where", () => {
  const document = parseDocument('{"env": {"A": "1",\n "A": "2"}}');
  assert.deepEqual(document.value, { env: { A: "2" } });
  assert.deepEqual(document.warnings(), [
    { path: "/env/A", message: '"A" stands twice in this object: the last one counts', line: 2, column: 2 },
  ]);
  assert.deepEqual(document.locate(["env", "A"]), { line: 2, column: 7 });
});

const NOISE = [...'{}[]",:\\u0 \n-+1.5eE', "true", "null", "\\n", "é", "\u0001"];

test("our reader accepts exactly what JSON.parse accepts", () => {
  const mutated = fc
    .tuple(fc.json(), fc.array(fc.tuple(fc.nat(), fc.constantFrom(...NOISE)), { maxLength: 3 }))
    .map(([text, edits]) =>
      edits.reduce((left, [where, noise]) => {
        const at = where % (left.length + 1);
        return left.slice(0, at) + noise + left.slice(at + (where % 2));
      }, text),
    );
  const accepts = (read: (text: string) => unknown, text: string): boolean => {
    try {
      read(text);
      return true;
    } catch {
      return false;
    }
  };
  const noise = fc.array(fc.constantFrom(...NOISE)).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(mutated, noise), (text) => {
      assert.equal(accepts(scanJson, text), accepts(JSON.parse, text));
    }),
    { numRuns: 3_000 },
  );
});

test("a document is read to the same value as JSON.parse reads, or refused with an error from the catalogue", () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      try {
        assert.deepEqual(parseDocument(text).value, JSON.parse(text));
      } catch (error) {
        assert.ok(error instanceof MusterError);
      }
    }),
  );
});
