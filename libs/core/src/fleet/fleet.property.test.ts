/** The fleet is changed bit by bit for as long as a worker lives: it must always be what a fresh look would make of the same documents. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  agentToken,
  type CustomResources,
  GATE_REASONS,
  keys,
  type LedgerDocument,
  type OfferDocument,
  type Resources,
} from "@muster/contracts";
import fc from "fast-check";
import { offerOf, openLedger } from "../testing/builders.ts";
import { MemoryBucket } from "../testing/memory-bucket.ts";
import { ABSENT, Fleet } from "./fleet.ts";

const AGENTS = ["n1", "n2", "n3.rack", "n4"];
const FIELDS = ["@hostname", "@agent", "@zone", "rack", "slots"];
const NUMBERS = ["cpuMillis", "memoryMib", "diskMib", "gpus"] as const;

const resources = (most: number): fc.Arbitrary<Resources> =>
  fc.record({ cpuMillis: fc.nat(most), memoryMib: fc.nat(most), diskMib: fc.nat(most), gpus: fc.nat(3) });
const custom: fc.Arbitrary<CustomResources> = fc.record({
  scalars: fc.constantFrom({}, { fpga: 2 }),
  sets: fc.constantFrom({}, { disks: ["sda", "sdb"] }),
});

const offer = (agent: string): fc.Arbitrary<OfferDocument> =>
  fc
    .record({
      capacity: resources(4_000),
      ports: fc.constantFrom<OfferDocument["ports"][]>(
        [],
        [{ first: 31_000, last: 31_003 }],
        [
          { first: 31_000, last: 31_001 },
          { first: 80, last: 80 },
        ],
      ),
      attributes: fc.constantFrom<OfferDocument["attributes"]>(
        {},
        { rack: { type: "text", value: "r1" } },
        { rack: { type: "text", value: "r2" }, slots: { type: "scalar", value: 4 } },
      ),
      hostname: fc.constantFrom(agent, "other"),
      zone: fc.constantFrom(null, "z1"),
      role: fc.constantFrom("*", "prod"),
      runtimes: fc.constantFrom<OfferDocument["runtimes"]>([], ["process"], ["docker", "process"]),
      custom,
    })
    .map((more) => offerOf(agent, more));

const ledger = (agent: string): fc.Arbitrary<LedgerDocument> =>
  fc
    .record({
      used: resources(5_000),
      ports: fc.uniqueArray(fc.constantFrom(80, 31_000, 31_001, 40_000)),
      custom,
      open: fc.boolean(),
      reason: fc.constantFrom(...GATE_REASONS),
    })
    .map(({ open, reason, ...more }) => {
      const empty = openLedger(agent);
      return { ...empty, ...more, gate: { ...empty.gate, open, reason } };
    });

type Change =
  | { what: "offer"; agent: string; offer: OfferDocument | null }
  | { what: "ledger"; agent: string; ledger: LedgerDocument | null };
const anAgent = fc.constantFrom(...AGENTS);
const change: fc.Arbitrary<Change> = anAgent.chain((agent) =>
  fc.oneof(
    fc.record({
      what: fc.constant("offer" as const),
      agent: fc.constant(agent),
      offer: fc.option(offer(agent), { freq: 5 }),
    }),
    fc.record({
      what: fc.constant("ledger" as const),
      agent: fc.constant(agent),
      ledger: fc.option(ledger(agent), { freq: 5 }),
    }),
  ),
);
type Move =
  | { what: "take" | "giveBack"; at: number; resources: Resources; ports: number[]; custom: CustomResources }
  | { what: "hold"; at: number; resources: Resources; count: number };
const move: fc.Arbitrary<Move> = fc.oneof(
  fc.record({
    what: fc.constantFrom("take" as const, "giveBack" as const),
    at: fc.nat(3),
    resources: resources(500),
    ports: fc.uniqueArray(fc.constantFrom(80, 31_000, 31_001, 31_002)),
    custom,
  }),
  fc.record({
    what: fc.constant("hold" as const),
    at: fc.nat(3),
    resources: resources(500),
    count: fc.integer({ min: -2, max: 2 }),
  }),
);

/** All that a fleet says about an agent, whatever numbers it goes by inside. */
function told(fleet: Fleet, agent: string): unknown {
  const i = fleet.indexOf(agent);
  if (i === null || fleet.classes[i] === ABSENT) return "absent";
  return {
    ...Object.fromEntries(
      NUMBERS.flatMap((name) => [
        [name, fleet[name][i]],
        [`free ${name}`, fleet.free(i, name)],
      ]),
    ),
    load: fleet.load(i),
    taken: [...fleet.takenPorts(i)].sort(),
    freePorts: fleet.freePorts(i),
    custom: fleet.takenCustom(i),
    fields: FIELDS.map((field) => fleet.column(field).valueOf(i)),
    likes: AGENTS.filter((other) => {
      const o = fleet.indexOf(other);
      return o !== null && fleet.classes[o] === fleet.classes[i];
    }),
    slow:
      fleet.column("rack").matches("is r1", (value) => value === "r1")[fleet.column("rack").ids[i] as number] ?? false,
  };
}
const toldOfAll = (fleet: Fleet) => ({
  agents: AGENTS.map((agent) => told(fleet, agent)),
});

