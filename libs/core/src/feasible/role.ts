import { type FeasibilityCheck, FITS, refuse } from "./check.ts";

/** Refuses an agent of another role than the app accepts; an app that names none accepts all unreserved agents (`*`). */
export const role = {
  name: "role",
  cures: ["agent.offer"],
  check: (ask, agent) => {
    const accepted = ask.roles.length === 0 ? ["*"] : ask.roles;
    return accepted.includes(agent.offer.role)
      ? FITS
      : refuse(`accepts role ${accepted.join(" or ")}, the agent's is ${agent.offer.role}`);
  },
} as const satisfies FeasibilityCheck;
