import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { type Decision, NO_DECISION } from "@muster/contracts";
import { decideAll, type Looked } from "./round.ts";

let marked: string[] = [];
beforeEach(() => {
  marked = [];
});

const shards = { holds: () => true, assertion: (shard: number) => ({ key: `term.${shard}`, revision: 1 }) };

const looked = (decide: (id: string) => Decision | null): Looked => ({
  appOf: (id) => (id === "/gone" ? null : id),
  decide,
  span: () => assert.fail("a span of a look that is only tried"),
  rounds: () => ({ mark: (id) => void marked.push(id), markAt: (id) => void marked.push(`${id} later`) }),
});
const writes = (...keys: string[]): Decision => ({
  ...NO_DECISION,
  writes: keys.map((key) => ({ key, value: {}, expect: 1 })),
});
const all = (ids: readonly string[], decide: (id: string) => Decision | null) => {
  const round = decideAll(shards, ids, looked(decide), () => null);
  return { ids: round.ids, keys: round.decision.writes.map(({ key }) => key), asserts: round.decision.asserts };
};

test("what several write is written by one, the others are looked at again", () => {
  const round = all(["/a", "/b", "/c"], (id) => writes(id, ...(id === "/c" ? [] : ["attempts"])));
  assert.deepEqual([round.ids, round.keys, marked], [["/a", "/c"], ["/a", "attempts", "/c"], ["/b"]]);
  assert.equal(round.asserts.length, 2, "the term of each shard that decided");
});

test("what does not fit beside the others waits; what is too much alone goes alone", () => {
  const large = writes(...Array.from({ length: 401 }, (_, i) => `k${i}`));
  assert.deepEqual(
    [all(["/large", "/b"], (id) => (id === "/large" ? large : writes(id))).ids, marked],
    [["/large"], ["/b"]],
  );
});

test("one that cannot be decided holds up no other, and what stands or is gone needs no batch", () => {
  const round = all(["/broken", "/gone", "/still", "/b"], (id) => {
    if (id === "/broken") throw new Error("unreadable");
    return id === "/still" ? null : writes(id);
  });
  assert.deepEqual([round.ids, marked], [["/b"], ["/broken later"]]);
});

test("a shard of another process is left to it", () => {
  const round = decideAll({ ...shards, holds: () => false }, ["/a"], looked(writes), () => null);
  assert.deepEqual([round.ids, round.decision.writes, marked], [[], [], []]);
});
