import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { commitShare, countRecord, releaseShare, type Share } from "./ledger.ts";
import { openLedger } from "./testing/builders.ts";

const share: fc.Arbitrary<Share> = fc.record({
  app: fc.constantFrom("/a", "/b/c"),
  version: fc.integer({ min: 1, max: 3 }),
  resources: fc.record({ cpuMillis: fc.nat(5_000), memoryMib: fc.nat(5_000), diskMib: fc.nat(100), gpus: fc.nat(2) }),
  ports: fc.constant([]),
  custom: fc.oneof(fc.constant(null), fc.record({ scalars: fc.record({ fpga: fc.nat(3) }), items: fc.constant({}) })),
});

test("releasing all that was committed, in any order, leaves the ledger as it was, but for the count of records", () => {
  fc.assert(
    fc.property(
      fc.array(share, { maxLength: 20 }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      (shares, order) => {
        const numbered = shares.map((each, i) => ({ ...each, ports: [31_000 + i] }));
        const full = numbered.reduce(commitShare, openLedger("n1"));
        const shuffled = numbered.map((each) => ({ each, at: order.next().value })).sort((a, b) => a.at - b.at);
        const empty = shuffled.reduce((ledger, { each }) => releaseShare(ledger, each), full);
        assert.deepEqual({ ...empty, n: 0 }, openLedger("n1"));
        assert.equal(empty.n, shares.length);
      },
    ),
  );
});

test("releasing what is not held throws, because then our own arithmetic is wrong", () => {
  const one: Share = {
    app: "/a",
    version: 1,
    resources: { cpuMillis: 100, memoryMib: 1, diskMib: 0, gpus: 0 },
    ports: [],
    custom: null,
  };
  assert.throws(() => releaseShare(openLedger("n1"), one), /holds no instance/);
  const ledger = commitShare(openLedger("n1"), one);
  assert.throws(
    () => releaseShare(ledger, { ...one, resources: { ...one.resources, cpuMillis: 101 } }),
    /releasing 101 cpuMillis of 100/,
  );
});

test("a stop order counts a record and changes no share", () => {
  assert.deepEqual(countRecord(openLedger("n1")), { ...openLedger("n1"), n: 1 });
});
