import { type FeasibilityCheck, FITS, refuse } from "./check.ts";

/** Refuses an agent whose gate is closed: joining, cordoned, draining, suspect, unreachable or removed. */
export const gate = {
  name: "gate",
  cures: ["agent.gate"],
  check: (_ask, agent) => (agent.ledger.gate.open ? FITS : refuse(`the agent is ${agent.ledger.gate.reason}`)),
} as const satisfies FeasibilityCheck;
