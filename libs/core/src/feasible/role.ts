import type { OfferDocument } from "@muster/contracts";
import type { Fleet } from "../fleet/fleet.ts";
import { type FeasibilityCheck, NO_MEASURE } from "./check.ts";

const roleOf = (fleet: Fleet, i: number) => (fleet.offers[i] as OfferDocument).role;

/** Refuses an agent of another role than the app accepts; an app that names none accepts all unreserved agents (`*`). */
export const role = {
  name: "role",
  cures: ["agent.offer"],
  isByClass: true,
  applies: () => true,
  short: (ask, fleet, i) => (ask.roles.includes(roleOf(fleet, i)) ? 0 : NO_MEASURE),
  reason: (ask, fleet, i) => `accepts role ${ask.roles.join(" or ")}, the agent's is ${roleOf(fleet, i)}`,
} as const satisfies FeasibilityCheck;
