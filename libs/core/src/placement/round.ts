/**
 * Placement's whole decision: compare what is wanted with what is placed, decide the difference for some apps in one batch.
 * `placed.<app>` and each touched `ledger.<agent>` are set, `wanted.<app>` is asserted, and so is all that rules about other apps
 * rest on: any of them stale and nothing happens.
 */
import {
  type Circumstances,
  type Decision,
  type HealthView,
  ROUND_INSTANCES_MAX,
  type StateView,
  type Strategy,
} from "@muster/contracts";
import { Fleet } from "../fleet/fleet.ts";
import { type Begun, beginApp, finishApp, type RoundReport } from "./app-round.ts";
import { RoundDraft } from "./draft.ts";
import { Endings } from "./release.ts";

export type RoundInput = {
  readonly state: StateView;
  readonly health: HealthView;
  /** All agents as of `state`; made from it when absent. It is the same after the decision as before. */
  readonly fleet?: Fleet;
  /** Apps to look at, most urgent first. */
  readonly apps: readonly string[];
  /** Trace context of each app's placement, for records and events. */
  readonly trace: (app: string) => string | null;
  /** For apps that name none. Default: spread. */
  readonly strategy?: Strategy;
  /** In front of the names of HOST and the PORT variables of instances. Default: nothing. */
  readonly envVarsPrefix?: string;
  /** How far each agent is from this worker's own share; null for a worker alone. */
  readonly distance?: Float64Array | null;
  /** Keys of leftover records purged a moment ago. */
  readonly purged?: ReadonlySet<string>;
};

export type Round = { readonly decision: Decision; readonly reports: readonly RoundReport[] };

/** Decides one batch. An empty decision means nothing is left to do for these apps. */
export function decideRound(input: RoundInput, circumstances: Circumstances): Round {
  const { state, health, fleet = Fleet.of(state), strategy = "spread", distance = null, purged = new Set() } = input;
  const draft = new RoundDraft(state, fleet, circumstances.now, input.envVarsPrefix);
  const endings = new Endings(state, health);
  const begin = (app: string): Begun =>
    beginApp({ draft, endings, purged, app, trace: input.trace(app), circumstances, strategy, distance });
  try {
    const begun: Begun[] = [];
    for (const app of new Set(input.apps)) {
      if (draft.decided >= ROUND_INSTANCES_MAX) break;
      begun.push(begin(app));
    }
    const reports = holderFirst(begun, draft, begin).flatMap((each) => finishApp(each) ?? []);
    const { writes, asserts, events } = draft.finish();
    return { decision: { writes, asserts, events, wakes: [], trace: null }, reports };
  } finally {
    fleet.restore();
  }
}

/** What is given back in this round is offered to the gang that holds capacity before anybody else, or it might starve. */
function holderFirst(begun: readonly Begun[], { holder }: RoundDraft, begin: (app: string) => Begun): readonly Begun[] {
  if (holder === null || begun.every(({ ended }) => ended.length === 0)) return begun;
  const first = begun.find(({ round }) => round.app === holder) ?? begin(holder);
  return [first, ...begun.filter((each) => each !== first)];
}
