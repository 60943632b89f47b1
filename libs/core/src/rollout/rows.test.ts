import assert from "node:assert/strict";
import { test } from "node:test";
import { keys, type PlacedDocument, type VerdictDocument, type WantedDocument } from "@muster/contracts";
import { specOf } from "../testing/builders.ts";
import { MemoryBucket } from "../testing/memory-bucket.ts";
import { checkedOf, readRows } from "./rows.ts";

const PORTS = { portDefinitions: [{ name: "http-api" }] };
const SPECS = {
  none: specOf("/a", PORTS),
  health: specOf("/a", { ...PORTS, healthChecks: [{}] }),
  readiness: specOf("/a", { ...PORTS, readinessChecks: [{}] }),
  both: specOf("/a", { ...PORTS, healthChecks: [{}], readinessChecks: [{}] }),
} as const;
const ROW = { slot: 0, attempt: 1, version: 1, goal: "run", agent: "n1" } as const;

function stateOf(checks: keyof typeof SPECS, verdict: Partial<VerdictDocument>): string | undefined {
  const health = new MemoryBucket();
  health.write(keys.verdict({ app: "/a", ...ROW }), { level: "running", healthy: null, ready: null, ...verdict });
  const [row] = readRows({
    wanted: { app: "/a", rows: [ROW] } as unknown as WantedDocument,
    placed: { app: "/a", rows: [ROW], ended: [] } as unknown as PlacedDocument,
    health: health.snapshot(),
    checkedOf: () => checkedOf(SPECS[checks]),
  });
  return row?.state;
}

for (const [checks, healthy, ready, expected] of [
  ["none", null, null, "up"],
  ["none", null, false, "up"],
  ["health", null, null, "starting"],
  ["health", true, null, "up"],
  ["health", false, null, "down"],
  ["readiness", null, null, "starting"],
  ["readiness", null, false, "starting"],
  ["readiness", null, true, "up"],
  ["both", true, null, "starting"],
  ["both", null, true, "starting"],
  ["both", true, true, "up"],
  ["both", false, true, "down"],
  ["both", false, false, "down"],
] as const)
  test(`checked for ${checks}, running with healthy ${healthy} and ready ${ready}, a row is ${expected}`, () => {
    assert.equal(stateOf(checks, { healthy, ready }), expected);
  });

test("what is ready and stops running is not up", () => {
  assert.equal(stateOf("readiness", { level: "killing", ready: true }), "down");
  assert.equal(stateOf("readiness", { level: "unreachable", ready: true }), "lost");
});
