import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@muster/testkit";
import { Rounds } from "./dirty.ts";

test("marks that come together are looked at together, no more than a round holds", async () => {
  const looks: string[][] = [];
  const rounds = new Rounds({ name: "test", roundMax: 2, handle: async (keys) => void looks.push([...keys]) });
  for (const key of ["a", "b", "c", "a"]) rounds.mark(key);
  await until(() => looks.length === 2);
  assert.deepEqual(looks, [["a", "b"], ["c"]]);
  await rounds.stop();
});

test("a key that rests is looked at once for all marks meanwhile, others at once", async () => {
  const looks: string[] = [];
  const rounds = new Rounds({
    name: "test",
    roundMax: 10,
    restMs: (key) => (key === "large" ? 200 : 0),
    handle: async (keys) => void looks.push(...keys),
  });
  rounds.mark("large");
  await until(() => looks.length === 1);
  const restedFrom = performance.now();
  for (let i = 0; i < 20; i += 1) rounds.mark("large");
  rounds.mark("small");
  await until(() => looks.includes("small"));
  assert.deepEqual(looks, ["large", "small"]);
  await until(() => looks.length === 3);
  assert.ok(performance.now() - restedFrom >= 150, "it rested");
  assert.deepEqual(looks, ["large", "small", "large"]);
  await rounds.stop();
});

test("a round that failed is looked at again", async () => {
  let tries = 0;
  const rounds = new Rounds({
    name: "test",
    roundMax: 10,
    handle: async () => {
      tries += 1;
      if (tries === 1) throw new Error("not yet");
    },
  });
  rounds.mark("a");
  await until(() => tries === 2);
  await rounds.stop();
});
