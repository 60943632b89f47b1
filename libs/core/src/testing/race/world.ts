/** Random small clusters and apps with every kind of wish about where they run. Equal seeds make equal worlds. */
import {
  type AffinityTerm,
  type AppSpec,
  type Constraint,
  type CustomAsk,
  NO_CUSTOM_ASK,
  NO_PLACEMENT,
  type OfferDocument,
  type PlacementSpec,
  STRATEGIES,
} from "@muster/contracts";
import { offerOf, specOf } from "../builders.ts";
import { diceOf } from "../test-cluster.ts";

/** A stream of random choices. */
export class Rolls {
  readonly #dice: () => number;

  constructor(seed: number) {
    this.#dice = diceOf(seed);
  }

  below(bound: number): number {
    return Math.floor(this.#dice() * bound);
  }
  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}

export type RaceApp = {
  readonly id: string;
  /** What it is upgraded to and back. */
  readonly specs: readonly AppSpec[];
  /** Its rows name their agents, as those of an app on every agent do. */
  readonly isPinned: boolean;
};
export type World = {
  readonly agents: readonly OfferDocument[];
  readonly apps: readonly RaceApp[];
  /** Agents' attributes change: what counts by them is then not held against the rows any more. */
  readonly isMoving: boolean;
};

export function worldOf(seed: number): World {
  const rolls = new Rolls(seed);
  const agents = Array.from({ length: 2 + rolls.below(7) }, (_, i) => agentOf(`n${i + 1}`, rolls));
  const ids = IDS.slice(0, 2 + rolls.below(IDS.length - 1));
  const apps = ids.map((id): RaceApp => {
    const specs = [specFor(id, ids, rolls), ...(rolls.chance(40) ? [specFor(id, ids, rolls)] : [])];
    return { id, specs, isPinned: rolls.chance(12) && specs.every((spec) => spec.placement.gang === null) };
  });
  return { agents, apps, isMoving: rolls.chance(15) };
}

const IDS = ["/a", "/b", "/c/x", "/c/y", "/d", "/e"];
const RACKS = ["r1", "r2", "r3"];
const text = (value: string) => ({ type: "text", value }) as const;

export function agentOf(agent: string, rolls: Rolls): OfferDocument {
  return offerOf(agent, {
    capacity: {
      cpuMillis: rolls.pick([1_000, 2_000, 4_000]),
      memoryMib: rolls.pick([256, 1_024]),
      diskMib: rolls.pick([0, 100]),
      gpus: rolls.pick([0, 0, 1, 2]),
    },
    ports: rolls.pick([
      [],
      [{ first: 31_000, last: 31_001 }],
      [
        { first: 80, last: 80 },
        { first: 31_000, last: 31_001 },
      ],
      [{ first: 31_000, last: 31_005 }],
    ]),
    attributes: {
      ...(rolls.chance(80) ? { rack: text(rolls.pick(RACKS)) } : {}),
      ...(rolls.chance(70) ? { storage: text(rolls.pick(["ssd", "hdd"])) } : {}),
    },
    zone: rolls.pick([null, "z1", "z2"]),
    role: rolls.chance(12) ? "prod" : "*",
    runtimes: rolls.chance(15) ? ["docker"] : ["process", "docker"],
    custom: {
      scalars: rolls.chance(40) ? { fpga: rolls.below(3) } : {},
      sets: rolls.chance(40) ? { disks: ["a", "b", "c"].slice(0, 1 + rolls.below(3)) } : {},
    },
    images: rolls.chance(30) ? ["web:latest"] : [],
  });
}

const BASE = specOf("/base", { portDefinitions: [] });
const port = (number: number) => ({ port: number, protocol: "tcp" as const, name: null, labels: {} });

function specFor(id: string, ids: readonly string[], rolls: Rolls): AppSpec {
  const ports = rolls.chance(70)
    ? []
    : rolls.pick([[port(0)], [port(0), port(0)], [port(31_000)], [port(80), port(0)]]);
  return {
    ...BASE,
    id,
    labels: rolls.chance(60) ? { tier: rolls.pick(["db", "web"]) } : {},
    cpus: rolls.pick([0.001, 0.5, 0.5, 1, 2]),
    mem: rolls.pick([0, 32, 128, 256]),
    disk: rolls.chance(10) ? 50 : 0,
    gpus: rolls.chance(15) ? 1 : 0,
    custom: rolls.chance(20) ? customFor(rolls) : NO_CUSTOM_ASK,
    portDefinitions: ports,
    requirePorts: rolls.chance(30),
    acceptedResourceRoles: rolls.pick([[], [], [], [], ["prod", "*"], ["prod", "*"], ["prod"]]),
    constraints: Array.from({ length: rolls.pick([0, 0, 0, 1, 1, 2]) }, () => constraintFor(rolls)),
    placement: placementFor(id, ids, rolls),
  };
}

const customFor = (rolls: Rolls): CustomAsk =>
  rolls.pick<CustomAsk>([
    { scalars: { fpga: 1 }, sets: {} },
    { scalars: {}, sets: { disks: 1 } },
    { scalars: { fpga: 1 }, sets: { disks: ["b"] } },
  ]);

function constraintFor(rolls: Rolls): Constraint {
  const field = rolls.pick(["rack", "rack", "hostname", "@zone", "storage"]);
  const [operator, value] = rolls.pick<readonly [Constraint["operator"], string | null]>([
    ["UNIQUE", null],
    ["UNIQUE", null],
    ["CLUSTER", null],
    ["CLUSTER", "r1"],
    ["GROUP_BY", null],
    ["GROUP_BY", String(1 + rolls.below(3))],
    ["GROUP_BY", String(1 + rolls.below(3))],
    ["MAX_PER", String(1 + rolls.below(2))],
    ["LIKE", rolls.pick(["r[12]", "n[1-4]", ".*"])],
    ["UNLIKE", rolls.pick(["r3", "n[12]", "hdd"])],
    ["IS", rolls.pick(["r1", "ssd", "z1"])],
  ]);
  return { field, operator, value };
}

function termFor(ids: readonly string[], rolls: Rolls): AffinityTerm {
  const isNamed = rolls.chance(50);
  return {
    app: isNamed ? rolls.pick(ids) : null,
    selector: isNamed
      ? null
      : [{ key: "tier", operator: rolls.pick(["=", "!="]), values: [rolls.pick(["db", "web"])] }],
    over: rolls.pick(["@hostname", "@hostname", "rack"]),
    weight: rolls.chance(35) ? 1 + rolls.below(100) : null,
  };
}

function placementFor(id: string, ids: readonly string[], rolls: Rolls): PlacementSpec {
  const maybe = <T>(percent: number, make: () => T): T[] => (rolls.chance(percent) ? [make()] : []);
  const others = ids.filter((other) => other !== id);
  return {
    ...NO_PLACEMENT,
    strategy: rolls.chance(30) ? rolls.pick(STRATEGIES) : null,
    spreadOver: maybe(20, () => ({ field: rolls.pick(["rack", "@zone"]), weight: 1 + rolls.below(100) })),
    expressions: maybe(15, () => ({
      field: rolls.pick(["storage", "node"]),
      operator: rolls.pick(["==", "!="]),
      pattern: rolls.pick([
        { type: "glob", text: "s*" },
        { type: "regex", text: "n[1-3]|hdd" },
      ]),
      isSoft: rolls.chance(50),
    })),
    affinity: maybe(15, () => termFor(ids, rolls)),
    antiAffinity: maybe(25, () => termFor(ids, rolls)),
    machineOf: rolls.chance(4) ? rolls.pick(others) : null,
    machineMetadata: maybe(5, () => ({ key: "rack", value: rolls.pick(RACKS) })),
    machineId: rolls.chance(3) ? "n1" : null,
    conflicts: maybe(18, () => rolls.pick([...others, "/c/*", "/?", "/*"])),
    gang: rolls.chance(22) ? { patienceSeconds: rolls.pick([0, 5]), holdSeconds: rolls.pick([10, 40]) } : null,
    priority: "normal",
  };
}
