import assert from "node:assert/strict";
import { appendFileSync, readFileSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { FactState, InstanceDocument } from "@muster/contracts";
import { createLog } from "@muster/runtime";
import { FLUSH_FACTS_MAX, JOURNAL_BYTES_MAX, TOMBSTONE_KEPT_MS } from "../limits.ts";
import { makeFact, type Statement } from "../tasks/facts.ts";
import { instanceDocument, shell, workDirectory } from "../testing/documents.ts";
import type { Entry } from "./entries.ts";
import { type Journal, openJournal } from "./journal.ts";

const log = createLog("test");
const self = { agent: "n1", hostname: "h1", life: "life", incarnation: 1 };
let nowMs = 1_000_000;
const open = (workDir: string): Journal => openJournal(workDir, () => nowMs, log);

const intent = (record: InstanceDocument, sequence = 1): Entry => ({
  type: "intent",
  instance: record.instance,
  sequence,
  record,
});
function fact(journal: Journal, record: InstanceDocument, state: FactState, more: Partial<Statement> = {}): Entry {
  const said = { state, reason: "exited", message: "", ...more } as const;
  const event = makeFact(self, record, said, {
    number: journal.drawNumber(),
    recordSequence: 1,
    traceparent: null,
    atMs: nowMs,
  });
  return { type: "fact", event };
}
const numbers = (journal: Journal): number[] => journal.outbox(1_000).map((event) => event.data.number);

test("facts survive a restart in order, and numbers go on", async () => {
  const workDir = workDirectory();
  const record = instanceDocument();
  const first = open(workDir);
  await first.write([intent(record), fact(first, record, "staging")]);
  await first.write([fact(first, record, "running")]);
  await first.close();
  const second = open(workDir);
  assert.deepEqual(numbers(second), [1, 2]);
  assert.equal(second.drawNumber(), 3);
  assert.equal(second.instances.get(record.instance)?.state, "running");
});

test("what checks were told to have found is known after a restart, and is no state of the task", async () => {
  const workDir = workDirectory();
  const record = instanceDocument();
  const health = [
    {
      alive: true,
      consecutiveFailures: 0,
      firstSuccessMs: 1,
      lastSuccessMs: 2,
      lastFailureMs: null,
      lastFailureCause: null,
    },
  ];
  const checkResult = { type: "tcp", succeeded: true } as const;
  const first = open(workDir);
  await first.write([intent(record), fact(first, record, "running"), fact(first, record, "healthy", { health })]);
  await first.write([fact(first, record, "checked", { checkResult })]);
  await first.close();
  const kept = open(workDir).instances.get(record.instance);
  assert.deepEqual(
    [kept?.state, kept?.healthy, kept?.health, kept?.checkResult],
    ["running", true, health, checkResult],
  );
});

test("a fact is not sendable before it is on disk", async () => {
  const workDir = workDirectory();
  const record = instanceDocument();
  const journal = open(workDir);
  let told = 0;
  journal.onSendable = () => {
    told += 1;
  };
  const written = journal.write([fact(journal, record, "staging")]);
  assert.deepEqual(numbers(journal), []);
  assert.equal(told, 0);
  await written;
  assert.deepEqual(numbers(journal), [1]);
  assert.equal(told, 1);
});

test("a line cut off by a crash is dropped and what stood before it holds", async () => {
  const workDir = workDirectory();
  const record = instanceDocument();
  const first = open(workDir);
  await first.write([intent(record)]);
  await first.write([fact(first, record, "staging")]);
  await first.write([fact(first, record, "running")]);
  await first.close();
  const path = join(workDir, "journal");
  truncateSync(path, statSync(path).size - 7);
  const second = open(workDir);
  assert.deepEqual(numbers(second), [1]);
  await second.write([fact(second, record, "running")]);
  await second.close();
  assert.deepEqual(numbers(open(workDir)), [1, 2]);
});

test("a crash at any byte leaves a journal that opens with a prefix of what was written", async () => {
  const workDir = workDirectory();
  const record = instanceDocument();
  const first = open(workDir);
  for (const state of ["staging", "running", "killing", "killed"] as const)
    await first.write([fact(first, record, state)]);
  await first.close();
  const path = join(workDir, "journal");
  const whole = readFileSync(path);
  for (let size = 0; size <= whole.length; size += 13) {
    truncateSync(path, 0);
    appendFileSync(path, whole.subarray(0, size));
    const journal = open(workDir);
    const seen = numbers(journal);
    assert.deepEqual(seen, [1, 2, 3, 4].slice(0, seen.length), `cut at ${size}`);
    await journal.close();
  }
});

test("stored facts leave the outbox for good, and their numbers are not drawn again", async () => {
  const workDir = workDirectory();
  const record = instanceDocument();
  const first = open(workDir);
  await first.write([
    intent(record),
    fact(first, record, "staging"),
    fact(first, record, "running"),
    fact(first, record, "finished"),
  ]);
  first.stored(2);
  assert.deepEqual(numbers(first), [3]);
  first.stored(3);
  await first.write([]);
  await first.close();
  const second = open(workDir);
  assert.deepEqual(numbers(second), []);
  assert.equal(second.drawNumber(), 4);
});

test("an ended id is remembered without its document, and forgotten an hour after its record was purged", async () => {
  const workDir = workDirectory();
  const record = instanceDocument(shell("x".repeat(1_000)));
  const reopen = async (journal: Journal): Promise<Journal> => {
    await journal.close();
    return open(workDir);
  };
  let journal = open(workDir);
  await journal.write([intent(record), fact(journal, record, "finished")]);
  assert.notEqual(journal.instances.get(record.instance)?.record, null);
  journal.stored(1);
  journal = await reopen(journal);
  assert.equal(journal.instances.get(record.instance)?.record, null);
  nowMs += 100 * TOMBSTONE_KEPT_MS;
  journal = await reopen(journal);
  assert.ok(journal.instances.has(record.instance));
  await journal.write([{ type: "purged", instance: record.instance, sequence: 5, atMs: nowMs }]);
  nowMs += TOMBSTONE_KEPT_MS + 1;
  journal = await reopen(await reopen(journal));
  assert.ok(!journal.instances.has(record.instance));
});

test("an id that was refused is not remembered without the fact that tells it", async () => {
  const workDir = workDirectory();
  const record = instanceDocument();
  const first = open(workDir);
  await first.write([{ type: "intent", instance: record.instance, sequence: 1, record: null }]);
  await first.close();
  assert.ok(!open(workDir).instances.has(record.instance));
});

test("a living instance keeps its document when its record is purged", async () => {
  const workDir = workDirectory();
  const record = instanceDocument();
  const first = open(workDir);
  await first.write([intent(record), fact(first, record, "running")]);
  first.stored(1);
  await first.write([{ type: "purged", instance: record.instance, sequence: 5, atMs: 1 }]);
  await first.close();
  assert.deepEqual(open(workDir).instances.get(record.instance)?.record, record);
});

test("the file stays near what it must hold, and a rewrite loses and doubles nothing", async () => {
  const workDir = workDirectory();
  const record = instanceDocument({ env: { A: "x".repeat(20_000) } });
  const journal = open(workDir);
  const rounds = Math.ceil((3 * JOURNAL_BYTES_MAX) / 20_000);
  for (let i = 0; i < rounds; i += 1) {
    const other = { ...record, instance: `test.0.${10_000 + i}` };
    await Promise.all([
      journal.write([intent(other), fact(journal, other, "staging")]),
      journal.write([fact(journal, other, "finished")]),
    ]);
    if (i < rounds - 5) journal.stored(2 * i + 2);
  }
  assert.ok(statSync(join(workDir, "journal")).size < 1.2 * JOURNAL_BYTES_MAX);
  const seen = numbers(journal);
  await journal.close();
  const again = open(workDir);
  assert.deepEqual(numbers(again), seen);
  assert.equal(seen.length, 10);
  assert.equal(again.instances.size, rounds);
});

test("writers that come together share one wait for the disk and all get what they wrote", async () => {
  const workDir = workDirectory();
  const journal = open(workDir);
  const records = Array.from({ length: 200 }, () => instanceDocument());
  await Promise.all(records.map((record) => journal.write([intent(record), fact(journal, record, "staging")])));
  await journal.close();
  assert.equal(numbers(open(workDir)).length, 200);
});

test("lines that may wait reach the disk with the next that may not, in order, or alone when their time is over", async () => {
  const workDir = workDirectory();
  const record = instanceDocument();
  const journal = open(workDir);
  const order: string[] = [];
  const note = (name: string) => () => order.push(name);
  const patient = journal.write([fact(journal, record, "staging")], { writeMs: 60_000 }).then(note("patient"));
  const urgent = journal.write([fact(journal, record, "running")]).then(note("urgent"));
  await Promise.all([patient, urgent]);
  assert.deepEqual(
    [order, numbers(journal)],
    [
      ["patient", "urgent"],
      [1, 2],
    ],
  );
  const startedMs = performance.now();
  await journal.write([fact(journal, record, "killing")], { writeMs: 50 });
  assert.ok(performance.now() - startedMs >= 49);
  void journal.write([fact(journal, record, "killed")], { writeMs: 60_000 });
  await journal.close();
  assert.deepEqual(numbers(open(workDir)), [1, 2, 3, 4]);
});

test("a fact is due when its patience is over, or that of one beside it, and at once when many wait", async () => {
  const record = instanceDocument();
  const journal = open(workDirectory());
  const tell = (sendMs: number) => journal.write([fact(journal, record, "running")], { sendMs });
  assert.equal(journal.dueInMs(), Number.POSITIVE_INFINITY);
  await tell(60_000);
  assert.ok(journal.dueInMs() > 50_000);
  await tell(0);
  assert.equal(journal.dueInMs(), 0);
  journal.stored(2);
  assert.equal(journal.dueInMs(), Number.POSITIVE_INFINITY);
  await Promise.all(Array.from({ length: FLUSH_FACTS_MAX }, () => tell(60_000)));
  assert.equal(journal.dueInMs(), 0);
  await journal.close();
});
