import assert from "node:assert/strict";
import { test } from "node:test";
import type { FactState, TaskEvent } from "@muster/contracts";
import { makeFact, parseFactId } from "../tasks/facts.ts";
import { instanceDocument } from "../testing/documents.ts";
import { batchOf } from "./flush.ts";
import { answered, hasGap, heard, NO_NUMBERS } from "./numbers.ts";
import { readRecord, refOfSubject } from "./records.ts";

const self = { agent: "n1.rack", hostname: "h", life: "a-life", incarnation: 1 };
const record = instanceDocument({}, { app: "/prod/web.api", slot: 3, attempt: 17 });
let number = 0;
const fact = (state: FactState): TaskEvent =>
  makeFact(
    self,
    record,
    { state, reason: "started", message: "" },
    { number: ++number, recordSequence: 1, traceparent: null, atMs: 0 },
  );

test("numbers without a gap move on, whatever comes twice", () => {
  let numbers = NO_NUMBERS;
  for (const n of [1, 2, 2, 1, 3]) numbers = heard(numbers, n);
  assert.equal(numbers.seen, 3);
  assert.ok(!hasGap(numbers));
});

test("a gap is seen, and closed by the missing number or by an answer", () => {
  const gap = heard(heard(NO_NUMBERS, 1), 4);
  assert.ok(hasGap(gap));
  assert.equal(gap.seen, 1);
  const closed = heard(heard(gap, 3), 2);
  assert.deepEqual([closed.seen, hasGap(closed)], [4, false]);
  const told = answered(heard(gap, 5), 3);
  assert.deepEqual([told.seen, hasGap(told)], [5, false]);
});

test("an answer that is older than what was heard leaves the gap open", () => {
  const numbers = answered(heard(NO_NUMBERS, 9), 5);
  assert.deepEqual([numbers.seen, hasGap(numbers)], [5, true]);
  assert.equal(answered(numbers, 2).seen, 5);
});

test("a batch rests on our own last fact, names no subject twice and carries its events' headers", () => {
  const facts = [fact("staging"), fact("running"), fact("healthy"), fact("unhealthy"), fact("healthy"), fact("killed")];
  const batch = batchOf("n1.rack", facts, 41);
  assert.equal(batch.length, 4);
  assert.match(batch[0]?.subject ?? "", /^muster\.facts\.\d+\.n1=rack\.prod_web=api\.3\.17\.staging$/);
  assert.equal(batch[0]?.headers["Nats-Expected-Last-Subject-Sequence"], "41");
  assert.match(
    batch[0]?.headers["Nats-Expected-Last-Subject-Sequence-Subject"] ?? "",
    /^muster\.facts\.\d+\.n1=rack\.>$/,
  );
  assert.equal(batch[1]?.headers["Nats-Expected-Last-Subject-Sequence"], undefined);
  assert.equal(batch[1]?.headers["ce-type"], "muster.task.running");
});

test("a fact's id tells the work directory's life and its number", () => {
  assert.deepEqual(parseFactId(fact("running").id), { life: "a-life", number });
  assert.equal(parseFactId("something else"), null);
});

test("a record must be for this agent and agree with its subject", () => {
  const ref = refOfSubject("muster.launch.7.n1=rack.prod_web=api.3.17");
  assert.deepEqual(ref, { app: "/prod/web.api", slot: 3, attempt: 17 });
  assert.ok(ref !== null);
  const read = (body: unknown) => readRecord("n1", ref, body);
  assert.equal(read(record).type, "record");
  assert.match(JSON.stringify(read({ ...record, agent: "n2" })), /for the agent n2/);
  assert.match(JSON.stringify(read({ ...record, slot: 4 })), /its subject names/);
  assert.match(JSON.stringify(read({ ...record, goal: "dance" })), /goal/);
  assert.equal(read(null).type, "malformed");
});
