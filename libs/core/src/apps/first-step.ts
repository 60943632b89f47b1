/**
 * A deployment's first step in the batch that begins it, where that step is nothing but a wish: the deployer would take the very
 * same one, a batch later. Everything after it, and every step that is more than a wish, is the deployer's.
 */
import { type AppId, type Circumstances, type HealthView, keys, type StateView } from "@muster/contracts";
import { decideRollout } from "../rollout/decide.ts";
import type { Change } from "./change.ts";
import { layered } from "./layer.ts";

export type StandingState = StateView & {
  /** Revision up to which the view has read its bucket. */
  readonly sequence: number;
};

/** `trace`: of the step, as the wish and whoever answers it carry it on. */
export function withFirstStep(
  state: StandingState,
  health: HealthView,
  { app, trace }: { readonly app: AppId; readonly trace: string | null },
  change: Change,
  at: Circumstances,
): Change {
  const { decision, answer } = change;
  if (decision.writes.length === 0) return change;
  const step = decideRollout(layered(state, decision.writes, state.sequence), health, app, trace, at)?.decision;
  const [wish, ...others] = step?.writes ?? [];
  if (step === undefined || wish?.key !== keys.wanted(app) || others.length > 0) return change;
  return {
    decision: {
      ...decision,
      writes: [...decision.writes, wish],
      asserts: [...decision.asserts, ...step.asserts.filter(({ key }) => key !== keys.app(app))],
      wakes: [...decision.wakes, ...step.wakes],
    },
    answer,
  };
}
