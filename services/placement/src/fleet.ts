/** The fleet of agents, kept as the view changes, and how far each agent is from what a lane should take first. */
import { agentIdOf, type LedgerDocument, type OfferDocument } from "@muster/contracts";
import { Fleet } from "@muster/core";
import { type Cluster, shardOwner } from "@muster/runtime";

/** Both together cost less than one instance of an app does, so that apps are still spread over all agents. */
const SHARE_DISTANCE_MAX = 2;
const BUSY_DISTANCE = 1.9;

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

/** Each worker goes round the shares from its own on, so that several seldom want the same agent at the same time. */
function sharesOf(fleet: Fleet, me: string, workers: readonly string[], before: Share): Share {
  const isSame = before.workers.join() === workers.join();
  if (isSame && before.distances.length === fleet.size) return before;
  const distances = new Float64Array(fleet.size);
  const from = isSame ? before.distances.length : 0;
  distances.set(before.distances.subarray(0, from));
  const mine = Math.max(0, workers.indexOf(me));
  const places = new Map(workers.map((worker, i) => [worker, (i - mine + workers.length) % workers.length]));
  for (let agent = from; agent < fleet.size && workers.length > 1; agent += 1) {
    const owner = shardOwner(fleet.ids[agent] as string, workers);
    distances[agent] = (SHARE_DISTANCE_MAX * (places.get(owner ?? "") ?? 0)) / workers.length;
  }
  return { workers, distances };
}
