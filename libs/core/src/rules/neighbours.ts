/** Who may not share an agent: fleet's Conflicts, which hold both ways, and what other apps' anti-affinities say of this one. */
import type { FieldColumn } from "../fleet/column.ts";
import { isMeant, termTarget } from "./affinity.ts";
import { glob } from "./pattern.ts";
import type { Rule, RuleContext } from "./rule.ts";

const about = {
  check: "conflicts",
  cures: ["agent.offer", "instance.released", "app.placed"],
  take: null,
} as const;

function notBeside(column: FieldColumn, agents: readonly number[], text: string, isPerHost: boolean): Rule {
  const values = new Set(agents.map((agent) => column.ids[agent] as number));
  return {
    ...about,
    text,
    refuses: (agent) => values.has(column.ids[agent] as number),
    reason: (agent) => `${text}: one stands on ${column.valueOf(agent)}`,
    isPerHost,
  };
}

export function neighbourRules(context: RuleContext): Rule[] {
  const { ask, fleet, others } = context;
  const rules = ask.placement.conflicts.map((pattern) =>
    notBeside(fleet.column("@agent"), others.agentsNamed(glob(pattern), ask.app), `conflicts with ${pattern}`, true),
  );
  for (const { app, placement } of others.rulers(ask.app)) {
    if (placement.conflicts.some((pattern) => glob(pattern)(ask.app))) {
      others.meets(app);
      rules.push(notBeside(fleet.column("@agent"), others.agentsOf(app, false), `${app} conflicts with it`, true));
    }
    for (const term of placement.antiAffinity)
      if (term.weight === null && isMeant(term, ask)) {
        others.meets(app);
        rules.push(
          notBeside(
            fleet.column(term.over),
            others.agentsOf(app, false),
            `${app} has an anti-affinity to ${termTarget(term)} over ${term.over}`,
            term.over === "@hostname" || term.over === "hostname",
          ),
        );
      }
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
