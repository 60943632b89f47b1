/** Which waiting apps a change could cure: they are woken, and nobody else. */
import { appIdOf, appToken, type Constraint, type Cure, type StateView, type WaitingDocument } from "@muster/contracts";
import { type Ask, askOf } from "../ask.ts";
import { CLASS_CHECKS, QUANTITY_CHECKS } from "../feasible/index.ts";
import { ABSENT, type Fleet } from "../fleet/fleet.ts";

export type ClusterChange =
  /** Something of an agent grew or opened: its offer, its gate, what is free there. */
  | {
      readonly type: "agent";
      readonly cure: Extract<Cure, "agent.offer" | "agent.gate" | "instance.released">;
      readonly agent: string;
    }
  /** Instances of an app were placed, moved or released. */
  | { readonly type: "placed"; readonly app: string }
  /** A gang gave back what it held. */
  | { readonly type: "hold" };

/** Apps that wait for such changes, in the order in which they began to wait. */
export function appsCuredBy(state: StateView, fleet: Fleet, changes: readonly ClusterChange[]): string[] {
  const waiting = [...state.kind("waiting")].filter(([, { value }]) =>
    changes.some((change) => isCure(state, fleet, value, change)),
  );
  return waiting.sort(([, a], [, b]) => a.value.sinceMs - b.value.sinceMs).map(([token]) => appIdOf(token));
}

function isCure(state: StateView, fleet: Fleet, waiting: WaitingDocument, change: ClusterChange): boolean {
  switch (change.type) {
    case "agent":
      return (
        waiting.cures.includes(change.cure) &&
        asksMissing(state, waiting.app).some((missing) => couldCure(missing, fleet, change))
      );
    case "placed":
      return (
        waiting.cures.includes("app.placed") &&
        change.app !== waiting.app &&
        (waiting.follows.includes("*") || waiting.follows.includes(appToken(change.app)))
      );
    case "hold":
      return true;
  }
}

type Missing = { readonly ask: Ask; readonly pins: ReadonlySet<string | null> };

/** True when the agent alone would now take the instance; what rules say is left to the decision. */
function couldCure({ ask, pins }: Missing, fleet: Fleet, { agent, cure }: ClusterChange & { type: "agent" }): boolean {
  // An agent that came, went or became another changes into how many groups instances are shared out, and so each group's share.
  if (cure === "agent.offer" && ask.constraints.some(isByValues)) return true;
  const i = fleet.indexOf(agent);
  if (i === null || fleet.classes[i] === ABSENT || !(pins.has(null) || pins.has(agent))) return false;
  return [...CLASS_CHECKS, ...QUANTITY_CHECKS].every(
    (check) => !check.applies(ask) || check.short(ask, fleet, i) === 0,
  );
}

const isByValues = ({ operator, value }: Constraint): boolean => operator === "GROUP_BY" && value === null;

/** What waits of an app, by version, with the agents it is pinned to. */
function asksMissing(state: StateView, app: string): Missing[] {
  const placed = state.kind("placed").get(appToken(app))?.value;
  const answered = new Set([...(placed?.rows ?? []), ...(placed?.ended ?? [])].map(({ attempt }) => attempt));
  const pins = new Map<number, Set<string | null>>();
  for (const { goal, attempt, version, agent } of state.kind("wanted").get(appToken(app))?.value.rows ?? [])
    if (goal === "run" && !answered.has(attempt)) pins.set(version, (pins.get(version) ?? new Set()).add(agent));
  return [...pins].flatMap(([version, agents]) => {
    const spec = state.kind("version").get(`${appToken(app)}.${version}`)?.value.spec;
    return spec === undefined ? [] : [{ ask: askOf(app, version, spec), pins: agents }];
  });
}
