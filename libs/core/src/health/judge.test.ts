import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fact, VerdictDocument } from "@muster/contracts";
import { judgeFact } from "./judge.ts";
import { factOf as fact } from "./testing/fact.ts";

const RESPONSE = { status: 503, contentType: "text/plain", body: "warming up" };

/** Each fact a second after the one before. */
function after(...facts: Fact[]): VerdictDocument {
  let verdict: VerdictDocument | null = null;
  for (const [i, each] of facts.entries()) verdict = judgeFact(verdict, each, i + 1, i * 1_000, null) ?? verdict;
  return verdict as VerdictDocument;
}

for (const [about, facts, ready, response] of [
  ["running alone", [fact("running")], null, null],
  ["unready", [fact("running"), fact("unready", { response: RESPONSE })], false, RESPONSE],
  ["ready after that", [fact("running"), fact("unready", { response: RESPONSE }), fact("ready")], true, null],
  ["adopted after it was ready", [fact("running"), fact("ready"), fact("running", { adopted: true })], true, null],
  ["unhealthy after it was ready", [fact("running"), fact("ready"), fact("unhealthy")], true, null],
  ["healthy while it is not ready", [fact("unready", { response: RESPONSE }), fact("healthy")], false, RESPONSE],
  ["killing after it was ready", [fact("running"), fact("ready"), fact("killing")], null, null],
  ["failed", [fact("running"), fact("unready", { response: RESPONSE }), fact("failed")], null, null],
] as const)
  test(`an instance that is ${about} has ready ${ready}`, () => {
    const verdict = after(...facts);
    assert.deepEqual([verdict.ready, verdict.response], [ready, response]);
  });

test("ready is no task state: the level stays what it was, and old news is refused", () => {
  const verdict = after(fact("running"), fact("healthy"), fact("ready"));
  assert.deepEqual([verdict.level, verdict.stated, verdict.healthy, verdict.ready], ["running", "running", true, true]);
  assert.equal(judgeFact(verdict, fact("unready"), verdict.fact, 9_000, null), null);
});

test("that it is still not ready changes the message and not since when", () => {
  const verdict = after(fact("running"), fact("unready", { message: "503" }), fact("unready", { message: "404" }));
  assert.deepEqual([verdict.message, verdict.sinceMs], ["404", 1_000]);
  assert.equal(after(fact("running"), fact("unready"), fact("ready")).sinceMs, 2_000);
});

const RESULT = { type: "http", statusCode: 503 } as const;
for (const [about, facts, result] of [
  ["checked", [fact("running"), fact("checked", { checkResult: RESULT })], RESULT],
  ["healthy after it was checked", [fact("checked", { checkResult: RESULT }), fact("healthy")], RESULT],
  ["adopted after it was checked", [fact("checked", { checkResult: RESULT }), fact("running")], RESULT],
  ["ended after it was checked", [fact("checked", { checkResult: RESULT }), fact("failed")], null],
] as const)
  test(`an instance that is ${about} has the result ${JSON.stringify(result)}`, () => {
    assert.deepEqual(after(...facts).checkResult, result);
  });

test("what a check finds leaves level, health, times and the last words as they were", () => {
  const before = [fact("running"), fact("unready", { reason: "not-ready", message: "503" })];
  const verdict = after(...before, fact("checked", { checkResult: RESULT, message: "answered 503" }));
  assert.deepEqual(verdict, { ...after(...before), checkResult: RESULT, fact: 3 });
});

const RECORD = {
  alive: true,
  consecutiveFailures: 0,
  firstSuccessMs: 5,
  lastSuccessMs: 6,
  lastFailureMs: null,
  lastFailureCause: null,
};
for (const [about, facts, health] of [
  ["healthy", [fact("running"), fact("healthy", { health: [RECORD] })], [RECORD]],
  ["ready after it was healthy", [fact("healthy", { health: [RECORD] }), fact("ready")], [RECORD]],
  ["being killed", [fact("healthy", { health: [RECORD] }), fact("killing")], null],
] as const)
  test(`an instance that is ${about} has the records ${JSON.stringify(health)}`, () => {
    assert.deepEqual(after(...facts.map((each) => ({ ...each }))).health, health);
  });
