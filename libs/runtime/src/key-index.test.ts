import assert from "node:assert/strict";
import { test } from "node:test";
import { KeyIndex } from "./key-index.ts";
import type { Change } from "./view.ts";

function world(rests: readonly string[]) {
  const listeners = new Set<(change: Change) => void>();
  const documents = new Map(rests.map((rest) => [rest, { value: {}, revision: 1 }]));
  const view = {
    kind: () => documents,
    onChange(listener: (change: Change) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const tell = (kind: string, rest: string, value: unknown | null) => {
    for (const listener of listeners) listener({ kind, rest, key: `${kind}.${rest}`, value, revision: 2 });
  };
  const index = new KeyIndex(view as never, "instance", (rest) => rest.split(".")[0] as string);
  return { index, tell, listeners };
}

test("an index knows what was there, what comes and what goes, group by group", () => {
  const { index, tell } = world(["n1.a", "n1.b", "n2.a"]);
  assert.deepEqual([...index.of("n1")], ["n1.a", "n1.b"]);
  tell("instance", "n2.c", {});
  tell("instance", "n1.a", null);
  tell("instance", "n1.a", null);
  tell("ledger", "n1.x", {});
  assert.deepEqual([...index.of("n1")], ["n1.b"]);
  assert.deepEqual([...index.of("n2")], ["n2.a", "n2.c"]);
  assert.equal(index.of("n3").size, 0);
});

test("a closed index listens no more", () => {
  const { index, listeners } = world([]);
  assert.equal(listeners.size, 1);
  index.close();
  assert.equal(listeners.size, 0);
});
