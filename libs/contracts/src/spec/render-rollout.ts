/** How `rollout` is written: what was not left to its default; null where nothing was. */
import { isPromoted } from "./read/rollout.ts";
import { ROLLOUT_DEFAULTS, type RolloutSpec } from "./rollout.ts";

export function renderRollout(rollout: RolloutSpec): Record<string, unknown> | null {
  const written = {
    ...rollout,
    timeoutSeconds: rollout.timeoutSeconds ?? 0,
    maxFailures: rollout.maxFailures ?? "unlimited",
  };
  const defaults: Record<string, unknown> = { ...ROLLOUT_DEFAULTS, waitsForPromotion: isPromoted(rollout.strategy) };
  const said = Object.entries(written).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(defaults[name]),
  );
  return said.length === 0 ? null : Object.fromEntries(said);
}
