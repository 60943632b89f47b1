/** An agent as placement sees it in one round: its offer, its ledger, and what this round has already given away. */
import type { LedgerDocument, OfferDocument, PortRange, Resources } from "@muster/contracts";

export class AgentView {
  readonly offer: OfferDocument;
  readonly ledger: LedgerDocument;
  /** What is committed, this round's own choices included. */
  used: Resources;
  #usedPorts: Set<number> | null = null;

  constructor(offer: OfferDocument, ledger: LedgerDocument) {
    this.offer = offer;
    this.ledger = ledger;
    this.used = ledger.used;
  }

  get usedPorts(): Set<number> {
    this.#usedPorts ??= new Set(this.ledger.ports);
    return this.#usedPorts;
  }

  /** Never below zero: an agent that came back smaller than what it holds offers nothing. */
  free(name: keyof Resources): number {
    return Math.max(0, this.offer.capacity[name] - this.used[name]);
  }

  /** Free ports in the agent's ranges; ports outside of them may be committed too and do not count. */
  freePortCount(): number {
    let taken = 0;
    for (const port of this.usedPorts) if (offersPort(this.offer.ports, port)) taken += 1;
    return portCount(this.offer.ports) - taken;
  }
}

export const portCount = (ranges: readonly PortRange[]): number =>
  ranges.reduce((sum, range) => sum + range.last - range.first + 1, 0);

export const offersPort = (ranges: readonly PortRange[], port: number): boolean =>
  ranges.some((range) => port >= range.first && port <= range.last);

/** Instances committed on an agent, of all apps or of one. */
export function instanceCount(ledger: LedgerDocument, appToken?: string): number {
  const apps = appToken === undefined ? Object.values(ledger.instances) : [ledger.instances[appToken] ?? {}];
  let count = 0;
  for (const versions of apps) for (const n of Object.values(versions)) count += n;
  return count;
}
