/** Arithmetic of one agent's ledger: what placement adds, what a release gives back. Exact, or it throws. */
import { appToken, type Gate, type LedgerDocument, minus, NOTHING, plus, type Resources } from "@muster/contracts";

export type Share = {
  readonly app: string;
  readonly version: number;
  readonly resources: Resources;
  readonly ports: readonly number[];
};

export const emptyLedger = (agent: string, gate: Gate): LedgerDocument => ({
  agent,
  n: 0,
  used: NOTHING,
  ports: [],
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
    ports: [...ledger.ports, ...share.ports],
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
    instances: Object.keys(left).length === 0 ? otherApps : { ...otherApps, [token]: left },
  };
}

/** Counts a record that changes no share: an order to stop. */
export const countRecord = (ledger: LedgerDocument): LedgerDocument => ({ ...ledger, n: ledger.n + 1 });
