/** The form of a feasibility check: it passes an agent, or refuses with its own name, a reason and what could cure it. */
import type { CheckName, Cure } from "@muster/contracts";
import type { AgentView } from "../agent-view.ts";
import type { Ask } from "../ask.ts";
import type { ConstraintState } from "../constraints/state.ts";

export type Fit =
  | { readonly fits: true }
  /** `short` is how much is missing in the check's own unit, for the nearest fit; null where there is no measure. */
  | { readonly fits: false; readonly reason: string; readonly short: number | null };

export const FITS: Fit = { fits: true };
export const refuse = (reason: string, short: number | null = null): Fit => ({ fits: false, reason, short });

export type FeasibilityCheck = {
  readonly name: CheckName;
  readonly cures: readonly Cure[];
  check(ask: Ask, agent: AgentView, constraints: ConstraintState): Fit;
};
