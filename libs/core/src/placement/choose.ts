/** Chooses agents for equal instances together: feasibility once per agent, a heap of scores, take the best, adjust, go on. */
import type { CustomResources } from "@muster/contracts";
import type { Ask } from "../ask.ts";
import { addCustom } from "../custom.ts";
import { takeItems } from "../feasible/custom.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { freePorts } from "../fleet/ports.ts";
import type { Rule } from "../rules/rule.ts";
import { FeasibleSet } from "./feasible-set.ts";
import { ScoreHeap } from "./heap.ts";
import type { Ranking } from "./rank.ts";

export type Choice = {
  /** Index in the fleet. */
  readonly agent: number;
  readonly ports: readonly number[];
  /** Items taken of custom sets. */
  readonly items: Record<string, string[]>;
};

export type Group = {
  readonly ask: Ask;
  readonly fleet: Fleet;
  readonly rules: readonly Rule[];
  readonly ranking: Ranking;
  readonly dice: () => number;
};

const NO_PORTS: readonly number[] = [];

/** Up to `count` choices, fewer when no agent passes any more. Fleet, rules and ranking are changed as if all were taken. */
export function choose(group: Group, count: number): Choice[] {
  const { ask, fleet, rules, ranking } = group;
  const feasible = new FeasibleSet(ask, fleet, rules);
  const { agents, scores } = fleet.scratch;
  const candidates = feasible.collect(agents);
  ranking.scoreAll(agents, scores, candidates);
  const heap = new ScoreHeap(agents, scores, candidates);
  const choices: Choice[] = [];
  while (choices.length < count && heap.size > 0) {
    const agent = heap.agent;
    // Within a group what was refused stays refused: counts only grow, free shares only shrink.
    if (!feasible.has(agent)) {
      heap.pop();
      continue;
    }
    if (ranking.isEven && ranking.score(agent) > heap.score) {
      heap.rescore(ranking.score(agent));
      continue;
    }
    choices.push(take(group, agent));
    if (ranking.take(agent)) heap.rescoreAll((each) => ranking.score(each));
    else heap.rescore(ranking.score(agent));
  }
  return choices;
}

/** One instance for each agent that was named, `most` in all; null where it does not pass, or is none. */
export function chooseOn(group: Group, agents: readonly (number | null)[], most: number): (Choice | null)[] {
  const feasible = new FeasibleSet(group.ask, group.fleet, group.rules);
  let given = 0;
  return agents.map((agent) => {
    if (agent === null || given === most || !feasible.has(agent)) return null;
    given += 1;
    group.ranking.take(agent);
    return take(group, agent);
  });
}

function take(group: Group, agent: number): Choice {
  const { ask, fleet, rules } = group;
  const ports = ask.ports.length === 0 ? NO_PORTS : takePorts(group, agent);
  let items: Record<string, string[]> = {};
  let custom: CustomResources | null = null;
  if (ask.custom !== null) {
    items = takeItems(ask, fleet, agent);
    custom = addCustom(fleet.takenCustom(agent), { scalars: ask.custom.scalars, items });
  }
  fleet.take(agent, ask.resources, ports, custom);
  for (let i = 0; i < rules.length; i += 1) (rules[i] as Rule).take?.(agent);
  return { agent, ports, items };
}

/** Fixed ports as asked, the others consecutive from a random start. */
function takePorts({ ask, fleet, dice }: Group, agent: number): number[] {
  const used = new Set(fleet.takenPorts(agent));
  for (const { fixed } of ask.ports) if (fixed !== null) used.add(fixed);
  const next = freePorts(fleet.offers[agent]?.ports ?? [], used, dice);
  return ask.ports.map(({ fixed }) => {
    if (fixed !== null) return fixed;
    const port = next.next().value;
    if (port === undefined) throw new Error(`${fleet.ids[agent]} passed the ports check and has no port left`);
    return port;
  });
}
