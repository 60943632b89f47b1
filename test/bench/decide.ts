/** Decisions alone, in process and on one core: which agent each instance gets, nothing written. Groups as large as a round. */
import { type AppSpec, type OfferDocument, ROUND_INSTANCES_MAX, readApp } from "@muster/contracts";
import { askOf, choose, emptyLedger, Fleet, groupOf, type OtherApps, resourcesOf } from "@muster/core";
import { monotonicMs } from "@muster/runtime";
import { type Bench, type BenchOptions, figure, type Measured, type Say } from "./result.ts";

const AGENTS = 5_000;
const RACKS = 50;
const RUNS = 5;
const NOBODY: OtherApps = {
  agentsOf: () => [],
  agentsMatching: () => [],
  agentsNamed: () => [],
  rulers: () => [],
  meets() {},
};

function fleetOf(count: number): Fleet {
  const fleet = new Fleet();
  for (let i = 0; i < count; i += 1) {
    const agent = `n${i}`;
    const offer: OfferDocument = {
      agent,
      hostname: agent,
      address: "127.0.0.1",
      capacity: { cpuMillis: 32_000, memoryMib: 65_536, diskMib: 100_000, gpus: 0 },
      ports: [{ first: 31_000, last: 31_999 }],
      attributes: {
        rack: { type: "text", value: `rack-${i % RACKS}` },
        disk: { type: "text", value: i % 2 === 0 ? "ssd" : "hdd" },
      },
      role: "*",
      region: null,
      zone: null,
      runtimes: ["process", "docker"],
      custom: { scalars: {}, sets: {} },
      images: [],
      gate: { open: true, reason: "open", sinceMs: 1, incarnation: 1 },
      incarnation: 1,
    };
    fleet.setOffer(agent, offer);
    fleet.setLedger(agent, emptyLedger(agent, { open: true, reason: "open", sinceMs: 0, incarnation: 1 }));
  }
  return fleet;
}

const appOf = (id: string, fields: Record<string, unknown>): AppSpec =>
  readApp({ id, cmd: "sleep 1", cpus: 0.1, mem: 16, portDefinitions: [], ...fields }).spec;

/** Agents given to the instances of one app, decided in rounds as placement decides them. */
function place(fleet: Fleet, spec: AppSpec, instances: number, others: OtherApps = NOBODY): number[] {
  const ask = askOf(spec.id, 1, spec);
  const given: number[] = [];
  while (given.length < instances) {
    const group = groupOf({
      ask,
      fleet,
      own: given,
      standing: given,
      instances,
      others,
      strategy: "spread",
      failed: new Set(),
      distance: null,
      dice: Math.random,
    });
    const choices = choose(group, Math.min(ROUND_INSTANCES_MAX, instances - given.length));
    if (choices.length === 0) break;
    for (const { agent } of choices) given.push(agent);
  }
  return given;
}

/** Nobody got more than there is, by a count of its own. */
function isWithinCapacity(fleet: Fleet, placed: readonly { spec: AppSpec; agents: readonly number[] }[]): boolean {
  const used = new Map<number, { cpuMillis: number; memoryMib: number }>();
  for (const { spec, agents } of placed) {
    const { cpuMillis, memoryMib } = resourcesOf(spec);
    for (const agent of agents) {
      const sum = used.get(agent) ?? { cpuMillis: 0, memoryMib: 0 };
      used.set(agent, { cpuMillis: sum.cpuMillis + cpuMillis, memoryMib: sum.memoryMib + memoryMib });
    }
  }
  return [...used].every(([agent, sum]) => {
    const capacity = fleet.offers[agent]?.capacity;
    return capacity !== undefined && sum.cpuMillis <= capacity.cpuMillis && sum.memoryMib <= capacity.memoryMib;
  });
}

type Trial = { readonly rate: number; readonly isRight: boolean };

/** The median of several runs, each on a fleet of its own; the first warms up and does not count. */
function median(say: Say, name: string, run: () => Trial): Trial {
  const trials: Trial[] = [];
  for (let i = 0; i <= RUNS; i += 1) {
    const trial = run();
    if (i > 0) trials.push(trial);
  }
  const rates = trials.map(({ rate }) => rate).sort((a, b) => a - b);
  const rate = rates[Math.floor(rates.length / 2)] as number;
  say(`${name}: median ${Math.round(rate)} decisions/s of ${rates.map((each) => Math.round(each)).join(", ")}`);
  return { rate, isRight: trials.every(({ isRight }) => isRight) };
}

function timed(
  fleet: Fleet,
  work: () => { spec: AppSpec; agents: number[] }[],
  wanted: number,
): Trial & {
  readonly placed: { spec: AppSpec; agents: number[] }[];
} {
  const startedAt = monotonicMs();
  const placed = work();
  const ms = monotonicMs() - startedAt;
  const decided = placed.reduce((sum, { agents }) => sum + agents.length, 0);
  return { rate: (decided / ms) * 1_000, isRight: decided === wanted && isWithinCapacity(fleet, placed), placed };
}

const measured = (parameters: Measured["parameters"], figures: Readonly<Record<string, Trial>>): Measured => ({
  parameters,
  figures: Object.fromEntries(
    Object.entries(figures).map(([key, { rate }]) => [key, figure(rate, "decisions/s")] as const),
  ),
  correct: Object.values(figures).every(({ isRight }) => isRight),
  nats: {},
});

