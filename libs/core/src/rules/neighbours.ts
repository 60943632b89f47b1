/** Who may not share an agent: fleet's Conflicts, which hold both ways, and what other apps' anti-affinities say of this one. */
import { MISSING } from "../fleet/column.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { isMeant, placeName, termTarget } from "./affinity.ts";
import { glob } from "./pattern.ts";
import type { Rule, RuleContext } from "./rule.ts";

const about = {
  check: "conflicts",
  cures: ["agent.offer", "instance.released", "app.placed"],
  take: null,
} as const;

const AGENT = "@agent";

/** Keeps off the values of a field on which others stand. */
function notBeside(fleet: Fleet, over: string, agents: readonly number[], text: string, who: string): Rule {
  const column = fleet.column(over);
  const values = new Set(agents.map((agent) => column.ids[agent] as number));
  values.delete(MISSING);
  return {
    ...about,
    text,
    refuses: (agent) => values.has(column.ids[agent] as number),
    reason: () => `${text}: ${who} stands on this ${placeName(over)}`,
    isPerHost: placeName(over) === "agent",
  };
}

export function neighbourRules(context: RuleContext): Rule[] {
  const { ask, fleet, others } = context;
  const rules = ask.placement.conflicts.map((pattern) =>
    notBeside(fleet, AGENT, others.agentsNamed(glob(pattern), ask.app), `conflicts with ${pattern}`, "one of them"),
  );
  const ruled = (app: string, version: number, over: string, text: string): void => {
    others.meets(app);
    const agents = others.agentsOf(app, false, (each) => each === version);
    rules.push(notBeside(fleet, over, agents, `${app}'s ${text}`, app));
  };
  for (const { app, version, placement } of others.rulers(ask.app)) {
    if (placement.conflicts.some((pattern) => glob(pattern)(ask.app)))
      ruled(app, version, AGENT, "conflict with this app");
    for (const term of placement.antiAffinity)
      if (term.weight === null && isMeant(term, ask))
        ruled(app, version, term.over, `anti-affinity to ${termTarget(term)} over ${term.over}`);
  }
  return rules;
}

/** True when a spec says something about other apps that binds those too: it then stands in `rules`. */
export const hasNeighbourRules = ({
  conflicts,
  antiAffinity,
}: {
  readonly conflicts: readonly string[];
  readonly antiAffinity: readonly { readonly weight: number | null }[];
}): boolean => conflicts.length > 0 || antiAffinity.some(({ weight }) => weight === null);
