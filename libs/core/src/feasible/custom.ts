import type { CustomAsk, CustomResources, OfferDocument } from "@muster/contracts";
import type { Ask } from "../ask.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { type FeasibilityCheck, NO_MEASURE } from "./check.ts";

const offered = (fleet: Fleet, i: number): CustomResources => (fleet.offers[i] as OfferDocument).custom;

export const freeScalar = (fleet: Fleet, i: number, name: string): number =>
  Math.max(0, (offered(fleet, i).scalars[name] ?? 0) - (fleet.takenCustom(i).scalars[name] ?? 0));

/** Items of a set nobody has taken, in the order in which the agent names them. */
export function freeItems(fleet: Fleet, i: number, name: string): readonly string[] {
  const taken = fleet.takenCustom(i).sets[name] ?? [];
  return (offered(fleet, i).sets[name] ?? []).filter((item) => !taken.includes(item));
}

type Shortage = { readonly short: number; readonly reason: string };

function shortageOf(ask: Ask, fleet: Fleet, i: number): Shortage | null {
  const { scalars, sets } = ask.custom as CustomAsk;
  for (const [name, asked] of Object.entries(scalars)) {
    const free = freeScalar(fleet, i, name);
    if (free < asked) return { short: asked - free, reason: `needs ${asked} ${name}, ${free} free` };
  }
  for (const [name, asked] of Object.entries(sets)) {
    const free = freeItems(fleet, i, name);
    if (typeof asked === "number") {
      if (free.length < asked)
        return { short: asked - free.length, reason: `needs ${asked} of ${name}, ${free.length} free` };
      continue;
    }
    const missing = asked.find((item) => !free.includes(item));
    if (missing !== undefined) return shortageOfItem(name, missing, offered(fleet, i).sets[name] ?? []);
  }
  return null;
}

const shortageOfItem = (name: string, item: string, all: readonly string[]): Shortage =>
  all.includes(item)
    ? { short: 1, reason: `${item} of ${name} is in use` }
    : { short: NO_MEASURE, reason: `needs ${item} of ${name}, which the agent does not have` };

/** Refuses an agent that lacks one of the operator's own resources. */
export const custom = {
  name: "custom",
  cures: ["agent.offer", "instance.released"],
  isQuantity: true,
  applies: (ask) => ask.custom !== null,
  short: (ask, fleet, i) => shortageOf(ask, fleet, i)?.short ?? 0,
  reason: (ask, fleet, i) => shortageOf(ask, fleet, i)?.reason ?? "",
} as const satisfies FeasibilityCheck;

/** The items an instance takes: those it names, or the first free ones. The agent must have passed the check. */
export function takeItems(ask: Ask, fleet: Fleet, i: number): Record<string, string[]> {
  const items: Record<string, string[]> = {};
  for (const [name, asked] of Object.entries(ask.custom?.sets ?? {}))
    items[name] = typeof asked === "number" ? freeItems(fleet, i, name).slice(0, asked) : [...asked];
  return items;
}
