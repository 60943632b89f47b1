/** The form of a feasibility check: it passes an agent, or refuses with its own name, a reason and what could cure it. */
import type { CheckName, Cure } from "@muster/contracts";
import type { Ask } from "../ask.ts";
import type { Fleet } from "../fleet/fleet.ts";

/** Refused, and there is no measure of how far off the agent is. */
export const NO_MEASURE = Number.POSITIVE_INFINITY;

export type FeasibilityCheck = {
  readonly name: CheckName;
  readonly cures: readonly Cure[];
  /** It depends on an agent's class alone (gate, role, runtimes). */
  readonly isByClass?: true;
  /** A bigger or another agent would pass: "one more agent" is a cure. */
  readonly isQuantity?: true;
  /** False: this ask passes everywhere. */
  applies(ask: Ask): boolean;
  /** 0 passes; else how much is missing, in the check's own unit. */
  short(ask: Ask, fleet: Fleet, agent: number): number;
  /** A sentence with what was asked and what there was; called only for what is refused. */
  reason(ask: Ask, fleet: Fleet, agent: number): string;
};
