import type { Gate, LedgerDocument } from "@muster/contracts";
import type { Fleet } from "../fleet/fleet.ts";
import { type FeasibilityCheck, NO_MEASURE } from "./check.ts";

const gateOf = (fleet: Fleet, i: number) => (fleet.ledgers[i] as LedgerDocument).gate;

const WORDS: Readonly<Record<Gate["reason"], string>> = {
  open: "the agent is open",
  joining: "the agent is joining: what it runs is not known yet",
  cordon: "the agent is cordoned",
  drain: "the agent is being drained",
  suspect: "the agent is suspect: it missed heartbeats",
  unreachable: "the agent is unreachable",
  removed: "the agent was removed",
};

/** Refuses an agent whose gate is closed: joining, cordoned, draining, suspect, unreachable or removed. */
export const gate = {
  name: "gate",
  cures: ["agent.gate"],
  isByClass: true,
  applies: () => true,
  short: (_ask, fleet, i) => (gateOf(fleet, i).open ? 0 : NO_MEASURE),
  reason: (_ask, fleet, i) => WORDS[gateOf(fleet, i).reason],
} as const satisfies FeasibilityCheck;