test("after any changes a fleet says what a fresh one says of the same documents, and a round leaves no trace", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ changes: fc.array(change, { maxLength: 5 }), round: fc.array(move, { maxLength: 8 }) }), {
        maxLength: 6,
      }),
      fc.nat(6),
      (phases, columnsFrom) => {
        const bucket = new MemoryBucket();
        const fleet = new Fleet();
        for (const [phase, { changes, round }] of phases.entries()) {
          // Columns may be asked for at any time: before there are agents or after.
          if (phase >= columnsFrom) for (const field of FIELDS) fleet.column(field);
          for (const each of changes) {
            if (each.what === "offer") {
              bucket.write(keys.offer(each.agent), each.offer);
              fleet.setOffer(each.agent, each.offer);
            } else {
              bucket.write(keys.ledger(each.agent), each.ledger);
              fleet.setLedger(each.agent, each.ledger);
            }
          }
          const before = toldOfAll(fleet);
          assert.deepEqual(before, toldOfAll(Fleet.of(bucket.snapshot())), `after the changes of phase ${phase}`);
          play(fleet, round);
          fleet.restore();
          assert.deepEqual(toldOfAll(fleet), before, `after the round of phase ${phase}`);
        }
      },
    ),
    { numRuns: 300 },
  );
});

function play(fleet: Fleet, round: readonly Move[]): void {
  for (const each of round) {
    const i = fleet.indexOf(AGENTS[each.at] as string);
    if (i === null || fleet.classes[i] === ABSENT) continue;
    const before = NUMBERS.map((name) => fleet[name][i] as number);
    if (each.what === "hold") {
      fleet.hold(i, each.resources, each.count);
      NUMBERS.forEach((name, n) => {
        assert.equal(fleet[name][i], (before[n] as number) - each.count * each.resources[name]);
      });
      continue;
    }
    const sign = each.what === "take" ? 1 : -1;
    const ports = new Set(fleet.takenPorts(i));
    if (each.what === "take") fleet.take(i, each.resources, each.ports, each.custom);
    else fleet.giveBack(i, each.resources, each.ports, each.custom);
    for (const port of each.ports)
      if (sign > 0) ports.add(port);
      else ports.delete(port);
    NUMBERS.forEach((name, n) => {
      assert.equal(fleet[name][i], (before[n] as number) - sign * each.resources[name]);
      assert.equal(fleet.free(i, name), Math.max(0, fleet[name][i] as number), "nothing free is less than nothing");
    });
    assert.deepEqual(new Set(fleet.takenPorts(i)), ports);
    assert.equal(fleet.freePorts(i), freePortsOf(fleet.offers[i] as OfferDocument, ports));
    assert.deepEqual(fleet.takenCustom(i), each.custom);
  }
}

const freePortsOf = ({ ports }: OfferDocument, taken: ReadonlySet<number>): number => {
  let free = 0;
  for (const { first, last } of ports) for (let port = first; port <= last; port += 1) if (!taken.has(port)) free += 1;
  return free;
};

test("a fleet grows beyond its first room and keeps what it knows", () => {
  const fleet = new Fleet();
  fleet.column("rack");
  for (let i = 0; i < 200; i += 1) {
    const agent = `n${i}`;
    fleet.setOffer(agent, offerOf(agent, { attributes: { rack: { type: "text", value: `r${i % 7}` } } }));
    fleet.setLedger(agent, { ...openLedger(agent), used: { cpuMillis: i, memoryMib: 0, diskMib: 0, gpus: 0 } });
  }
  for (let i = 0; i < 200; i += 1) {
    const at = fleet.indexOf(`n${i}`) as number;
    assert.equal(fleet.free(at, "cpuMillis"), 4_000 - i);
    assert.equal(fleet.column("rack").valueOf(at), `r${i % 7}`);
    assert.equal(fleet.column("@agent").valueOf(at), `n${i}`);
  }
});

test("an agent's load is between 0 and 1, even where it came back smaller than what it holds", () => {
  const fleet = new Fleet();
  const loadOf = (capacity: number, used: number): number => {
    const resources = (amount: number) => ({ cpuMillis: amount, memoryMib: 1_000, diskMib: 0, gpus: 0 });
    fleet.setOffer("n1", offerOf("n1", { capacity: resources(capacity) }));
    fleet.setLedger("n1", { ...openLedger("n1"), used: { ...resources(used), memoryMib: 0 } });
    return fleet.load(fleet.indexOf("n1") as number);
  };
  for (const [capacity, used, load] of [
    [4_000, 0, 0],
    [4_000, 1_000, 0.25],
    [4_000, 4_000, 1],
    [1_000, 4_000, 1],
    [0, 0, 1],
  ] as const)
    assert.equal(loadOf(capacity, used), load, `${used} of ${capacity}`);
});

test("agents are named by their ids, not by the tokens of their keys", () => {
  const bucket = new MemoryBucket();
  bucket.write(keys.offer("n3.rack"), offerOf("n3.rack"));
  assert.ok(bucket.snapshot().kind("offer").has(agentToken("n3.rack")));
  assert.equal(Fleet.of(bucket.snapshot()).indexOf("n3.rack"), 0);
});
