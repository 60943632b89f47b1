import assert from "node:assert/strict";
import { test } from "node:test";
import { batchReader } from "./batch-reader.ts";

test("an event waits for the documents of its batch, and for those of others not again once it was in vain", async () => {
  const waited: number[] = [];
  let comes = true;
  const state = {
    sequence: 10,
    async reached(revision: number) {
      waited.push(revision);
      if (comes) this.sequence = revision;
      return comes;
    },
  };
  const untilRead = batchReader(state);
  for (const origin of [0, 9, 10]) await untilRead({ origin });
  assert.deepEqual(waited, []);
  await untilRead({ origin: 11 });
  assert.deepEqual([waited, state.sequence], [[11], 11]);
  comes = false;
  for (const origin of [20, 21, 22]) await untilRead({ origin });
  assert.deepEqual(waited, [11, 20]);
});
