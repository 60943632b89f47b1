import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { arbitrarySelector } from "../arbitrary-placement.ts";
import type { LabelRequirement } from "../placement.ts";
import { matchesSelector, parseSelector, renderSelector } from "./selector.ts";

const is = (key: string, operator: LabelRequirement["operator"], ...values: string[]): LabelRequirement => ({
  key,
  operator,
  values,
});

const READ: [text: string, ...requirements: LabelRequirement[]][] = [
  ["tier=db", is("tier", "=", "db")],
  [" tier == db ", is("tier", "=", "db")],
  ["tier!=db", is("tier", "!=", "db")],
  ["tier=", is("tier", "=", "")],
  ["tier", is("tier", "exists")],
  ["! tier", is("tier", "!exists")],
  ["env in (prod, qa)", is("env", "in", "prod", "qa")],
  ["env notin(prod)", is("env", "notin", "prod")],
  ["env in (,)", is("env", "in", "")],
  ["env in (a,,a)", is("env", "in", "a", "")],
  ["in in (in)", is("in", "in", "in")],
  ["in", is("in", "exists")],
  ["example.com/tier=db", is("example.com/tier", "=", "db")],
  ["tier=db,env in (prod,qa),!legacy", is("tier", "=", "db"), is("env", "in", "prod", "qa"), is("legacy", "!exists")],
  [`${"k".repeat(63)}=${"v".repeat(63)}`, is("k".repeat(63), "=", "v".repeat(63))],
];
for (const [text, ...requirements] of READ) {
  test(`the selector ${JSON.stringify(text.slice(0, 40))} is read`, () =>
    assert.deepEqual(parseSelector(text), { value: requirements }));
}

const REFUSED: [text: string, fault: RegExp][] = [
  ["", /^"" is no requirement: expected "a=b", "a!=b", "a in \(b,c\)"/],
  ["a=b,", /^"" is no requirement/],
  ["a=b=c", /^"a=b=c" is no requirement/],
  ["a===b", /is no requirement/],
  ["!a=b", /is no requirement/],
  ["a b", /is no requirement/],
  ["a in", /is no requirement/],
  ["a in b", /is no requirement/],
  ["a in (b", /is no requirement/],
  ["a in (b))", /is no requirement/],
  ["a in ((b))", /is no requirement/],
  ["ain (b)", /is no requirement/],
  ["a>5", /is no requirement/],
  ["a in ( )", /^"a in \( \)" names no value/],
  ["a=b/c", /^"b\/c" is no label's value: expected at most 63 letters/],
  ["a in (b c)", /^"b c" is no label's value/],
  [`a=${"v".repeat(64)}`, /is no label's value/],
  ["../db", /^"..\/db" is no label's name/],
  ["-a=b", /is no label's name/],
  ["a/b/c", /is no label's name/],
  ["/a", /is no label's name/],
  [`${"k".repeat(64)}=v`, /is no label's name/],
  [`${"k".repeat(254)}/k`, /is no label's name/],
  [Array(33).fill("a").join(","), /^a selector has 32 requirements at most/],
  [`a in (${Array.from({ length: 33 }, (_, i) => i).join(",")})`, /^"a" is compared with 32 values at most/],
];
for (const [text, fault] of REFUSED) {
  test(`the selector ${JSON.stringify(text.slice(0, 40))} is refused by what is wrong with it`, () => {
    const parsed = parseSelector(text);
    assert.ok("fault" in parsed, "was taken");
    assert.match(parsed.fault, fault);
    assert.ok(parsed.fault.length < 300);
  });
}

const LABELS = { tier: "db", env: "prod", empty: "" };
const MATCHES: [text: string, matches: boolean][] = [
  ["tier=db", true],
  ["tier=web", false],
  ["zone=a", false],
  ["tier!=db", false],
  ["tier!=web", true],
  ["zone!=a", true],
  ["env in (prod,qa)", true],
  ["env in (qa)", false],
  ["zone in (a)", false],
  ["env notin (prod)", false],
  ["env notin (qa)", true],
  ["zone notin (a)", true],
  ["empty", true],
  ["empty=", true],
  ["empty in (,)", true],
  ["tier in (,)", false],
  ["zone", false],
  ["!zone", true],
  ["!tier", false],
  ["tier=db,env=prod,!zone", true],
  ["tier=db,env=qa", false],
  ["toString", false],
  ["!toString", true],
];
for (const [text, matches] of MATCHES) {
  test(`labels that ${matches ? "meet" : "break"} ${text} ${matches ? "match" : "do not"}`, () => {
    const parsed = parseSelector(text);
    assert.ok("value" in parsed);
    assert.equal(matchesSelector(parsed.value, LABELS), matches);
  });
}

test("a selector survives being rendered and parsed", () => {
  fc.assert(
    fc.property(arbitrarySelector, (selector) =>
      assert.deepEqual(parseSelector(renderSelector(selector)), { value: selector }),
    ),
    { numRuns: 1_000 },
  );
});

test("any text is parsed or refused, never thrown at, and what is parsed survives being rendered", () => {
  const pieces = fc.array(fc.constantFrom(..."a b tier in notin ( ) , ,, = == != ! / . - < >".split(" "), " "), {
    maxLength: 14,
  });
  const texts = fc.oneof(
    pieces.map((parts) => parts.join("")),
    fc.string({ unit: "binary" }),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const parsed = parseSelector(text);
      if ("value" in parsed) assert.deepEqual(parseSelector(renderSelector(parsed.value)), parsed);
    }),
    { numRuns: 5_000 },
  );
});

test("of two selectors that differ in an operator's negation exactly one matches", () => {
  const opposite = { "=": "!=", in: "notin", exists: "!exists", "!=": "=", notin: "in", "!exists": "exists" } as const;
  const labels = fc.dictionary(fc.constantFrom("a", "b"), fc.constantFrom("", "x", "y"), { noNullPrototype: true });
  const requirement = fc.record({
    key: fc.constantFrom("a", "b", "c"),
    operator: fc.constantFrom("=" as const, "in" as const, "exists" as const),
    values: fc.constantFrom<string[]>(["x"], [""]),
  });
  fc.assert(
    fc.property(requirement, labels, (one, labels) => {
      const other = { ...one, operator: opposite[one.operator] };
      assert.notEqual(matchesSelector([one], labels), matchesSelector([other], labels));
    }),
  );
});
