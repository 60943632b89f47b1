/** The fleet of agents, kept as the view changes, and how far each agent is from what a lane should take first. */
import { agentIdOf, type LedgerDocument, type OfferDocument, ROUND_INSTANCES_MAX } from "@muster/contracts";
import { Fleet } from "@muster/core";
import { type Cluster, shardOwner } from "@muster/runtime";

/** Less than one instance of an app costs: in a small cluster apps are spread over all agents, whoever places them. */
const NEAR_SHARE = 2;
/** More than any number of instances on an agent: a share that holds whole rounds is left for what it refuses only. */
const FAR_SHARE = 1_000;
const SHARE_AGENTS_MIN = ROUND_INSTANCES_MAX;
/** More than one instance: an agent in another batch would only cost this one a revision. */
const BUSY_DISTANCE = 5;

export type FollowedFleet = {
  readonly fleet: Fleet;
  /** By agent. `busy`: agents in batches that are under way. Null where nobody else decides just now. */
  distance(busy: Iterable<string>): Float64Array | null;
  stop(): void;
};

export function followFleet(cluster: Cluster): FollowedFleet {
  const fleet = Fleet.of(cluster.state);
  let share: Share = { workers: [], distances: new Float64Array(0) };
  const unsubscribe = cluster.state.onChange(({ kind, rest, value }) => {
    if (kind === "offer") fleet.setOffer(agentIdOf(rest), value as OfferDocument | null);
    else if (kind === "ledger") fleet.setLedger(agentIdOf(rest), value as LedgerDocument | null);
  });

  function distance(busy: Iterable<string>): Float64Array | null {
    const workers = cluster.membership.processesOf("placement").toSorted();
    share = sharesOf(fleet, cluster.membership.process, workers, share);
    const agents = [...busy].flatMap((agent) => fleet.indexOf(agent) ?? []);
    if (agents.length === 0) return workers.length < 2 ? null : share.distances;
    const distances = share.distances.slice();
    for (const agent of agents) distances[agent] = (distances[agent] as number) + BUSY_DISTANCE;
    return distances;
  }

  return { fleet, distance, stop: unsubscribe };
}

type Share = { readonly workers: readonly string[]; readonly distances: Float64Array };

/**
 * Each worker goes round the shares from its own on, so that several seldom want the same agent at the same time. Measured with
 * four workers at 5,000 agents: with near shares half of all batches were lost to others.
 */
function sharesOf(fleet: Fleet, me: string, workers: readonly string[], before: Share): Share {
  if (before.distances.length === fleet.size && before.workers.join() === workers.join()) return before;
  const distances = new Float64Array(fleet.size);
  const most = fleet.size / workers.length >= SHARE_AGENTS_MIN ? FAR_SHARE : NEAR_SHARE;
  const mine = Math.max(0, workers.indexOf(me));
  const places = new Map(workers.map((worker, i) => [worker, (i - mine + workers.length) % workers.length]));
  for (let agent = 0; agent < fleet.size && workers.length > 1; agent += 1) {
    const owner = shardOwner(fleet.ids[agent] as string, workers);
    distances[agent] = (most * (places.get(owner ?? "") ?? 0)) / workers.length;
  }
  return { workers, distances };
}
