import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AppSpec,
  type CheckName,
  GATE_REASONS,
  type LedgerDocument,
  NOTHING,
  type OfferDocument,
  type Resources,
} from "@muster/contracts";
import { askOf } from "../ask.ts";
import { Fleet } from "../fleet/fleet.ts";
import { offerOf, openLedger, specOf } from "../testing/builders.ts";
import type { FeasibilityCheck } from "./check.ts";
import { CLASS_CHECKS, QUANTITY_CHECKS } from "./index.ts";

const ALL: readonly FeasibilityCheck[] = [...CLASS_CHECKS, ...QUANTITY_CHECKS];
const check = (name: CheckName): FeasibilityCheck => ALL.find((each) => each.name === name) as FeasibilityCheck;

type Row = {
  check: CheckName;
  /** What differs from one cpu, 64 MiB and no ports. */
  app?: Record<string, unknown>;
  offer?: Partial<OfferDocument>;
  used?: Partial<Resources>;
  ledger?: Partial<LedgerDocument>;
  /** null: passes. */
  refusal: string | null;
  short?: number;
};

const SMALL: Resources = { cpuMillis: 2_000, memoryMib: 1_024, diskMib: 100, gpus: 1 };
const TWO_RANGES = [
  { first: 80, last: 80 },
  { first: 31_000, last: 31_001 },
];
const DISKS = { scalars: { fpga: 2 }, sets: { disks: ["sda", "sdb", "sdc"] } };
const host = (ports: number[], requirePorts: boolean) => ({
  portDefinitions: ports.map((port) => ({ port })),
  requirePorts,
});
const bridge = (...portMappings: object[]) => ({
  container: { type: "DOCKER", docker: { image: "i", network: "BRIDGE", portMappings } },
});
const taken = (ports: number[]) => ({ ledger: { ports } });

const TABLE: Row[] = [
  ...GATE_REASONS.filter((reason) => reason !== "open").map(
    (reason): Row => ({
      check: "gate",
      ledger: { gate: { open: false, reason, sinceMs: 0, incarnation: 1 } },
      refusal: {
        joining: "the agent is joining: what it runs is not known yet",
        cordon: "the agent is cordoned",
        drain: "the agent is being drained",
        suspect: "the agent is suspect: it missed heartbeats",
        unreachable: "the agent is unreachable",
        removed: "the agent was removed",
      }[reason],
      short: Number.POSITIVE_INFINITY,
    }),
  ),
  { check: "gate", refusal: null },

  { check: "runtime", refusal: null },
  { check: "runtime", offer: { runtimes: ["docker"] }, refusal: "needs the process runtime, the agent has docker" },
  {
    check: "runtime",
    app: bridge(),
    offer: { runtimes: ["process"] },
    refusal: "needs the docker runtime, the agent has process",
  },
  { check: "runtime", app: bridge(), offer: { runtimes: [] }, refusal: "needs the docker runtime, the agent has none" },
  { check: "runtime", app: bridge(), refusal: null },

  { check: "role", refusal: null },
  { check: "role", offer: { role: "prod" }, refusal: "accepts role *, the agent's is prod" },
  {
    check: "role",
    app: { acceptedResourceRoles: ["prod", "web"] },
    refusal: "accepts role prod or web, the agent's is *",
  },
  { check: "role", app: { acceptedResourceRoles: ["prod", "*"] }, refusal: null },

  { check: "cpus", app: { cpus: 2 }, refusal: null },
  { check: "cpus", app: { cpus: 3 }, refusal: "needs 3 cpus, 2 free", short: 1_000 },
  { check: "cpus", app: { cpus: 0.5 }, used: { cpuMillis: 1_800 }, refusal: "needs 0.5 cpus, 0.2 free", short: 300 },
  { check: "cpus", app: { cpus: 0.001 }, used: { cpuMillis: 2_000 }, refusal: "needs 0.001 cpus, 0 free", short: 1 },
  { check: "cpus", app: { cpus: 1 }, used: { cpuMillis: 3_000 }, refusal: "needs 1 cpus, 0 free", short: 1_000 },
  { check: "memory", app: { mem: 1_025 }, refusal: "needs 1025 MiB of memory, 1024 free", short: 1 },
  { check: "memory", app: { mem: 1_023.5 }, refusal: null },
  { check: "disk", app: { disk: 200 }, refusal: "needs 200 MiB of disk, 100 free", short: 100 },
  { check: "gpus", app: { gpus: 1 }, refusal: null },
  { check: "gpus", app: { gpus: 2 }, refusal: "needs 2 gpus, 1 free", short: 1 },
  { check: "gpus", app: { gpus: 1 }, used: { gpus: 1 }, refusal: "needs 1 gpus, 0 free", short: 1 },

  { check: "custom", app: { resources: { fpga: 2 } }, offer: { custom: DISKS }, refusal: null },
  {
    check: "custom",
    app: { resources: { fpga: 3 } },
    offer: { custom: DISKS },
    refusal: "needs 3 fpga, 2 free",
    short: 1,
  },
  { check: "custom", app: { resources: { fpga: 1 } }, refusal: "needs 1 fpga, 0 free", short: 1 },
  {
    check: "custom",
    app: { resources: { fpga: 2 } },
    offer: { custom: DISKS },
    ledger: { custom: { scalars: { fpga: 1 }, sets: {} } },
    refusal: "needs 2 fpga, 1 free",
    short: 1,
  },
  { check: "custom", app: { resources: { fpga: 0 } }, refusal: null },
  { check: "custom", app: { resources: { disks: { any: 3 } } }, offer: { custom: DISKS }, refusal: null },
  {
    check: "custom",
    app: { resources: { disks: { any: 4 } } },
    offer: { custom: DISKS },
    refusal: "needs 4 of disks, 3 free",
    short: 1,
  },
  {
    check: "custom",
    app: { resources: { disks: { any: 2 } } },
    offer: { custom: DISKS },
    ledger: { custom: { scalars: {}, sets: { disks: ["sda", "sdc", "gone"] } } },
    refusal: "needs 2 of disks, 1 free",
    short: 1,
  },
  { check: "custom", app: { resources: { disks: ["sdb", "sda"] } }, offer: { custom: DISKS }, refusal: null },
  {
    check: "custom",
    app: { resources: { disks: ["sdb", "sda"] } },
    offer: { custom: DISKS },
    ledger: { custom: { scalars: {}, sets: { disks: ["sda"] } } },
    refusal: "sda of disks is in use",
    short: 1,
  },
  {
    check: "custom",
    app: { resources: { disks: ["nvme0"] } },
    offer: { custom: DISKS },
    refusal: "needs nvme0 of disks, which the agent does not have",
    short: Number.POSITIVE_INFINITY,
  },

  { check: "ports", app: host([0, 0, 0], false), offer: { ports: TWO_RANGES }, refusal: null },
  {
    check: "ports",
    app: host([0, 0, 0, 0], false),
    offer: { ports: TWO_RANGES },
    refusal: "needs 4 host ports, 3 free",
    short: 1,
  },
  {
    check: "ports",
    app: host([0, 0], false),
    offer: { ports: TWO_RANGES },
    ...taken([80, 31_001, 40_000]),
    refusal: "needs 2 host ports, 1 free",
    short: 1,
  },
  { check: "ports", app: host([0], false), offer: { ports: [] }, refusal: "needs 1 host port, 0 free", short: 1 },
  { check: "ports", app: host([8080], false), offer: { ports: TWO_RANGES }, refusal: null },
  {
    check: "ports",
    app: host([8080], true),
    offer: { ports: TWO_RANGES },
    refusal: "the agent does not offer host port 8080",
    short: Number.POSITIVE_INFINITY,
  },
  { check: "ports", app: host([80, 31_000], true), offer: { ports: TWO_RANGES }, refusal: null },
  {
    check: "ports",
    app: host([80, 31_000], true),
    offer: { ports: TWO_RANGES },
    ...taken([31_000]),
    refusal: "host port 31000 is in use",
    short: 1,
  },
  {
    check: "ports",
    app: bridge({ containerPort: 53, hostPort: 80, protocol: "udp,tcp" }, { containerPort: 1, hostPort: 0 }),
    offer: { ports: TWO_RANGES },
    ...taken([31_000, 31_001]),
    refusal: "needs 2 host ports, 1 free",
    short: 1,
  },
];

