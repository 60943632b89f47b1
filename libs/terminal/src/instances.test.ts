import assert from "node:assert/strict";
import { test } from "node:test";
import { glyphsFor } from "./glyphs.ts";
import { addressOf, isReady, lookOf, outputOf, stateCell, whyNot } from "./instances.ts";

const failed = { state: "failed", healthy: null, ready: null, exitCode: 3, reason: "exited" } as const;

const unready = {
  state: "running",
  healthy: null,
  ready: false,
  exitCode: null,
  reason: "not-ready",
  message: "",
} as const;

for (const [about, instance, expected] of [
  ["a sentence", { ...failed, message: "exited with status 3" }, "exited with status 3"],
  ["a sentence that says no status", { ...failed, message: "it was too slow" }, "exit 3: it was too slow"],
  ["no sentence", { ...failed, message: "" }, "exit 3"],
  ["a reason word only", { ...failed, exitCode: null, reason: "image-not-found", message: "" }, "image-not-found"],
  [
    "a sentence with output",
    { ...failed, message: "exited with status 3; its last words:\nboom" },
    "exited with status 3",
  ],
  ["running", { ...failed, state: "running", exitCode: null, message: "started" }, ""],
  ["unhealthy", { ...failed, state: "running", healthy: false, exitCode: null, message: "got 500" }, "got 500"],
  ["not ready, and asked", { ...unready, message: "answered 503" }, "answered 503"],
  ["not ready, and not asked yet", { ...unready, reason: "started", message: "started" }, ""],
] as const)
  test(`why not, with ${about}: ${JSON.stringify(expected)}`, () => {
    assert.equal(whyNot(instance), expected);
  });

test("output is what follows the sentence", () => {
  assert.deepEqual(outputOf({ message: "exited\n one\n\ntwo\n" }), [" one", "two"]);
  assert.deepEqual(outputOf({ message: "exited" }), []);
});

test("an instance of an app with checks is ready when they passed, one of an app without when it runs", () => {
  const running = { state: "running", healthy: null, ready: null } as const;
  assert.deepEqual([isReady(running), isReady(running, true)], [true, false]);
  assert.deepEqual(
    [isReady({ ...running, healthy: true }, true), isReady({ ...running, healthy: false })],
    [true, false],
  );
  assert.equal(lookOf(running, true).tone, "moving");
});

test("an instance that is not ready is on its way, whatever its health checks say", () => {
  const unready = { state: "running", healthy: true, ready: false } as const;
  assert.deepEqual([isReady(unready), isReady({ ...unready, ready: true })], [false, true]);
  assert.deepEqual([lookOf(unready).word, lookOf(unready).urgency], ["not ready", 1]);
  assert.equal(lookOf({ ...unready, healthy: false }).word, "unhealthy");
});

test("a state is a symbol and a word, never a colour alone", () => {
  assert.equal(
    stateCell({ state: "unreachable", healthy: null, ready: null }, glyphsFor({ TERM: "xterm" })).text,
    "! unreachable",
  );
});

test("an address names host and ports, or nothing", () => {
  assert.equal(addressOf({ host: "n1", ports: [31_000, 31_001] }), "n1:31000,31001");
  assert.equal(addressOf({ host: "n1", ports: [] }), "");
});
