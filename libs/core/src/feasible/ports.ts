import type { OfferDocument } from "@muster/contracts";
import type { Ask } from "../ask.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { offersPort } from "../fleet/ports.ts";
import { type FeasibilityCheck, NO_MEASURE } from "./check.ts";

const notOffered = ({ fixedPorts }: Ask, fleet: Fleet, i: number): number | null =>
  fixedPorts.find((port) => !offersPort((fleet.offers[i] as OfferDocument).ports, port)) ?? null;
const inUse = ({ fixedPorts }: Ask, fleet: Fleet, i: number): number | null =>
  fixedPorts.find((port) => fleet.takenPorts(i).has(port)) ?? null;

/** Refuses an agent whose host ports cannot serve the ask: fixed ones must be offered and free, dynamic ones numerous enough. */
export const ports = {
  name: "ports",
  cures: ["agent.offer", "instance.released"],
  isQuantity: true,
  applies: (ask) => ask.ports.length > 0,
  short: (ask, fleet, i) => {
    if (ask.fixedPorts.length > 0 && notOffered(ask, fleet, i) !== null) return NO_MEASURE;
    if (ask.fixedPorts.length > 0 && inUse(ask, fleet, i) !== null) return 1;
    return Math.max(0, ask.ports.length - fleet.freePorts(i));
  },
  reason: (ask, fleet, i) => {
    const foreign = notOffered(ask, fleet, i);
    if (foreign !== null) return `the agent does not offer host port ${foreign}`;
    const taken = inUse(ask, fleet, i);
    if (taken !== null) return `host port ${taken} is in use`;
    return `needs ${ask.ports.length} host port${ask.ports.length === 1 ? "" : "s"}, ${fleet.freePorts(i)} free`;
  },
} as const satisfies FeasibilityCheck;
