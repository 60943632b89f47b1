/** Wakes apps that wait when something happened that could cure them, and only then. */
import { type Cure, HEADER, type LedgerDocument, RESOURCE_NAMES } from "@muster/contracts";
import { appsCuredBy } from "@muster/core";
import { type Cluster, wakeUp } from "@muster/runtime";

/** Changes that come together cost one look. */
const GATHER_MS = 10;

export function followCures(cluster: Cluster): { stop(): void } {
  const ledgers = new Map<string, LedgerDocument>();
  const pending = new Set<Cure>();
  let timer: NodeJS.Timeout | null = null;
  const note = (cure: Cure) => {
    if (cluster.state.kind("waiting").size === 0) return;
    pending.add(cure);
    timer ??= setTimeout(() => {
      timer = null;
      const apps = new Set([...pending].flatMap((each) => appsCuredBy(cluster.state, each)));
      pending.clear();
      const seen = { [HEADER.revision]: String(cluster.state.sequence) };
      for (const app of apps) void wakeUp(cluster.nats, { wakeClass: "retry", app }, seen, null);
    }, GATHER_MS);
  };
  for (const [key, { value }] of cluster.state.kind("ledger")) ledgers.set(key, value);
  const unsubscribe = cluster.state.onChange(({ kind, rest, value }) => {
    if (kind === "offer" && value !== null) note("agent.offer");
    if (kind !== "ledger" || value === null) return;
    const [before, after] = [ledgers.get(rest), value as LedgerDocument];
    ledgers.set(rest, after);
    if (after.gate.open && before?.gate.open !== true) note("agent.gate");
    if (before !== undefined && RESOURCE_NAMES.some((name) => after.used[name] < before.used[name]))
      note("instance.released");
    else if (before !== undefined && after.ports.length < before.ports.length) note("instance.released");
  });
  return {
    stop() {
      unsubscribe();
      if (timer !== null) clearTimeout(timer);
    },
  };
}
