import assert from "node:assert/strict";
import { test } from "node:test";
import { ACCEPT_WITHIN_MS, type InstanceHead, keys, type VerdictDocument } from "@muster/contracts";
import { runningVerdict } from "../testing/builders.ts";
import { MemoryBucket } from "../testing/memory-bucket.ts";
import { decideFacts } from "./decide.ts";
import { judgeFact, judgeSilence } from "./judge.ts";
import { decideOverdue } from "./overdue.ts";
import { factOf } from "./testing/fact.ts";

const NOW = 10_000_000;
const TIMEOUTS = { confirmMs: 300_000, launchMs: 200_000 };
const REF = { app: "/web", slot: 0, attempt: 1 };
const KEY = keys.verdict(REF);
const record = (more: Partial<InstanceHead> = {}): InstanceHead => ({
  instance: "web.0.1",
  ...REF,
  version: 1,
  agent: "n1",
  goal: "run",
  placedAtMs: NOW - ACCEPT_WITHIN_MS,
  trace: null,
  ...more,
});
const verdict = (more: Partial<VerdictDocument>): VerdictDocument => ({
  ...runningVerdict("/web", { ...REF, version: 1, goal: "run", agent: "n1", ports: [], items: {}, atMs: 0 }, 1_000),
  ...more,
});
const staging = (more: Partial<VerdictDocument> = {}) => verdict({ level: "staging", stated: "staging", ...more });

function judged(present: VerdictDocument | null, quietMs: number, more: Partial<InstanceHead> = {}, isThere = true) {
  const health = new MemoryBucket();
  if (present !== null) health.write(KEY, present);
  const starting = [{ record: record(more), quietMs }];
  const { writes } = decideOverdue(health.snapshot(), starting, () => isThere, TIMEOUTS, NOW);
  const next = writes[0]?.value as VerdictDocument | undefined;
  return next === undefined ? "nothing" : `${next.level} ${next.reason} ${next.givenUp}`;
}

const NOT_TAKEN = "overdue not-running not running after 300 s: n1 is there and did not take it on";
const shown = { level: "overdue", stated: null, reason: "not-accepted" } as const;
for (const [about, present, quietMs, more, expected] of [
  ["not accepted for a moment", null, 1_000, { placedAtMs: NOW - 1_000 }, "nothing"],
  ["not accepted for 30 s", null, 30_000, {}, "overdue not-accepted null"],
  ["shown as not accepted already", verdict(shown), 299_999, {}, "nothing"],
  ["not accepted in time", verdict(shown), 300_000, {}, NOT_TAKEN],
  ["not accepted in time, and never shown", null, 300_000, {}, NOT_TAKEN],
  ["staging", staging(), 199_999, {}, "nothing"],
  [
    "staging for too long",
    staging({ message: "pulls the image x" }),
    200_000,
    {},
    "overdue not-running not running after 200 s: pulls the image x",
  ],
  ["running", verdict({}), 900_000, {}, "nothing"],
  ["being killed", verdict({ level: "killing", stated: "killing" }), 900_000, {}, "nothing"],
  ["unreachable", staging({ level: "unreachable" }), 900_000, {}, "nothing"],
  ["told to stop", staging(), 900_000, { goal: "stop" }, "nothing"],
  ["given up already", staging({ level: "overdue", givenUp: "before" }), 900_000, {}, "nothing"],
] as [string, VerdictDocument | null, number, Partial<InstanceHead>, string][])
  test(`an instance that is ${about} is judged: ${expected}`, () => {
    assert.equal(judged(present, quietMs, more), expected);
    assert.equal(judged(present, quietMs, more, false), "nothing", "of a silent agent nothing is decided");
  });

const GIVEN_UP = staging({ level: "overdue", givenUp: "not running after 200 s: x" });
for (const [state, level, givenUp] of [
  ["running", "running", null],
  ["staging", "staging", null],
  ["killing", "killing", GIVEN_UP.givenUp],
  ["killed", "killed", GIVEN_UP.givenUp],
] as const)
  test(`what was given up and is ${state} after all is ${level}`, () => {
    const next = judgeFact(GIVEN_UP, factOf(state), 9, NOW, null);
    assert.deepEqual([next?.level, next?.givenUp], [level, givenUp]);
  });

test("what was given up and whose agent falls silent is unreachable, and not given up when it is heard again", () => {
  const silent = judgeSilence(GIVEN_UP, true, NOW) as VerdictDocument;
  assert.deepEqual([silent.level, silent.givenUp], ["unreachable", null]);
  assert.deepEqual(judgeSilence(silent, false, NOW)?.level, "staging");
});

for (const [about, present, state, expected] of [
  ["given up and killed", GIVEN_UP, "killed", ["failed", "not-running", GIVEN_UP.givenUp]],
  ["given up and could not be started", GIVEN_UP, "error", ["error", "error", ""]],
  ["killed", staging(), "killed", ["killed", "killed", ""]],
] as const)
  test(`the end of what was ${about} is told as ${expected[0]}`, () => {
    const [state_, health] = [new MemoryBucket(), new MemoryBucket()];
    state_.write(keys.instance("n1", REF), record());
    health.write(KEY, present);
    const facts = [{ fact: factOf(state), sequence: 9, atMs: NOW, trace: null }];
    const { writes } = decideFacts(state_.snapshot(), health.snapshot(), facts);
    const ended = writes.find(({ key }) => key.startsWith("ended."))?.value as { [name: string]: unknown };
    assert.deepEqual([ended.state, ended.reason, ended.message], expected);
  });
