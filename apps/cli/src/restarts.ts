/** How often an instance's slot had to begin anew, from the ended instances that its app remembers. */
import type { InstanceView } from "@muster/contracts";
import { endedUnasked, hasEnded } from "@muster/terminal/instances";

export type Restarts = {
  /** Earlier instances of the slot that ended unasked, as far as they are remembered: the last 30 of an app. */
  readonly count: number;
  readonly lastFailure: InstanceView | null;
  /** It does not stay up: several of them ended within the last minutes. */
  readonly isFlapping: boolean;
};

const FLAPPING_FAILURES = 3;
const FLAPPING_WITHIN_MS = 600_000;

/** @param all living instances and ended ones */
export function restartsIn(all: readonly InstanceView[], nowMs: number): (instance: InstanceView) => Restarts {
  const failures = Map.groupBy(all.filter(endedUnasked), slotOf);
  return (instance) => {
    const earlier = (failures.get(slotOf(instance)) ?? []).filter(({ attempt }) => attempt < instance.attempt);
    earlier.sort((a, b) => a.attempt - b.attempt);
    const recent = earlier.filter(({ sinceMs }) => nowMs - (sinceMs ?? 0) <= FLAPPING_WITHIN_MS);
    return {
      count: earlier.length,
      lastFailure: endedUnasked(instance) ? instance : (earlier.at(-1) ?? null),
      isFlapping: recent.length >= FLAPPING_FAILURES,
    };
  };
}

/**
 * The last instances of slots that nothing stands in, newest first: what an app that is held back after failures has to show. At most
 * so many as it lacks, since a slot may be empty because the app became smaller.
 */
export function heldBack(all: readonly InstanceView[], wanted: ReadonlyMap<string, number>): InstanceView[] {
  return [...Map.groupBy(all, ({ app }) => app)].flatMap(([app, instances]) => {
    const living = instances.filter((one) => !hasEnded(one));
    const taken = new Set(living.map(slotOf));
    const last = new Map<string, InstanceView>();
    for (const one of instances.filter((each) => !taken.has(slotOf(each))).sort((a, b) => a.attempt - b.attempt))
      last.set(slotOf(one), one);
    const failed = [...last.values()].filter(endedUnasked).sort((a, b) => (b.sinceMs ?? 0) - (a.sinceMs ?? 0));
    return failed.slice(0, Math.max(0, (wanted.get(app) ?? 0) - living.length));
  });
}

const slotOf = ({ app, slot }: Pick<InstanceView, "app" | "slot">): string => `${app} ${slot}`;
