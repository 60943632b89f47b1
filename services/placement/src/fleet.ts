/** The fleet of agents, kept as the view changes, and how far each agent is from this worker's own share. */
import { agentIdOf, type LedgerDocument, type OfferDocument } from "@muster/contracts";
import { Fleet } from "@muster/core";
import { type Cluster, shardOwner } from "@muster/runtime";

/** The farthest share costs less than one instance of an app does, so that apps are still spread over all agents. */
const DISTANCE_MAX = 3;

export type FollowedFleet = {
  readonly fleet: Fleet;
  /** By agent; null while this worker is alone. */
  distance(): Float64Array | null;
  stop(): void;
};

export function followFleet(cluster: Cluster): FollowedFleet {
  const fleet = Fleet.of(cluster.state);
  let workers: readonly string[] = [];
  let distances = new Float64Array(0);
  const unsubscribe = cluster.state.onChange(({ kind, rest, value }) => {
    if (kind === "offer") fleet.setOffer(agentIdOf(rest), value as OfferDocument | null);
    else if (kind === "ledger") fleet.setLedger(agentIdOf(rest), value as LedgerDocument | null);
  });

  /** Each worker goes round the shares from its own on, so that several seldom want the same agent at the same time. */
  function distance(): Float64Array | null {
    const present = cluster.membership.processesOf("placement").toSorted();
    if (present.length < 2) return null;
    const isSame = present.join() === workers.join();
    if (isSame && distances.length === fleet.size) return distances;
    const from = isSame ? distances.length : 0;
    const next = new Float64Array(fleet.size);
    next.set(distances.subarray(0, from));
    workers = present;
    const mine = Math.max(0, workers.indexOf(cluster.membership.process));
    const places = new Map(workers.map((worker, i) => [worker, (i - mine + workers.length) % workers.length]));
    for (let agent = from; agent < fleet.size; agent += 1) {
      const owner = shardOwner(fleet.ids[agent] as string, workers);
      next[agent] = (DISTANCE_MAX * (places.get(owner ?? "") ?? 0)) / workers.length;
    }
    distances = next;
    return distances;
  }

  return { fleet, distance, stop: unsubscribe };
}
