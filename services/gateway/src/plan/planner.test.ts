import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { keys, MusterError, readApp } from "@muster/contracts";
import { sceneOf } from "@muster/core";
import { addAgent } from "@muster/core/testing/builders";
import { MemoryBucket } from "@muster/core/testing/memory-bucket";
import { Planner } from "./planner.ts";

const NOW = 1_800_000_000_000;
const read = (fields: object = {}) => readApp({ id: "/web", cmd: "sleep 9", cpus: 1, mem: 64, ...fields });

let planner: Planner | null = null;
afterEach(() => planner?.stop());

function plannerOf(state: MemoryBucket, withinMs?: number): Planner {
  const health = new MemoryBucket();
  const options = { sceneOf: (app: string) => sceneOf(state.snapshot(), health.snapshot(), app), now: () => NOW };
  planner = new Planner(withinMs === undefined ? options : { ...options, withinMs });
  return planner;
}

test("a plan is made on the documents as they stand when it is asked for", async () => {
  const state = new MemoryBucket();
  const plans = plannerOf(state);
  const ask = async (instances: number) => (await plans.plan(read({ instances }), { force: false })).unplaced;
  assert.equal(await ask(4), 4);
  addAgent(state, "n1");
  assert.equal(await ask(4), 0, "an agent came");
  assert.equal(await ask(6), 2);
  addAgent(state, "n2");
  assert.equal(await ask(6), 0, "another one came");
  state.write(keys.offer("n1"), null);
  state.write(keys.ledger("n1"), null);
  assert.equal(await ask(6), 2, "one went");
});

test("what the thread refuses is refused with its code", async () => {
  const state = new MemoryBucket();
  state.write(keys.path("/web"), { kind: "group", owner: "/web" });
  await assert.rejects(
    plannerOf(state).plan(read(), { force: false }),
    (error) => error instanceof MusterError && error.code === "app.exists",
  );
});

test("a plan that takes too long is given up, and the next one is made", async () => {
  const state = new MemoryBucket();
  for (let i = 0; i < 500; i += 1) addAgent(state, `n${i}`);
  const slow = plannerOf(state, 1);
  await assert.rejects(slow.plan(read({ instances: 2_000 }), { force: false }), /took too long and was given up/);
  await slow.stop();
  assert.equal((await plannerOf(state).plan(read({ instances: 3 }), { force: false })).outcome, "fits");
});

test("plans are made one after the other, and only so many may wait", async () => {
  const state = new MemoryBucket();
  addAgent(state, "n1");
  const plans = plannerOf(state);
  const asked = Array.from({ length: 12 }, () => plans.plan(read(), { force: false }));
  const outcomes = await Promise.allSettled(asked);
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 8);
  for (const outcome of outcomes)
    if (outcome.status === "rejected") assert.equal((outcome.reason as MusterError).code, "request.too-many");
});
