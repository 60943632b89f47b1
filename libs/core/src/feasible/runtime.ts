import type { OfferDocument } from "@muster/contracts";
import type { Fleet } from "../fleet/fleet.ts";
import { type FeasibilityCheck, NO_MEASURE } from "./check.ts";

const runtimesOf = (fleet: Fleet, i: number) => (fleet.offers[i] as OfferDocument).runtimes;

/** Refuses an agent that cannot run this kind of task: Docker asked for, no engine there. */
export const runtime = {
  name: "runtime",
  cures: ["agent.offer"],
  isByClass: true,
  applies: () => true,
  short: (ask, fleet, i) => (runtimesOf(fleet, i).includes(ask.runtime) ? 0 : NO_MEASURE),
  reason: (ask, fleet, i) =>
    `needs the ${ask.runtime} runtime, the agent has ${runtimesOf(fleet, i).join(" and ") || "none"}`,
} as const satisfies FeasibilityCheck;