for (const row of TABLE)
  test(`${row.check} ${row.refusal === null ? "passes" : "refuses"} ${JSON.stringify({ ...row, check: undefined })}`, () => {
    const ask = askOf("/a", 1, specOf("/a", row.app));
    const fleet = fleetOf(row);
    const { applies, short, reason } = check(row.check);
    const missing = applies(ask) ? short(ask, fleet, 0) : 0;
    assert.equal(missing > 0 ? reason(ask, fleet, 0) : null, row.refusal);
    if (row.short !== undefined) assert.equal(missing, row.short);
  });

function fleetOf({ offer = {}, used = {}, ledger = {} }: Omit<Row, "check" | "refusal">): Fleet {
  const fleet = new Fleet();
  fleet.setOffer("n1", offerOf("n1", { capacity: SMALL, ...offer }));
  fleet.setLedger("n1", { ...openLedger("n1"), used: { ...NOTHING, ...used }, ...ledger });
  return fleet;
}

test("an agent that came back smaller than what it holds offers nothing, and what asks for nothing of it passes", () => {
  const used = { cpuMillis: 9_000, memoryMib: 9_000, diskMib: 9_000, gpus: 9 };
  const fleet = fleetOf({ used, ledger: { custom: { scalars: { fpga: 9 }, sets: { disks: ["a", "b"] } } } });
  const names = (app: Partial<AppSpec>): CheckName[] => {
    // No spec asks for less than a thousandth of a cpu; the arithmetic holds for what asks for none.
    const spec = { ...specOf("/a", { portDefinitions: [] }), cpus: 0, mem: 0, ...app };
    const ask = askOf("/a", 1, spec);
    return ALL.filter(({ applies, short }) => applies(ask) && short(ask, fleet, 0) > 0).map(({ name }) => name);
  };
  assert.deepEqual(names({}), []);
  assert.deepEqual(names({ cpus: 0.001, mem: 1, disk: 1, gpus: 1, custom: { scalars: { fpga: 1 }, sets: {} } }), [
    "cpus",
    "memory",
    "disk",
    "gpus",
    "custom",
  ]);
});

test("every check names a cure, so that whoever waits is woken", () => {
  for (const { name, cures } of ALL) assert.ok(cures.length > 0, name);
});
