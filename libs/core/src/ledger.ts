/** Arithmetic of one agent's ledger: what placement adds, what a release gives back. Exact, or it throws. */
import { appToken, type Gate, type LedgerDocument, minus, NOTHING, plus, type Resources } from "@muster/contracts";
import type { Ask } from "./ask.ts";
import { addCustom, type CustomShare, subtractCustom } from "./custom.ts";

export type Share = {
  readonly app: string;
  readonly version: number;
  readonly resources: Resources;
  readonly ports: readonly number[];
  /** Custom resources; null takes none. */
  readonly custom: CustomShare | null;
};

/** What an instance holds: its ask, with the ports and the items it was given. */
export const shareOf = (
  { app, version, resources, custom }: Ask,
  ports: readonly number[],
  items: Readonly<Record<string, string[]>>,
): Share => ({ app, version, resources, ports, custom: custom === null ? null : { scalars: custom.scalars, items } });

export const emptyLedger = (agent: string, gate: Gate): LedgerDocument => ({
  agent,
  n: 0,
  used: NOTHING,
  ports: [],
  custom: { scalars: {}, sets: {} },
  instances: {},
  gate,
});

/** Commits a share and counts the record that tells the agent. */
export function commitShare(ledger: LedgerDocument, share: Share): LedgerDocument {
  const token = appToken(share.app);
  const versions = ledger.instances[token] ?? {};
  return {
    ...ledger,
    n: ledger.n + 1,
    used: plus(ledger.used, share.resources),
    ports: share.ports.length === 0 ? ledger.ports : [...ledger.ports, ...share.ports],
    custom: share.custom === null ? ledger.custom : addCustom(ledger.custom, share.custom),
    instances: { ...ledger.instances, [token]: { ...versions, [share.version]: (versions[share.version] ?? 0) + 1 } },
  };
}

/** Gives a share back. Throws where it was not held: then our own arithmetic is wrong. */
export function releaseShare(ledger: LedgerDocument, share: Share): LedgerDocument {
  const token = appToken(share.app);
  const { [token]: versions = {}, ...otherApps } = ledger.instances;
  const { [share.version]: count = 0, ...otherVersions } = versions;
  if (count < 1)
    throw new Error(`${ledger.agent} holds no instance of ${share.app} version ${share.version} to release`);
  const left = count > 1 ? { ...otherVersions, [share.version]: count - 1 } : otherVersions;
  const given = new Set(share.ports);
  return {
    ...ledger,
    used: minus(ledger.used, share.resources),
    ports: ledger.ports.filter((port) => !given.has(port)),
    custom: share.custom === null ? ledger.custom : subtractCustom(ledger.custom, share.custom),
    instances: Object.keys(left).length === 0 ? otherApps : { ...otherApps, [token]: left },
  };
}

/** Counts a record that changes no share: an order to stop. */
export const countRecord = (ledger: LedgerDocument): LedgerDocument => ({ ...ledger, n: ledger.n + 1 });
