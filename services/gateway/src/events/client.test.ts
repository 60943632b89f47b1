import assert from "node:assert/strict";
import { test } from "node:test";
import { STREAM_BEHIND_MS, STREAM_OUTSTANDING_MAX } from "@muster/contracts";
import { until } from "@muster/testkit";
import { type ClientOptions, StreamClient } from "./client.ts";
import type { FeedEvent } from "./feed-event.ts";

/** A stream of events in memory; each gives one frame, `<sequence>;`. */
function source() {
  const events: FeedEvent[] = [];
  return {
    get sequence() {
      return events.length;
    },
    tell(count: number) {
      for (let i = 0; i < count; i += 1)
        events.push({ sequence: events.length + 1, subject: "s", text: "", origin: 0 });
    },
    after: async (sequence: number) => events.slice(sequence, sequence + 100),
    frames: async ({ sequence }: FeedEvent) => [{ part: 1, type: "t", subject: "s", text: `${sequence};` }],
  };
}

function client(more: Partial<ClientOptions> & Pick<ClientOptions, "source">) {
  const seen = { gone: 0, hungUp: 0 };
  const made = new StreamClient({
    start: { sequence: 0, parts: 0 },
    form: "light",
    isWanted: () => true,
    greeting: "hello;",
    onGone: () => {
      seen.gone += 1;
    },
    hangUp: () => {
      seen.hungUp += 1;
    },
    ...more,
  });
  const reader = made.body.getReader();
  const read = async () => {
    const { value } = await reader.read();
    return value === undefined ? null : new TextDecoder().decode(value);
  };
  return { made, reader, read, seen };
}

test("a client that keeps up is never cut off, whatever comes at once", async () => {
  const events = source();
  const { made, read, seen } = client({ source: events });
  assert.equal(await read(), "hello;");
  events.tell(3 * STREAM_OUTSTANDING_MAX);
  made.tick();
  let text = "";
  while (!text.endsWith(`;${events.sequence};`)) {
    text += await read();
    made.tick();
  }
  assert.equal(text.split(";").length - 1, events.sequence);
  assert.deepEqual(seen, { gone: 0, hungUp: 0 });
});

test("a client that does not keep up is told so with its last frame, and then let go", async () => {
  const events = source();
  const { made, read, seen } = client({ source: events });
  await read();
  events.tell(1);
  assert.equal(await read(), "1;");
  events.tell(STREAM_OUTSTANDING_MAX + 1);
  const startedAt = performance.now();
  const words = await until(
    async () => {
      made.tick();
      // It reads one chunk a second and falls further and further behind.
      events.tell(100);
      return performance.now() - startedAt > STREAM_BEHIND_MS + 100;
    },
    { everyMs: 50, withinMs: 5_000 },
  );
  assert.ok(words);
  const last = await read();
  assert.match(last ?? "", /^event: muster_stream_closed\ndata: .*reads too slowly: \d+ events are outstanding/);
  assert.doesNotMatch(last ?? "", /^id:/m);
  assert.equal(await read(), null);
  assert.equal(seen.gone, 1);
});

test("a client that is cut off and does not even read that has its connection cut", { timeout: 20_000 }, async () => {
  const { made, read, seen } = client({ source: source() });
  await read();
  made.end("bye;", 50);
  made.end("again;", 50);
  await until(() => seen.hungUp === 1, { what: "the cut" });
  assert.deepEqual(seen, { gone: 1, hungUp: 1 });
});

test("a client that leaves while it waits is gone once", async () => {
  const { reader, read, seen } = client({ source: source() });
  await read();
  const waiting = read();
  await reader.cancel();
  assert.equal(await waiting, null);
  assert.deepEqual(seen, { gone: 1, hungUp: 0 });
});

test("what was missed while nats was away is read when it is back", async () => {
  const events = source();
  let away = 2;
  const { read } = client({
    source: {
      ...events,
      get sequence() {
        return events.sequence;
      },
      async after(sequence: number) {
        away -= 1;
        if (away >= 0) throw new Error("away");
        return await events.after(sequence);
      },
    },
  });
  events.tell(2);
  assert.equal(await read(), "hello;");
  assert.equal(await read(), "1;2;");
});

test("where events are gone from the stream, a client is told from where on it goes on", async () => {
  const events = source();
  events.tell(9);
  const { read } = client({
    source: {
      ...events,
      sequence: 9,
      after: async (sequence) => (sequence < 6 ? (await events.after(0)).slice(6) : []),
    },
  });
  await read();
  const text = await read();
  assert.match(text ?? "", /^event: muster_stream_gap\ndata: .*"firstSequence":7.*\n\n7;8;9;$/);
});
