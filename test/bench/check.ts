/** After a benchmark: does what stands in the buckets add up? Each fault is a sentence. */
import { appToken, instanceId, keys, NOTHING, plus, RESOURCE_NAMES, type Resources } from "@muster/contracts";
import type { Cluster } from "@muster/runtime";
import { openTestCluster } from "../support/control-plane.ts";

/** Reads everything anew and answers what is wrong with it; nothing is. */
export async function faultsIn(url: string): Promise<string[]> {
  const cluster = await openTestCluster(url);
  try {
    return [...ledgerFaults(cluster), ...rowFaults(cluster)];
  } finally {
    await cluster.close();
  }
}

type Held = { count: number; resources: Resources; ports: number[] };

/** No ledger above its offer's capacity; each the sum of its placed rows; no port twice on an agent. */
function ledgerFaults({ state }: Cluster): string[] {
  const held = new Map<string, Held>();
  for (const [token, { value: placed }] of state.kind("placed")) {
    for (const row of placed.rows) {
      const spec = state.kind("version").get(`${token}.${row.version}`)?.value.spec;
      const before = held.get(row.agent) ?? { count: 0, resources: NOTHING, ports: [] };
      const share: Resources =
        spec === undefined
          ? NOTHING
          : {
              cpuMillis: Math.ceil(spec.cpus * 1_000 - 1e-6),
              memoryMib: Math.ceil(spec.mem),
              diskMib: Math.ceil(spec.disk),
              gpus: spec.gpus,
            };
      before.count += 1;
      before.resources = plus(before.resources, share);
      before.ports.push(...row.ports);
      held.set(row.agent, before);
    }
  }
  const faults: string[] = [];
  for (const [token, { value: ledger }] of state.kind("ledger")) {
    const offer = state.kind("offer").get(token)?.value;
    const sum = held.get(ledger.agent) ?? { count: 0, resources: NOTHING, ports: [] };
    const counted = Object.values(ledger.instances).flatMap((versions) => Object.values(versions));
    const count = counted.reduce((total, n) => total + n, 0);
    if (count !== sum.count) faults.push(`${token}: its ledger counts ${count} instances, ${sum.count} are placed`);
    if (new Set(ledger.ports).size !== ledger.ports.length) faults.push(`${token} has a port twice`);
    if (ledger.ports.toSorted().join() !== sum.ports.toSorted().join())
      faults.push(`${token}: the ports of its ledger are not those of its instances`);
    for (const name of RESOURCE_NAMES) {
      if (ledger.used[name] !== sum.resources[name])
        faults.push(`${token}: its ledger holds ${ledger.used[name]} ${name}, its instances ${sum.resources[name]}`);
      if (ledger.used[name] > (offer?.capacity[name] ?? 0))
        faults.push(`${token}: ${ledger.used[name]} ${name} of ${offer?.capacity[name] ?? 0}`);
    }
  }
  return faults;
}

/** Each wanted row placed exactly once, under an attempt of its own, with an instance record; nothing else is placed. */
function rowFaults({ state }: Cluster): string[] {
  const faults: string[] = [];
  let rows = 0;
  for (const [token, { value: wanted }] of state.kind("wanted")) {
    const placed = state.kind("placed").get(token)?.value.rows ?? [];
    const attempts = new Set(placed.map((row) => row.attempt));
    if (attempts.size !== placed.length) faults.push(`${token}: an attempt was placed twice`);
    const wishes = new Set(wanted.rows.filter((row) => row.goal === "run").map((row) => `${row.slot}.${row.attempt}`));
    for (const row of placed) {
      const ref = { app: wanted.app, slot: row.slot, attempt: row.attempt };
      if (!wishes.delete(`${row.slot}.${row.attempt}`)) faults.push(`${instanceId(ref)} is placed and not wanted`);
      if (!state.kind("instance").has(keys.instance(row.agent, ref).slice("instance.".length)))
        faults.push(`${instanceId(ref)} has no record on ${row.agent}`);
    }
    if (wishes.size > 0) faults.push(`${appToken(wanted.app)}: ${wishes.size} wanted rows are not placed`);
    rows += placed.length;
  }
  const records = state.kind("instance").size;
  if (records !== rows) faults.push(`${records} instance records, ${rows} placed rows`);
  return faults;
}
