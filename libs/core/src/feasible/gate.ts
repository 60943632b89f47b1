import type { LedgerDocument } from "@muster/contracts";
import type { Fleet } from "../fleet/fleet.ts";
import { type FeasibilityCheck, NO_MEASURE } from "./check.ts";

const gateOf = (fleet: Fleet, i: number) => (fleet.ledgers[i] as LedgerDocument).gate;

/** Refuses an agent whose gate is closed: joining, cordoned, draining, suspect, unreachable or removed. */
export const gate = {
  name: "gate",
  cures: ["agent.gate"],
  isByClass: true,
  applies: () => true,
  short: (_ask, fleet, i) => (gateOf(fleet, i).open ? 0 : NO_MEASURE),
  reason: (_ask, fleet, i) => `the agent is ${gateOf(fleet, i).reason}`,
} as const satisfies FeasibilityCheck;
