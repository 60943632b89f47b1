/** fleet's MachineID and MachineMetadata: this agent; these attributes (one key twice is either value, different keys are both). */
import type { PlacementSpec } from "@muster/contracts";
import { MISSING } from "../fleet/column.ts";
import type { Rule, RuleContext } from "./rule.ts";

const about = { check: "machine", cures: ["agent.offer"], take: null, isPerHost: false } as const;

export function machineRules(context: RuleContext): Rule[] {
  const { machineId, machineMetadata } = context.ask.placement;
  return [
    ...(machineId === null ? [] : [idRule(machineId, context)]),
    ...[...byKey(machineMetadata)].map(([key, values]) => metadataRule(key, values, context)),
  ];
}

function idRule(id: string, { fleet }: RuleContext): Rule {
  const only = fleet.indexOf(id);
  return {
    ...about,
    text: `MachineID ${id}`,
    refuses: (agent) => agent !== only,
    reason: () => (only === null ? `only ${id} is accepted, and there is no such agent` : `only ${id} is accepted`),
  };
}

function byKey(metadata: PlacementSpec["machineMetadata"]): Map<string, Set<string>> {
  const values = new Map<string, Set<string>>();
  for (const { key, value } of metadata) values.set(key, (values.get(key) ?? new Set()).add(value));
  return values;
}

function metadataRule(key: string, values: ReadonlySet<string>, { fleet }: RuleContext): Rule {
  const column = fleet.column(key);
  const told = [...values].join(" or ");
  const passes = column.matches(`MachineMetadata ${told}`, (value) => values.has(value));
  return {
    ...about,
    text: `MachineMetadata ${key}=${told}`,
    refuses: (agent) => passes[column.ids[agent] as number] !== true,
    reason: (agent) =>
      column.ids[agent] === MISSING
        ? `needs ${key}=${told}, the agent has no ${key}`
        : `needs ${key}=${told}, the agent's is ${column.valueOf(agent)}`,
  };
}
