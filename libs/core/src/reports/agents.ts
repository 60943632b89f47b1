/** Agents and the cluster as people see them. */
import {
  type AgentView,
  type ClusterView,
  type HealthView,
  type Lease,
  NOTHING,
  type StateView,
} from "@muster/contracts";
import { instancesAsked } from "../rollout/eligible.ts";

/** Every agent that offers or has offered something, by id. */
export function agentsView(state: StateView, health: HealthView): AgentView[] {
  return [...state.kind("offer").keys()].sort().flatMap((token) => agentView(state, health, token) ?? []);
}

function agentView(state: StateView, health: HealthView, token: string): AgentView | null {
  const offer = state.kind("offer").get(token)?.value;
  if (offer === undefined) return null;
  const ledger = state.kind("ledger").get(token)?.value;
  const { open, reason, sinceMs } = offer.gate;
  const { hostname, address, capacity, ports, attributes, runtimes, incarnation } = offer;
  return {
    id: offer.agent,
    hostname,
    address,
    capacity,
    used: ledger?.used ?? NOTHING,
    ports,
    attributes,
    runtimes,
    instances:
      ledger === undefined ? 0 : sum(Object.values(ledger.instances).flatMap((byVersion) => Object.values(byVersion))),
    incarnation,
    gate: { open, reason, sinceMs },
    orphans: (health.kind("agent").get(token)?.value.orphans ?? []).map((orphan) => orphan.instance),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** The cluster in numbers. `leases`: the processes that live. */
export function clusterView(state: StateView, health: HealthView, leases: readonly Lease[]): ClusterView {
  const rows = [...state.kind("placed")].flatMap(([token, { value }]) =>
    value.rows.map((row) => health.kind("verdict").get(`${token}.${row.slot}.${row.attempt}`)?.value),
  );
  const running = rows.filter((verdict) => verdict?.level === "running");
  return {
    apps: state.kind("app").size,
    instances: {
      wanted: sum([...state.kind("app").values()].map(({ value }) => instancesAsked(state, value))),
      placed: rows.length,
      running: running.length,
      healthy: running.filter((verdict) => verdict?.healthy === true).length,
    },
    agents: {
      total: state.kind("offer").size,
      open: [...state.kind("offer").values()].filter(({ value }) => value.gate.open).length,
    },
    services: leases
      .flatMap(({ process, services, startedAtMs }) => services.map((service) => ({ service, process, startedAtMs })))
      .sort((a, b) => a.service.localeCompare(b.service) || a.process.localeCompare(b.process)),
  };
}
