/**
 * A rule of an app about where its instances may stand, compiled for one round: it refuses agents by index, and counts what the
 * round gives away. What counting rules rest on is protected by `placed.<app>`, which every round sets.
 */
import type { CheckName, Cure, LabelRequirement, PlacementSpec } from "@muster/contracts";
import type { Ask } from "../ask.ts";
import type { Fleet } from "../fleet/fleet.ts";

export type Rule = {
  readonly check: CheckName;
  /** As the spec says it: `rack GROUP_BY 3`. */
  readonly text: string;
  readonly cures: readonly Cure[];
  refuses(agent: number): boolean;
  /** Why, a sentence; called only for what is refused. */
  reason(agent: number): string;
  /** Counts an instance that was just given to the agent; null where choices change nothing. */
  readonly take: ((agent: number) => void) | null;
  /** Another agent of the same kind would pass: the rule is about single hosts. */
  readonly isPerHost: boolean;
};

/** A soft rule: agents that break it come after all that keep it. */
export type Preference = {
  readonly text: string;
  /** What is lost where it does not hold. */
  readonly weight: number;
  isLost(agent: number): boolean;
  /** Counts an instance that was just given to the agent; true when other agents are better for it. Null: choices change nothing. */
  readonly take: ((agent: number) => boolean) | null;
};

/** What a rule may ask about other apps. Whatever is asked, the decision asserts. */
export type OtherApps = {
  /** Agents on which instances of an app stand, one entry each; `isLiving` leaves out those ordered to stop. */
  agentsOf(app: string, isLiving: boolean, isMeant?: (version: number) => boolean): readonly number[];
  /** The same for instances of all apps but one whose labels match. */
  agentsMatching(selector: readonly LabelRequirement[], but: string, isLiving: boolean): readonly number[];
  /** The same for all apps but one whose ids a test accepts. */
  agentsNamed(isMeant: (app: string) => boolean, but: string): readonly number[];
  /** Other apps that say something about their neighbours, with what each of their versions says that stands or may come to. */
  rulers(but: string): readonly { readonly app: string; readonly version: number; readonly placement: PlacementSpec }[];
  /** A rule of that app speaks of the one being placed: whoever places that app must hear of it. */
  meets(ruler: string): void;
};

export type RuleContext = {
  readonly ask: Ask;
  readonly fleet: Fleet;
  /** How many instances of this version there should be: GROUP_BY shares them out. */
  readonly instances: number;
  /** Agents on which counted instances of this version stand, one entry each. */
  readonly own: readonly number[];
  readonly others: OtherApps;
};
