import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Decision, MusterError, NO_DECISION } from "@muster/contracts";
import { pause } from "@muster/runtime";
import { until } from "@muster/testkit";
import { GroupCommit } from "./group-commit.ts";

const write = (...keys: string[]): Decision => ({
  ...NO_DECISION,
  writes: keys.map((key) => ({ key, value: { key }, expect: 0 })),
  trace: `trace of ${keys[0]}`,
});

/** A committer that waits for `release` and keeps the batches it was given. */
function harness({
  fail = () => false,
  messageBytesMax = 10_000,
  waking = Promise.resolve(),
  takesMs = 0,
}: {
  fail?: (keys: string[]) => boolean;
  messageBytesMax?: number;
  waking?: Promise<void>;
  takesMs?: number;
} = {}) {
  const batches: Decision[] = [];
  const group = new GroupCommit({
    messageBytesMax: () => messageBytesMax,
    async commit(decide) {
      await new Promise((resolve) => setImmediate(resolve));
      const decision = decide();
      if (decision.writes.length === 0 && decision.events.length === 0) return null;
      const keys = decision.writes.map(({ key }) => key);
      if (fail(keys)) throw new Error(`refused ${keys.join(" ")}`);
      batches.push(decision);
      if (takesMs > 0) await pause(takesMs);
      return { waking };
    },
  });
  return { group, batches, keys: () => batches.map((batch) => batch.writes.map(({ key }) => key)) };
}

describe("group commit", () => {
  test("requests that come together are one batch", async () => {
    const { group, keys } = harness();
    await Promise.all(["a", "b", "c"].map((key) => group.add(() => write(key))));
    assert.deepEqual(keys(), [["a", "b", "c"]]);
  });

  test("who gives up before it is decided is left out; who gives up on the way is waited for", async () => {
    const [early, late] = [new AbortController(), new AbortController()];
    const giveUp = () => {
      late.abort(new Error("too late"));
      return false;
    };
    const { group, keys } = harness({ fail: giveUp });
    const gone = group.add(() => write("gone"), early.signal);
    const sent = group.add(() => write("sent"), late.signal);
    early.abort(new Error("given up"));
    await assert.rejects(gone, /given up/);
    await sent;
    assert.deepEqual(keys(), [["sent"]]);
  });

  test("an answer waits until others are told of its batch, the next batch does not", async () => {
    let tell: () => void = () => undefined;
    const waking = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const { group, keys } = harness({ waking });
    const answered: string[] = [];
    const add = async (key: string) => {
      await group.add(() => write(key));
      answered.push(key);
    };
    const first = add("a");
    await until(() => keys().length === 1, { everyMs: 1 });
    const second = add("b");
    await until(() => keys().length === 2, { everyMs: 1 });
    assert.deepEqual([keys(), answered], [[["a"], ["b"]], []]);
    tell();
    await Promise.all([first, second]);
    assert.deepEqual(answered, ["a", "b"]);
  });

  test("clients that ask again as soon as they are answered come to share their batches, wherever they began", async () => {
    const { group, keys } = harness({ takesMs: 50 });
    const ask = async (name: string, times: number) => {
      for (let i = 0; i < times; i += 1) {
        await group.add(() => write(`${name}${i}`));
        await pause(5);
      }
    };
    const first = ask("a", 4);
    await until(() => keys().length === 1, { everyMs: 1 });
    await Promise.all([first, ask("b", 3)]);
    assert.deepEqual(keys(), [["a0"], ["b0", "a1"], ["b1", "a2"], ["b2", "a3"]]);
  });

  test("two that write one key are two batches, and the second is decided after the first", async () => {
    const { group, batches, keys } = harness();
    const seen: number[] = [];
    const add = (key: string) =>
      group.add(() => {
        seen.push(batches.length);
        return write(key);
      });
    await Promise.all([add("a"), add("a"), add("b")]);
    assert.deepEqual(keys(), [["a", "b"], ["a"]]);
    assert.equal(seen.at(-1), 1);
  });

  test("a refusal is the refused one's alone, and nothing to write is an answer", async () => {
    const { group, keys } = harness();
    const refusal = new MusterError("app.exists", "taken");
    const results = await Promise.allSettled([
      group.add(() => write("a")),
      group.add(() => {
        throw refusal;
      }),
      group.add(() => NO_DECISION),
    ]);
    assert.deepEqual(
      results.map((result) => result.status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.deepEqual(keys(), [["a"]]);
  });

  test("of a batch that the server refuses only the bad one fails", async () => {
    const { group, keys } = harness({ fail: (batch) => batch.includes("bad") });
    const results = await Promise.allSettled(["a", "bad", "b"].map((key) => group.add(() => write(key))));
    assert.deepEqual(
      results.map((result) => result.status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.deepEqual(keys(), [["a"], ["b"]]);
  });

  test("a committer that fails before it asks fails those who wait, and serves those who come later", async () => {
    let isBroken = true;
    const group = new GroupCommit({
      messageBytesMax: () => 10_000,
      async commit(decide) {
        if (isBroken) throw new Error("closed");
        decide();
        return null;
      },
    });
    const results = await Promise.allSettled(["a", "b"].map((key) => group.add(() => write(key))));
    assert.deepEqual(
      results.map((result) => result.status),
      ["rejected", "rejected"],
    );
    isBroken = false;
    await group.add(() => write("c"));
  });

  test("events keep the trace of the request they are told for", async () => {
    const { group, batches } = harness();
    const event = { type: "muster.app.deleted", subject: "/a", id: "1", data: { app: "/a" } } as const;
    await Promise.all(["a", "b"].map((key) => group.add(() => ({ ...write(key), events: [event] }))));
    assert.deepEqual(
      batches[0]?.events.map(({ trace }) => trace),
      ["trace of a", "trace of b"],
    );
  });

  test("what the server cannot take is refused before it is sent", async () => {
    const { group, keys } = harness({ messageBytesMax: 5_000 });
    const large: Decision = { ...NO_DECISION, writes: [{ key: "a", value: "x".repeat(2_000), expect: 0 }] };
    await assert.rejects(
      group.add(() => large),
      (error) => error instanceof MusterError && error.code === "document.too-large",
    );
    assert.deepEqual(keys(), []);
  });

  test("a thousand requests take a few batches", async () => {
    const { group, keys } = harness();
    await Promise.all(Array.from({ length: 1_000 }, (_, i) => group.add(() => write(`k${i}`, `l${i}`))));
    assert.equal(keys().flat().length, 2_000);
    assert.ok(keys().length < 10, `${keys().length} batches`);
  });
});