const sizes = (options: BenchOptions, instances: number) => ({
  agents: options.agents ?? AGENTS,
  instances: options.instances ?? instances,
});

export const decideBasic: Bench = async (options, say) => {
  const { agents, instances } = sizes(options, 50_000);
  const spec = appOf("/basic", {});
  const rate = median(say, "decide-basic", () => {
    const fleet = fleetOf(agents);
    return timed(fleet, () => [{ spec, agents: place(fleet, spec, instances) }], instances);
  });
  return measured({ agents, instances, group: ROUND_INSTANCES_MAX }, { rate });
};

const MIXED_INSTANCES = 10;
/** Every app its own size and its own mix of rules. */
const mixedApp = (i: number): AppSpec =>
  appOf(`/mixed-${i}`, {
    cpus: 0.05 + (i % 37) * 0.01,
    mem: 16 + (i % 53),
    portDefinitions: i % 3 === 0 ? [{ port: 0 }] : [],
    constraints: [
      [["hostname", "UNIQUE"]],
      [["rack", "GROUP_BY", "5"]],
      [["rack", "LIKE", `rack-${i % 10}.*`]],
      [
        ["rack", "MAX_PER", "2"],
        ["disk", "IS", "ssd"],
      ],
      [
        ["disk", "UNLIKE", "hdd"],
        ["hostname", "MAX_PER", "1"],
      ],
      [],
    ][i % 6],
  });

export const decideMixed: Bench = async (options, say) => {
  const { agents, instances } = sizes(options, 10_000);
  const apps = Array.from({ length: Math.ceil(instances / MIXED_INSTANCES) }, (_, i) => mixedApp(i));
  const wanted = apps.length * MIXED_INSTANCES;
  const rate = median(say, "decide-mixed", () => {
    const fleet = fleetOf(agents);
    const { placed, ...trial } = timed(
      fleet,
      () => apps.map((spec) => ({ spec, agents: place(fleet, spec, MIXED_INSTANCES) })),
      wanted,
    );
    return { ...trial, isRight: trial.isRight && placed.every((each) => keepsMixed(fleet, each)) };
  });
  return measured({ agents, apps: apps.length, instances: wanted }, { rate });
};

const attribute = (fleet: Fleet, agent: number, name: string): string =>
  String(fleet.offers[agent]?.attributes[name]?.value);

function most(values: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Math.max(0, ...counts.values());
}

function keepsMixed(fleet: Fleet, { spec, agents }: { spec: AppSpec; agents: readonly number[] }): boolean {
  return spec.constraints.every(({ field, operator, value }) => {
    const values = agents.map((agent) => (field === "hostname" ? `n${agent}` : attribute(fleet, agent, field)));
    switch (operator) {
      case "UNIQUE":
        return most(values) === 1;
      case "MAX_PER":
        return most(values) <= Number(value);
      case "GROUP_BY":
        return most(values) <= Math.ceil(agents.length / Number(value)) && new Set(values).size <= Number(value);
      case "LIKE":
        return values.every((each) => new RegExp(`^(?:${value})$`).test(each));
      case "UNLIKE":
        return values.every((each) => !new RegExp(`^(?:${value})$`).test(each));
      case "IS":
        return values.every((each) => each === value);
      default:
        return false;
    }
  });
}

export const decideConstrained: Bench = async (options, say) => {
  const { agents } = sizes(options, 0);
  const half = Math.floor(agents / 2);
  type Case = {
    spec: AppSpec;
    wanted: number;
    others?: (fleet: Fleet) => OtherApps;
    holds: (fleet: Fleet, given: number[]) => boolean;
  };
  const racksOf = (fleet: Fleet, given: readonly number[]) => given.map((agent) => attribute(fleet, agent, "rack"));
  const cases: Record<string, Case> = {
    rate_group_by: {
      spec: appOf("/grouped", { constraints: [["rack", "GROUP_BY"]] }),
      wanted: agents,
      holds: (fleet, given) => most(racksOf(fleet, given)) <= Math.ceil(agents / Math.min(RACKS, agents)),
    },
    rate_unique: {
      spec: appOf("/unique", { constraints: [["hostname", "UNIQUE"]] }),
      wanted: agents,
      holds: (_fleet, given) => new Set(given).size === given.length,
    },
    rate_like: {
      spec: appOf("/like", { constraints: [["rack", "LIKE", "rack-[0-9]*[02468]"]] }),
      wanted: agents,
      holds: (fleet, given) => racksOf(fleet, given).every((rack) => /[02468]$/.test(rack)),
    },
    rate_anti_affinity: {
      spec: appOf("/shy", { placement: { antiAffinity: [{ app: "/db" }] } }),
      wanted: agents,
      others: () => ({ ...NOBODY, agentsOf: () => Array.from({ length: half }, (_, i) => 2 * i) }),
      holds: (_fleet, given) => given.every((agent) => agent % 2 === 1),
    },
  };
  const figures: Record<string, Trial> = {};
  for (const [key, { spec, wanted, others, holds }] of Object.entries(cases))
    figures[key] = median(say, key, () => {
      const fleet = fleetOf(agents);
      const { placed, ...trial } = timed(
        fleet,
        () => [{ spec, agents: place(fleet, spec, wanted, others?.(fleet)) }],
        wanted,
      );
      return { ...trial, isRight: trial.isRight && holds(fleet, placed[0]?.agents ?? []) };
    });
  return measured({ agents, racks: RACKS }, figures);
};
