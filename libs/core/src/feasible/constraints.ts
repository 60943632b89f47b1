import { type FeasibilityCheck, FITS, refuse } from "./check.ts";

/** Refuses an agent that breaks a placement constraint of the app; the reason names which one. */
export const constraints = {
  name: "constraints",
  cures: ["agent.offer", "instance.released", "app.placed"],
  check: (_ask, agent, state) => {
    const reason = state.refusal(agent);
    return reason === null ? FITS : refuse(reason);
  },
} as const satisfies FeasibilityCheck;
