/** Chooses agents for equal instances together: feasibility once per agent, a heap of scores, take the best, adjust, go on. */
import { plus } from "@muster/contracts";
import { type AgentView, offersPort } from "../agent-view.ts";
import type { Ask } from "../ask.ts";
import type { ConstraintState } from "../constraints/state.ts";
import { FEASIBILITY_CHECKS } from "../feasible/index.ts";
import { ScoreHeap, score } from "./rank.ts";

export type Choice = { readonly agent: AgentView; readonly ports: readonly number[] };

export const passes = (ask: Ask, agent: AgentView, constraints: ConstraintState): boolean =>
  FEASIBILITY_CHECKS.every((check) => check.check(ask, agent, constraints).fits);

/** Up to `count` choices, fewer when no agent passes any more. Agents and constraints are changed as if all were taken. */
export function choose(
  ask: Ask,
  count: number,
  agents: Iterable<AgentView>,
  constraints: ConstraintState,
  dice: () => number,
): Choice[] {
  const heap = new ScoreHeap();
  const taken = new Map<AgentView, number>();
  for (const agent of agents) if (passes(ask, agent, constraints)) heap.push(agent, score(ask, agent, 0, dice()));
  const choices: Choice[] = [];
  while (choices.length < count) {
    const agent = heap.pop();
    if (agent === null) break;
    // Within a round what was refused stays refused: counts only grow, free shares only shrink.
    if (!passes(ask, agent, constraints)) continue;
    const ports = takePorts(ask, agent, dice);
    agent.used = plus(agent.used, ask.resources);
    constraints.take(agent);
    choices.push({ agent, ports });
    const mine = (taken.get(agent) ?? 0) + 1;
    taken.set(agent, mine);
    heap.push(agent, score(ask, agent, mine, dice()));
  }
  return choices;
}

/** Fixed ports as asked, the others consecutive from a random start, so that a port just freed is not the next one taken. */
function takePorts(ask: Ask, agent: AgentView, dice: () => number): number[] {
  const used = agent.usedPorts;
  for (const { fixed } of ask.ports) if (fixed !== null) used.add(fixed);
  const next = freePorts(agent, dice);
  return ask.ports.map(({ fixed }) => {
    if (fixed !== null) return fixed;
    const port = next.next().value;
    if (port === undefined) throw new Error(`${agent.offer.agent} passed the ports check and has no port left`);
    used.add(port);
    return port;
  });
}

function* freePorts(agent: AgentView, dice: () => number): Generator<number, undefined> {
  const ranges = agent.offer.ports;
  const first = ranges[Math.floor(dice() * ranges.length)];
  if (first === undefined) return undefined;
  const start = first.first + Math.floor(dice() * (first.last - first.first + 1));
  for (let port = start; port <= first.last; port += 1) if (!agent.usedPorts.has(port)) yield port;
  for (const range of ranges)
    for (let port = range.first; port <= range.last; port += 1)
      if (!agent.usedPorts.has(port) && offersPort(ranges, port)) yield port;
  return undefined;
}
