import assert from "node:assert/strict";
import { test } from "node:test";
import { CALLBACK_PROBE_MS, CALLBACK_TRIES_MAX, MusterError, SUBSCRIPTIONS_MAX } from "@muster/contracts";
import { handmadeState } from "../apps/testing/handmade-view.ts";
import { isSuspending, retryAfterMs, wasSuspended } from "./retry.ts";
import { decideSubscribe, decideUnsubscribe, subscriptionsOf } from "./subscriptions.ts";

const at = { now: 1_000, dice: () => 0.5 };
const asked = (n: number) => ({
  id: `s${n}`,
  callbackUrl: `http://127.0.0.1/${n}`,
  by: { who: "http", from: "10.0.0.1:5" },
  trace: null,
  fromSequence: 7,
});

test("a URL is subscribed once and removed once, however often it is asked for", () => {
  const state = handmadeState();
  for (const changed of [true, false]) {
    const { decision, answer } = decideSubscribe(state, asked(1), at);
    assert.equal(answer.changed, changed);
    state.commit(decision);
  }
  assert.deepEqual(
    subscriptionsOf(state).map(({ callbackUrl, fromSequence, createdAtMs }) => [
      callbackUrl,
      fromSequence,
      createdAtMs,
    ]),
    [["http://127.0.0.1/1", 7, 1_000]],
  );
  for (const changed of [true, false]) {
    const { decision, answer } = decideUnsubscribe(state, asked(1), at);
    assert.equal(answer.changed, changed);
    state.commit(decision);
  }
  assert.deepEqual(subscriptionsOf(state), []);
  assert.deepEqual(
    state.told.map(({ type }) => type),
    ["muster.subscription.added", "muster.subscription.removed"],
  );
});

test("no more are taken than may be, and those that are there stay", () => {
  const state = handmadeState();
  for (let n = 0; n < SUBSCRIPTIONS_MAX; n += 1) state.commit(decideSubscribe(state, asked(n), at).decision);
  assert.throws(
    () => decideSubscribe(state, asked(SUBSCRIPTIONS_MAX), at),
    (error: MusterError) =>
      error instanceof MusterError && error.code === "subscription.too-many" && error.status === 429,
  );
  assert.equal(decideSubscribe(state, asked(0), at).answer.changed, false);
  assert.equal(subscriptionsOf(state).length, SUBSCRIPTIONS_MAX);
});

test("of two that are added at once, on one view of those there are, only one can be stored", () => {
  const state = handmadeState();
  for (const n of [1, 2, 3]) state.commit(decideSubscribe(state, asked(n), at).decision);
  const [first, second] = [decideSubscribe(state, asked(4), at), decideSubscribe(state, asked(5), at)];
  state.commit(first.decision);
  const stale = second.decision.writes.filter(({ key, expect }) => expect !== state.revision(key));
  assert.deepEqual(
    stale.map(({ value }) => (value as { id: string }).id),
    ["s3"],
  );
  state.commit(decideSubscribe(state, asked(5), at).decision);
  assert.deepEqual(
    subscriptionsOf(state).map(({ id }) => id),
    ["s1", "s2", "s3", "s4", "s5"],
  );
});

test("an event that is not taken is posted again after longer and longer pauses, for about ten minutes, then now and then", () => {
  const pauses = Array.from({ length: CALLBACK_TRIES_MAX - 1 }, (_, i) => retryAfterMs(i + 1));
  assert.deepEqual(pauses.slice(0, 8), [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  const total = pauses.reduce((sum, ms) => sum + ms, 0);
  assert.ok(total > 5 * 60_000 && total < 15 * 60_000, `${total} ms`);
  for (const tries of [CALLBACK_TRIES_MAX, 100, 1e9]) assert.equal(retryAfterMs(tries), CALLBACK_PROBE_MS);
  const suspending = Array.from({ length: 100 }, (_, i) => i + 1).filter(isSuspending);
  assert.deepEqual(suspending, [CALLBACK_TRIES_MAX], "it is told once");
  assert.deepEqual([wasSuspended(CALLBACK_TRIES_MAX), wasSuspended(CALLBACK_TRIES_MAX + 1)], [false, true]);
});
