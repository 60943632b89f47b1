import { type FeasibilityCheck, FITS, refuse } from "./check.ts";

/** Refuses an agent that cannot run this kind of task: Docker asked for, no engine there. */
export const runtime = {
  name: "runtime",
  cures: ["agent.offer"],
  check: (ask, agent) =>
    agent.offer.runtimes.includes(ask.runtime)
      ? FITS
      : refuse(`needs the ${ask.runtime} runtime, the agent has ${agent.offer.runtimes.join(" and ") || "none"}`),
} as const satisfies FeasibilityCheck;
