/** Views on a real nats-server: what they read first and later, what they need not read, and what nobody can read. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { NO_DECISION, STATE_BUCKET, STREAM, type Write } from "@muster/contracts";
import { type NatsServer, startNatsServer, until } from "@muster/testkit";
import { z } from "zod";
import { commitBatch } from "./batch.ts";
import { Committer } from "./committer.ts";
import { connectNats, type Nats } from "./connect.ts";
import { graveyard } from "./graveyard.ts";
import { provision } from "./provision.ts";
import { BucketView, type Change, type Kinds } from "./view.ts";

let server: NatsServer;
let nats: Nats;
before(async () => {
  server = await startNatsServer();
  nats = await connectNats({ url: server.url }, { name: "view test" });
  await provision(nats);
});
after(async () => {
  await nats.connection.close();
  await server.stop();
});

const Plain = z.object({ n: z.int() });
const put = async (key: string, value: unknown, headers: Record<string, string> = {}): Promise<number> => {
  const body = typeof value === "string" ? value : JSON.stringify(value);
  const outcome = await commitBatch(nats.connection, [{ subject: `$KV.${STATE_BUCKET}.${key}`, body, headers }]);
  assert.equal(outcome.type, "committed");
  return outcome.type === "committed" ? outcome.last : 0;
};
const purge = (key: string): Promise<number> => put(key, "", { "KV-Operation": "PURGE", "Nats-Rollup": "sub" });

test("a view shows what its kinds hold, goes as far as the bucket does, and follows changes and ends in order", async () => {
  await put("one.a", { n: 1 });
  await put("two.a", { n: 2 });
  await put("three.a", { n: 3 });
  const view = new BucketView(nats, STATE_BUCKET, { one: Plain, two: Plain });
  await view.open();
  assert.deepEqual([view.kind("one").get("a")?.value, view.kind("two").get("a")?.value], [{ n: 1 }, { n: 2 }]);
  const changes: string[] = [];
  view.onChange(({ key, value }) => void changes.push(`${key}=${JSON.stringify(value)}`));
  await put("one.a", { n: 4 });
  await put("three.b", { n: 5 });
  await purge("two.a");
  const last = await put("three.c", { n: 6 });
  assert.equal(await view.reached(last, 5_000), true, "it has read as far as a kind it does not follow");
  assert.deepEqual(changes, ['one.a={"n":4}', "two.a=null"]);
  assert.ok(view.revision("two.a") > 0, "what was purged is expected at its marker");
  await view.close();
});

test("a batch of our own is known by its values when it arrives, and told once", async () => {
  const seen: Change[] = [];
  let parsed = 0;
  const Counted = z.object({ n: z.int() }).refine(() => {
    parsed += 1;
    return true;
  });
  const view = new BucketView<Kinds>(nats, STATE_BUCKET, { own: Counted });
  await view.open();
  view.onChange((change) => void seen.push(change));
  const values = Array.from({ length: 300 }, (_, n) => ({ n }));
  const writes: Write[] = values.map((value, i) => ({ key: `own.${i}`, value, expect: 0 }));
  const done = await new Committer(nats, view, "test").commit(() => ({ ...NO_DECISION, writes }), "/test");
  assert.equal(done?.outcome.type, "committed");
  await view.reached(view.revision("own.299"), 5_000);
  assert.equal(parsed, 0);
  assert.equal(seen.length, 300);
  for (const [i, change] of seen.entries()) assert.equal(change.value, values[i]);
  await put("own.0", { n: 7 });
  await until(() => JSON.stringify(view.kind("own").get("0")?.value) === '{"n":7}');
  assert.equal(parsed, 1, "what others write is read");
  await view.close();
});

test("unread kinds are read when somebody asks, in their last version only", async () => {
  let parsed = 0;
  const Counted = z.object({ n: z.int() }).refine(() => {
    parsed += 1;
    return true;
  });
  await put("late.a", { n: 0 });
  const view = new BucketView<Kinds>(nats, STATE_BUCKET, { late: Counted, soon: Plain }, null, ["late"]);
  await view.open();
  let last = 0;
  for (let n = 1; n <= 20; n += 1) last = await put("late.a", { n });
  await put("late.b", { n: 1 });
  await put("late.c", { n: 1 });
  last = await purge("late.c");
  await view.reached(last, 5_000);
  assert.equal(parsed, 0);
  assert.deepEqual(view.get("late", "a")?.value, { n: 20 });
  assert.equal(parsed, 1, "one was asked for, one was read");
  assert.deepEqual([...view.kind("late").keys()].sort(), ["a", "b"]);
  assert.equal(parsed, 2);
  assert.equal(view.revision("late.c"), last);
  await view.close();
});

test("unread documents are read in time though nobody asks", async () => {
  const view = new BucketView<Kinds>(nats, STATE_BUCKET, { calm: Plain, soon: Plain }, null, ["calm"]);
  await view.open();
  const told: string[] = [];
  view.onChange(({ key }) => void told.push(key));
  await put("calm.a", { n: 1 });
  await until(() => told.includes("calm.a"), { withinMs: 5_000 });
  await view.close();
});

test("a document nobody can read is parked, and the one before it stands, whether read at once or late", async () => {
  for (const unread of [[], ["bad"]]) {
    await put("bad.a", { n: 1 });
    const view = new BucketView<Kinds>(nats, STATE_BUCKET, { bad: Plain, soon: Plain }, graveyard(nats), unread);
    await view.open();
    assert.deepEqual(view.kind("bad").get("a")?.value, { n: 1 });
    const sequence = await put("bad.a", '{"n":"one"}');
    await view.reached(sequence, 5_000);
    assert.deepEqual(view.kind("bad").get("a")?.value, { n: 1 });
    const parked = () =>
      nats.jsm.streams.getMessage(STREAM.dead, { last_by_subj: `muster.dead.KV_${STATE_BUCKET}.view` });
    await until(async () => (await parked())?.header.get("Muster-Sequence") === String(sequence), {
      what: "the parked document",
    });
    await view.close();
  }
});

test("a view that lost its nats-server reads on where it was, with what came meanwhile", async () => {
  const view = new BucketView(nats, STATE_BUCKET, { one: Plain, two: Plain });
  await view.open();
  await server.kill();
  await until(() => !view.complete, { withinMs: 10_000, what: "a view that knows it is cut off" });
  await server.start();
  await until(() => view.complete, { withinMs: 20_000, what: "a view that is whole again" });
  const revision = await put("one.after", { n: 9 });
  await view.reached(revision, 10_000);
  assert.deepEqual(view.kind("one").get("after")?.value, { n: 9 });
  await view.close();
});

test("an unread document that is asked for by its key is read alone, and all are counted without being read", async () => {
  let parsed = 0;
  const Counted = z.object({ n: z.int() }).refine(() => {
    parsed += 1;
    return true;
  });
  const view = new BucketView<Kinds>(nats, STATE_BUCKET, { lazy: Counted }, null, ["lazy"]);
  await view.open();
  let last = 0;
  for (const n of [1, 2, 3]) last = await put(`lazy.a.${n}`, { n });
  assert.equal(await view.reached(last, 5_000), true);
  assert.deepEqual([...view.counts()], [["lazy", 3]]);
  assert.equal(parsed, 0);
  const lazy = view.kind("lazy");
  assert.deepEqual(lazy.get("a.2")?.value, { n: 2 });
  assert.deepEqual([lazy.has("a.1"), lazy.has("a.9"), parsed], [true, false, 2]);
  assert.deepEqual([[...lazy.keys()].sort(), lazy.size, parsed], [["a.1", "a.2", "a.3"], 3, 3]);
  assert.deepEqual([...view.counts()], [["lazy", 3]]);
  await view.close();
});

test("keys under a token are found without looking through all of them, as they come and go", async () => {
  const view = new BucketView<Kinds>(nats, STATE_BUCKET, { kept: Plain });
  await view.open();
  await put("kept.a.1", { n: 1 });
  await view.reached(await put("kept.ab.1", { n: 1 }), 5_000);
  assert.deepEqual([...view.under("kept", "a")], ["a.1"]);
  await put("kept.a.2", { n: 2 });
  await view.reached(await purge("kept.a.1"), 5_000);
  assert.deepEqual([...view.under("kept", "a")], ["a.2"]);
  assert.deepEqual([...view.under("kept", "none")], []);
  await view.close();
});
