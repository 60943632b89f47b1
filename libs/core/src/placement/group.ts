/** Equal instances of one version, ready to be decided together: its rules and its ranking, compiled for what stands now. */
import { hash32, type Strategy } from "@muster/contracts";
import { preferencesOf, rulesOf } from "../rules/index.ts";
import type { RuleContext } from "../rules/rule.ts";
import type { Group } from "./choose.ts";
import { Ranking, type RankingInput } from "./rank.ts";

export type GroupInput = RuleContext &
  Pick<RankingInput, "standing" | "failed" | "distance"> & {
    /** The cluster's strategy, for apps that name none. */
    readonly strategy: Strategy;
    readonly dice: () => number;
  };

/**
 * A gang that waits is decided again and again, by any worker, and what it found stands in `waiting` and `hold`: equal worlds must
 * give equal choices, or workers would overwrite each other's for ever. So neither dice nor distance have a say in it.
 */
export function groupOf(input: GroupInput): Group {
  const { ask, fleet, strategy, standing, failed, distance, dice } = input;
  const isGang = ask.placement.gang !== null;
  const ranking = new Ranking({
    ask,
    fleet,
    strategy: ask.placement.strategy ?? strategy,
    preferences: preferencesOf(input),
    standing,
    failed,
    distance: isGang ? null : distance,
    seed: isGang ? hash32(`${ask.app} ${ask.version}`) : Math.floor(dice() * 2 ** 31),
  });
  return { ask, fleet, rules: rulesOf(input), ranking, dice };
}
