import { offersPort } from "../agent-view.ts";
import { type FeasibilityCheck, FITS, refuse } from "./check.ts";

/** Refuses an agent whose host ports cannot serve the ask: fixed ones must be offered and free, dynamic ones numerous enough. */
export const ports = {
  name: "ports",
  cures: ["agent.offer", "instance.released"],
  check: (ask, agent) => {
    for (const { fixed } of ask.ports) {
      if (fixed === null) continue;
      if (!offersPort(agent.offer.ports, fixed)) return refuse(`the agent does not offer host port ${fixed}`);
      if (agent.usedPorts.has(fixed)) return refuse(`host port ${fixed} is in use`, 1);
    }
    const left = agent.freePortCount();
    return left >= ask.ports.length
      ? FITS
      : refuse(`needs ${ask.ports.length} host ports, ${left} free`, ask.ports.length - left);
  },
} as const satisfies FeasibilityCheck;
