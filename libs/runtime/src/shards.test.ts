import assert from "node:assert/strict";
import { test } from "node:test";
import { SHARD_COUNT } from "@muster/contracts";
import { shardOwner } from "./shards.ts";

const shares = (processes: readonly string[]): number[] => {
  const owners = Array.from({ length: SHARD_COUNT }, (_, shard) => shardOwner(shard, processes));
  return processes.map((process) => owners.filter((owner) => owner === process).length);
};

test("processes share the shards about evenly, whatever their names", () => {
  for (let i = 0; i < 200; i += 1) {
    const pair = shares([
      `host-${i.toString(16).padStart(10, "0")}`,
      `host-${(i * 7919).toString(16).padStart(10, "f")}`,
    ]);
    assert.ok(Math.min(...pair) >= 14, `${pair.join(" and ")} of ${SHARD_COUNT}`);
  }
});

test("a process that goes gives away its own shards only", () => {
  const all = ["a", "b", "c"];
  for (let shard = 0; shard < SHARD_COUNT; shard += 1) {
    const before = shardOwner(shard, all);
    if (before !== "c") assert.equal(shardOwner(shard, ["a", "b"]), before);
  }
  assert.equal(shardOwner(0, []), null);
});
