import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type FactState, STREAM } from "@muster/contracts";
import { createLog, type Nats } from "@muster/runtime";
import { until } from "@muster/testkit";
import { type Journal, openJournal } from "../journal/journal.ts";
import { makeFact } from "../tasks/facts.ts";
import { type Cluster, cluster } from "../testing/cluster.ts";
import { instanceDocument, workDirectory } from "../testing/documents.ts";
import { factFlush } from "./flush.ts";

const log = createLog("test");
const self = (life = "a-life") => ({ agent: "n1", hostname: "h1", life, incarnation: 1 });
const STATES: readonly FactState[] = ["staging", "running", "healthy", "unhealthy", "healthy", "killing", "killed"];

/** A journal that holds facts `from` to `to`, as a work directory of its own. */
async function outbox(to: number, { from = 1, life = "a-life" } = {}): Promise<{ journal: Journal; workDir: string }> {
  const workDir = workDirectory();
  const journal = openJournal(workDir, Date.now, log);
  const record = instanceDocument({}, { attempt: 77 });
  for (let n = 1; n <= to; n += 1) {
    const number = journal.drawNumber();
    const said = { state: STATES[(n - 1) % STATES.length] as FactState, reason: "started", message: "" } as const;
    const event = makeFact(self(life), record, said, { number, recordSequence: 1, traceparent: null, atMs: 0 });
    if (n >= from) await journal.write([{ type: "fact", event }]);
  }
  return { journal, workDir };
}

async function flush(
  t: TestContext,
  on: Cluster,
  journal: Journal,
  { nats = on.nats, life = "a-life" } = {},
): Promise<void> {
  const flushing = factFlush({ nats, link: on.link, journal, self: self(life), log });
  t.after(() => flushing.stop());
  flushing.wake();
  await until(() => journal.outbox(1).length === 0);
}
const stored = async (on: Cluster): Promise<number[]> => (await on.facts()).map((event) => event.data.number);

test("facts are stored in order, also those whose subject comes again", async (t) => {
  const on = await cluster(t);
  await flush(t, on, (await outbox(7)).journal);
  assert.deepEqual(await stored(on), [1, 2, 3, 4, 5, 6, 7]);
});

test("an outbox that was sent before, wholly or in part, stores nothing twice", async (t) => {
  const on = await cluster(t);
  const { journal, workDir } = await outbox(3);
  const copy = workDirectory();
  copyFileSync(join(workDir, "journal"), join(copy, "journal"));
  await flush(t, on, journal);
  const again = openJournal(copy, Date.now, log);
  await flush(t, on, again);
  assert.deepEqual(await stored(on), [1, 2, 3]);
  assert.equal(again.drawNumber(), 4);
  await flush(t, on, (await outbox(7)).journal);
  assert.deepEqual(await stored(on), [1, 2, 3, 4, 5, 6, 7]);
});

test("a batch whose answer was lost is looked for before it is sent again", async (t) => {
  const on = await cluster(t);
  let lost = 0;
  const connection = Object.create(on.nats.connection, {
    publish: { value: on.nats.connection.publish.bind(on.nats.connection) },
    request: {
      value: async (...args: Parameters<typeof on.nats.connection.request>) => {
        const answer = await on.nats.connection.request(...args);
        lost += 1;
        if (lost === 1) throw new Error("timeout");
        return answer;
      },
    },
  });
  const nats: Nats = { ...on.nats, connection };
  await flush(t, on, (await outbox(7)).journal, { nats });
  assert.ok(lost > 1);
  assert.deepEqual(await stored(on), [1, 2, 3, 4, 5, 6, 7]);
});

test("a few facts go one by one, and one whose answer was lost is looked for before it is sent again", async (t) => {
  const on = await cluster(t);
  let sent = 0;
  const js = Object.create(on.nats.js, {
    publish: {
      value: async (...args: Parameters<typeof on.nats.js.publish>) => {
        const ack = await on.nats.js.publish(...args);
        sent += 1;
        if (sent === 1) throw new Error("timeout");
        return ack;
      },
    },
  });
  await flush(t, on, (await outbox(2)).journal, { nats: { ...on.nats, js } });
  assert.equal(sent, 2);
  assert.deepEqual(await stored(on), [1, 2]);
});

test("facts go on after the stream has forgotten all of ours", async (t) => {
  const on = await cluster(t);
  const { journal } = await outbox(2);
  const flushing = factFlush({ nats: on.nats, link: on.link, journal, self: self(), log });
  t.after(() => flushing.stop());
  flushing.wake();
  await until(() => journal.outbox(1).length === 0);
  await on.nats.jsm.streams.purge(STREAM.facts);
  const event = makeFact(
    self(),
    instanceDocument(),
    { state: "running", reason: "started", message: "" },
    { number: journal.drawNumber(), recordSequence: 1, traceparent: null, atMs: 0 },
  );
  await journal.write([{ type: "fact", event }]);
  flushing.wake();
  await until(() => journal.outbox(1).length === 0);
  assert.deepEqual(await stored(on), [3]);
});

test("facts of another work directory with the same agent id drop none of ours", async (t) => {
  const on = await cluster(t);
  await flush(t, on, (await outbox(6, { life: "other" })).journal, { life: "other" });
  await flush(t, on, (await outbox(3)).journal);
  assert.deepEqual(await stored(on), [1, 2, 3, 4, 5, 6, 1, 2, 3]);
});

test("a fact that may wait is sent with the next that may not, and all at once when the agent stops", async (t) => {
  const on = await cluster(t);
  const journal = openJournal(workDirectory(), Date.now, log);
  const flushing = factFlush({ nats: on.nats, link: on.link, journal, self: self(), log });
  t.after(() => flushing.stop());
  journal.onSendable = flushing.wake;
  const tell = (sendMs: number) => {
    const said = { state: "running", reason: "started", message: "" } as const;
    const number = journal.drawNumber();
    const event = makeFact(self(), instanceDocument(), said, { number, recordSequence: 1, traceparent: null, atMs: 0 });
    return journal.write([{ type: "fact", event }], { sendMs });
  };
  await tell(60_000);
  await tell(60_000);
  assert.deepEqual(await stored(on), []);
  await tell(0);
  await until(() => journal.outbox(1).length === 0);
  assert.deepEqual(await stored(on), [1, 2, 3]);
  await tell(60_000);
  await flushing.empty(2_000);
  assert.deepEqual(await stored(on), [1, 2, 3, 4]);
});

test("a thousand facts of as many instances need few batches", async (t) => {
  const on = await cluster(t);
  const journal = openJournal(workDirectory(), Date.now, log);
  await Promise.all(
    Array.from({ length: 1_000 }, () => {
      const said = { state: "running", reason: "started", message: "" } as const;
      const event = makeFact(self(), instanceDocument(), said, {
        number: journal.drawNumber(),
        recordSequence: 1,
        traceparent: null,
        atMs: 0,
      });
      return journal.write([{ type: "fact", event }]);
    }),
  );
  let batches = 0;
  const connection = Object.create(on.nats.connection, {
    publish: { value: on.nats.connection.publish.bind(on.nats.connection) },
    request: {
      value: (...args: Parameters<typeof on.nats.connection.request>) => {
        batches += 1;
        return on.nats.connection.request(...args);
      },
    },
  });
  await flush(t, on, journal, { nats: { ...on.nats, connection } });
  assert.equal(batches, 5);
  assert.equal((await on.nats.jsm.streams.info(STREAM.facts)).state.messages, 1_000);
});
