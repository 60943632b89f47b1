/**
 * Wakes apps that wait when something happened that could cure them, and only then; and those that hold something of an agent that
 * the operator removed, for it is theirs to give up.
 */
import {
  agentIdOf,
  appIdOf,
  appToken,
  HEADER,
  type HoldDocument,
  type LedgerDocument,
  RESOURCE_NAMES,
  type WaitingDocument,
  type WakeClass,
} from "@muster/contracts";
import { appsCuredBy, type ClusterChange, type Fleet } from "@muster/core";
import { type Cluster, wakeUp } from "@muster/runtime";

/** Changes that come together cost one look. */
const GATHER_MS = 10;
/** A wake-up may be lost: an agent that was removed and still holds something is looked at again. */
const REMOVED_EVERY_MS = 10_000;

export function followCures(cluster: Cluster, fleet: Fleet): { stop(): void } {
  const ledgers = new Map<string, LedgerDocument>();
  const pending = new Map<string, ClusterChange>();
  const timers = new Map<string, NodeJS.Timeout>();
  let gathering: NodeJS.Timeout | null = null;

  const note = (change: ClusterChange) => {
    if (cluster.state.kind("waiting").size === 0) return;
    pending.set(JSON.stringify(change), change);
    gathering ??= setTimeout(() => {
      gathering = null;
      const changes = [...pending.values()];
      pending.clear();
      for (const app of appsCuredBy(cluster.state, fleet, changes)) wake(app);
    }, GATHER_MS);
  };
  const wake = (app: string) =>
    void wakeUp(
      cluster.nats,
      { wakeClass: classOf(cluster, app), app },
      { [HEADER.revision]: String(cluster.state.sequence) },
      null,
    );
  /** What comes with time alone: a gang's patience that ends, a hold that runs out. */
  const at = (name: string, atMs: number | null, act: () => void) => {
    clearTimeout(timers.get(name));
    timers.delete(name);
    if (atMs === null) return;
    const timer = setTimeout(
      () => {
        timers.delete(name);
        act();
      },
      Math.min(2 ** 31 - 1, Math.max(1, atMs + 1 - Date.now())),
    );
    timers.set(name, timer);
  };
  const follow = (kind: string, rest: string, value: unknown | null) => {
    switch (kind) {
      case "offer":
        if (value !== null) note({ type: "agent", cure: "agent.offer", agent: agentIdOf(rest) });
        return;
      case "ledger":
        followLedger(rest, value as LedgerDocument | null);
        return;
      case "placed":
        note({ type: "placed", app: appIdOf(rest) });
        return;
      case "waiting": {
        const fromMs = (value as WaitingDocument | null)?.holdFromMs ?? null;
        at(`waiting ${rest}`, fromMs !== null && fromMs > Date.now() ? fromMs : null, () => wake(appIdOf(rest)));
        return;
      }
      case "hold":
        note({ type: "hold" });
        at("hold", (value as HoldDocument | null)?.untilMs ?? null, () => note({ type: "hold" }));
        return;
      default:
        return;
    }
  };
  function followLedger(rest: string, after: LedgerDocument | null): void {
    const before = ledgers.get(rest);
    if (after === null) {
      ledgers.delete(rest);
      return;
    }
    ledgers.set(rest, after);
    if (after.gate.reason === "removed" && before?.gate.reason !== "removed") giveUp(rest);
    if (after.gate.open && before?.gate.open !== true)
      note({ type: "agent", cure: "agent.gate", agent: agentIdOf(rest) });
    if (before !== undefined && hasMore(before, after))
      note({ type: "agent", cure: "instance.released", agent: agentIdOf(rest) });
  }

  function giveUp(rest: string): void {
    const ledger = ledgers.get(rest);
    const apps = ledger?.gate.reason === "removed" ? Object.keys(ledger.instances) : [];
    for (const token of apps) wake(appIdOf(token));
    at(`removed ${rest}`, apps.length === 0 ? null : Date.now() + REMOVED_EVERY_MS, () => giveUp(rest));
  }

  for (const kind of ["ledger", "waiting", "hold"] as const)
    for (const [rest, { value }] of cluster.state.kind(kind)) follow(kind, rest, value);
  const unsubscribe = cluster.state.onChange(({ kind, rest, value }) => follow(kind, rest, value));
  return {
    stop() {
      unsubscribe();
      if (gathering !== null) clearTimeout(gathering);
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}

const hasMore = (before: LedgerDocument, after: LedgerDocument): boolean =>
  RESOURCE_NAMES.some((name) => after.used[name] < before.used[name]) ||
  after.ports.length < before.ports.length ||
  (after.custom !== before.custom && JSON.stringify(after.custom) !== JSON.stringify(before.custom));

/** The app's own class: what waited is no less urgent for it. */
function classOf(cluster: Cluster, app: string): WakeClass {
  const token = appToken(app);
  const version = cluster.state.kind("app").get(token)?.value.version;
  const spec = cluster.state.kind("version").get(`${token}.${version}`)?.value.spec;
  return spec?.placement.priority ?? "normal";
}
