/** Which waiting apps a change could cure: they are woken, and nobody else. */
import { appIdOf, appToken, type Cure, type StateView, type WaitingDocument } from "@muster/contracts";
import { askOf } from "../ask.ts";
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
      return waiting.cures.includes(change.cure) && couldTake(state, fleet, waiting.app, change.agent);
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

/** True when the agent alone would now take an instance that is missing; what rules say is left to the decision. */
function couldTake(state: StateView, fleet: Fleet, app: string, agent: string): boolean {
  const i = fleet.indexOf(agent);
  if (i === null || fleet.classes[i] === ABSENT) return false;
  return [...versionsMissing(state, app, agent)].some((version) => {
    const spec = state.kind("version").get(`${appToken(app)}.${version}`)?.value.spec;
    if (spec === undefined) return false;
    const ask = askOf(app, version, spec);
    return [...CLASS_CHECKS, ...QUANTITY_CHECKS].every(
      (check) => !check.applies(ask) || check.short(ask, fleet, i) === 0,
    );
  });
}

/** Versions of which an instance waits that may run on the agent. */
function versionsMissing(state: StateView, app: string, agent: string): Set<number> {
  const placed = state.kind("placed").get(appToken(app))?.value;
  const answered = new Set([...(placed?.rows ?? []), ...(placed?.ended ?? [])].map(({ attempt }) => attempt));
  const versions = new Set<number>();
  for (const row of state.kind("wanted").get(appToken(app))?.value.rows ?? [])
    if (row.goal === "run" && (row.agent === null || row.agent === agent) && !answered.has(row.attempt))
      versions.add(row.version);
  return versions;
}
