/**
 * The agents that an app with one instance on every agent is for: by what they are, never by what they have free or whether their
 * gate is open. A cordoned or silent agent keeps its instance; that it gets no new one is placement's word.
 */
import type { AppDocument, Constraint, Gate, StateView } from "@muster/contracts";
import { specAt } from "../apps/current.ts";
import { type Ask, askOf } from "../ask.ts";
import { CLASS_CHECKS } from "../feasible/index.ts";
import { Fleet } from "../fleet/fleet.ts";
import { constraintRule } from "../rules/constraints.ts";
import { expressionRules } from "../rules/expressions.ts";
import { machineRules } from "../rules/machine.ts";
import type { OtherApps, RuleContext } from "../rules/rule.ts";

export type GateReason = Gate["reason"];

/** Agents by what they are to the app, each with its gate. One without an offer is in neither: absence is never an order. */
export type Eligible = {
  readonly agents: ReadonlyMap<string, GateReason>;
  /** Known, and not for this app: of another kind, or removed by the operator. */
  readonly refused: ReadonlyMap<string, GateReason>;
};

const KIND_CHECKS = CLASS_CHECKS.filter(({ name }) => name !== "gate");

/** Constraints about one agent alone. The others compare instances, and a global app has no choice among agents. */
const isAboutAgents = ({ operator, value }: Constraint): boolean =>
  operator === "LIKE" || operator === "UNLIKE" || operator === "IS" || (operator === "CLUSTER" && value !== null);

/** Rules of single agents ask nothing about other apps. */
const NOBODY: OtherApps = {
  agentsOf: () => [],
  agentsMatching: () => [],
  agentsNamed: () => [],
  rulers: () => [],
  meets: () => undefined,
};

export function eligibleAgents(state: StateView, ask: Ask): Eligible {
  const fleet = offersOf(state);
  const context: RuleContext = { ask, fleet, instances: 1, own: [], others: NOBODY };
  const rules = [
    ...machineRules(context),
    ...ask.constraints.filter(isAboutAgents).map((constraint) => constraintRule(constraint, context)),
    ...expressionRules(context),
  ];
  const agents = new Map<string, GateReason>();
  const refused = new Map<string, GateReason>();
  const words = state.kind("agent");
  for (const [token, { value: offer }] of state.kind("offer")) {
    const agent = fleet.indexOf(offer.agent) as number;
    const isEligible =
      words.get(token)?.value.goal !== "remove" &&
      KIND_CHECKS.every((check) => !check.applies(ask) || check.short(ask, fleet, agent) === 0) &&
      rules.every((rule) => !rule.refuses(agent));
    (isEligible ? agents : refused).set(offer.agent, offer.gate.reason);
  }
  return { agents, refused };
}

/** How many instances an app should have: as many as asked for; on every agent, as many as there are eligible ones. */
export function instancesAsked(state: StateView, { id, version, instances, goal }: AppDocument): number {
  if (goal === "deleted") return instances;
  const spec = specAt(state, id, version);
  return spec?.placement.isGlobal ? eligibleAgents(state, askOf(id, version, spec)).agents.size : instances;
}

type Followed = { readonly fleet: Fleet; readonly revisions: Map<string, number> };
const followed = new WeakMap<StateView, Followed>();

/**
 * A fleet of a view's offers, kept per view and brought up to date by revision: as good as one made anew, and cheaper. What is no
 * longer offered stays in it, and nobody asks for it.
 */
function offersOf(state: StateView): Fleet {
  const { fleet, revisions } = followed.get(state) ?? { fleet: new Fleet(), revisions: new Map() };
  followed.set(state, { fleet, revisions });
  for (const [token, { value, revision }] of state.kind("offer")) {
    if (revisions.get(token) === revision) continue;
    revisions.set(token, revision);
    fleet.setOffer(value.agent, value);
  }
  return fleet;
}
