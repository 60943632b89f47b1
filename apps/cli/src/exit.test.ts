import assert from "node:assert/strict";
import { test } from "node:test";
import { ERRORS, type ErrorCode, MusterError } from "@muster/contracts";
import { EXIT, EXIT_MEANINGS, exitCodeOf, UsageError } from "./exit.ts";

const EXPECTED: Readonly<Record<ErrorCode, number>> = {
  "json.malformed": 2,
  "document.empty": 2,
  "document.too-large": 2,
  "document.too-deep": 2,
  "document.forbidden-key": 2,
  "spec.type": 2,
  "spec.invalid": 2,
  "spec.unsupported": 2,
  "app.unknown": 2,
  "app.exists": 5,
  "app.locked": 5,
  "app.deleting": 5,
  "app.not-waiting": 5,
  "app.conflict": 5,
  "group.exists": 5,
  "change.too-large": 2,
  "instance.unknown": 2,
  "agent.unknown": 2,
  "deployment.unknown": 2,
  "deployment.ended": 5,
  "deployment.not-waiting": 5,
  "task.unknown": 2,
  "group.unknown": 2,
  "pod.unknown": 2,
  "leader.unknown": 2,
  "leader.alone": 5,
  "request.invalid": 2,
  "request.too-many": 1,
  "method.not-allowed": 2,
  "origin.forbidden": 2,
  "deployment.too-many": 1,
  "app.too-many": 1,
  "stream.refused": 5,
  "stream.too-many": 1,
  "subscription.too-many": 1,
  "route.unknown": 2,
  "id.ambiguous": 2,
  "nats.unreachable": 6,
  "nats.too-old": 6,
  "nats.no-jetstream": 6,
  "cluster.not-ready": 6,
  "cluster.busy": 6,
  "cluster.timeout": 6,
  internal: 1,
};

for (const [code, exit] of Object.entries(EXPECTED))
  test(`${code} exits with ${exit}`, () => {
    assert.equal(exitCodeOf(new MusterError(code as ErrorCode, "")), exit);
  });

test("every error of the catalogue has an exit code that the help explains", () => {
  const explained = new Set<number>(EXIT_MEANINGS.map(([code]) => code));
  for (const code of Object.keys(ERRORS)) assert.ok(explained.has(EXPECTED[code as ErrorCode]), code);
  assert.deepEqual(explained, new Set(Object.values(EXIT)));
});

test("a mistake in the command line exits with 2, a fault of our own with 1", () => {
  assert.equal(exitCodeOf(new UsageError("")), 2);
  assert.equal(exitCodeOf(new TypeError("")), 1);
  assert.equal(exitCodeOf("text"), 1);
});
