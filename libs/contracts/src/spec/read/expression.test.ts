import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { arbitraryExpression } from "../arbitrary-placement.ts";
import type { Expression } from "../placement.ts";
import { parseExpression, renderExpression } from "./expression.ts";

const glob = (text: string) => ({ type: "glob", text }) as const;
const regex = (text: string) => ({ type: "regex", text }) as const;

const READ: [text: string, ...parts: [string, Expression["operator"], Expression["pattern"], isSoft?: boolean]][] = [
  ["storage==ssd", "storage", "==", glob("ssd")],
  ["node!=n1*", "node", "!=", glob("n1*")],
  ["region==~/eu-.+/", "region", "==", regex("eu-.+"), true],
  ["@zone!=~a?", "@zone", "!=", glob("a?"), true],
  ["constraint:storage==ssd", "storage", "==", glob("ssd")],
  [" storage == ~ ssd ", "storage", "==", glob("ssd"), true],
  ["path==/dev/sda", "path", "==", glob("/dev/sda")],
  ["path==/", "path", "==", glob("/")],
  ["path==//dev/sd.//", "path", "==", regex("/dev/sd./")],
  ["span==[1-5]", "span", "==", glob("[1-5]")],
  ["acme/disk==a==b", "acme/disk", "==", glob("a==b")],
  ["rack==/(?i)R1/", "rack", "==", regex("(?i)R1")],
];
for (const [text, field, operator, pattern, isSoft = false] of READ) {
  test(`the expression ${JSON.stringify(text)} is read`, () =>
    assert.deepEqual(parseExpression(text), { value: { field, operator, pattern, isSoft } }));
}

const REFUSED: [text: string, fault: RegExp][] = [
  ["", /^"" has no operator: expected == or !=, as in "storage==ssd"/],
  ["storage=ssd", /has no operator/],
  ["storage", /has no operator/],
  ["storage~=ssd", /has no operator/],
  ["==ssd", /^"" is no name of an attribute/],
  ["a b==c", /^"a b" is no name of an attribute/],
  ["@rack==r1", /^there is no field "@rack": expected @hostname, @region, @zone or the name/],
  ["__proto__==a", /is no name of an attribute/],
  ["storage==", /^expected a value after the operator/],
  ["storage==~", /^expected a value/],
  ["storage==//", /^expected a value/],
  ["storage===ssd", /^expected == or != and perhaps one ~/],
  ["storage!==ssd", /^expected == or !=/],
  ["storage==~~ssd", /perhaps one ~/],
  ["storage==/(/", /missing|paren/i],
  ["storage==/(?<=a)b/", /./],
  ["affinity:container==db", /^affinities to apps stand in placement.affinity/],
  [`a==${"b".repeat(4_097)}`, /^the pattern has 4097 characters, at most 4096 are taken/],
  [`a==/${"b".repeat(4_097)}/`, /^the regular expression has 4097 characters, at most 4096/],
];
for (const [text, fault] of REFUSED) {
  test(`the expression ${JSON.stringify(text.slice(0, 40))} is refused by what is wrong with it`, () => {
    const parsed = parseExpression(text);
    assert.ok("fault" in parsed, "was taken");
    assert.match(parsed.fault, fault);
    assert.ok(parsed.fault.length < 300);
  });
}

test("an expression survives being rendered and parsed", () => {
  fc.assert(
    fc.property(arbitraryExpression, (expression) =>
      assert.deepEqual(parseExpression(renderExpression(expression)), { value: expression }),
    ),
    { numRuns: 1_000 },
  );
});

test("any text is parsed or refused, never thrown at, and what is parsed survives being rendered", () => {
  const pieces = fc.array(fc.constantFrom(..."a rack @zone == != ~ / = ! * ? ( [ .+ constraint:".split(" "), " "), {
    maxLength: 10,
  });
  const texts = fc.oneof(
    pieces.map((parts) => parts.join("")),
    fc.string({ unit: "binary" }).map((text) => `rack==${text}`),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const parsed = parseExpression(text);
      if ("value" in parsed) assert.deepEqual(parseExpression(renderExpression(parsed.value)), parsed);
    }),
    { numRuns: 5_000 },
  );
});
