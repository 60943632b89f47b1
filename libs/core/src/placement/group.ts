/** Equal instances of one version, ready to be decided together: its rules and its ranking, compiled for what stands now. */
import type { Strategy } from "@muster/contracts";
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

export function groupOf(input: GroupInput): Group {
  const { ask, fleet, strategy, standing, failed, distance, dice } = input;
  const ranking = new Ranking({
    ask,
    fleet,
    strategy: ask.placement.strategy ?? strategy,
    preferences: preferencesOf(input),
    standing,
    failed,
    distance,
    seed: Math.floor(dice() * 2 ** 31),
  });
  return { ask, fleet, rules: rulesOf(input), ranking, dice };
}
