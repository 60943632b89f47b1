/** What an app's rules say of each agent, given who stands where. */
import { appToken, keys, type PlacedDocument, parseAttributes } from "@muster/contracts";
import { askOf } from "../ask.ts";
import { Fleet } from "../fleet/fleet.ts";
import { RoundDraft } from "../placement/draft.ts";
import { preferencesOf, rulesOf } from "../rules/index.ts";
import type { Preference, Rule } from "../rules/rule.ts";
import { TestCluster } from "./test-cluster.ts";

export type Standing = {
  readonly id: string;
  readonly fields?: Record<string, unknown>;
  /** Agents on which its rows stand, `n1` or, ordered to stop, `n1 stop`. */
  readonly on?: readonly string[];
};

export type Scene = {
  /** Attributes by agent, in Mesos's text form. */
  readonly agents: Readonly<Record<string, string>>;
  readonly others?: readonly Standing[];
  readonly app: Standing;
};

export type Compiled = {
  readonly fleet: Fleet;
  readonly draft: RoundDraft;
  readonly rules: readonly Rule[];
  readonly preferences: readonly Preference[];
};

export function compile({ agents, others = [], app }: Scene): Compiled {
  const cluster = new TestCluster();
  for (const [agent, text] of Object.entries(agents)) cluster.agent(agent, { attributes: parseAttributes(text) });
  for (const each of [...others, app]) stand(cluster, each);
  const view = cluster.state.snapshot();
  const fleet = Fleet.of(view);
  const draft = new RoundDraft(view, fleet, cluster.now);
  const version = cluster.version(app.id);
  const spec = view.kind("version").get(`${appToken(app.id)}.${version}`)?.value.spec;
  if (spec === undefined) throw new Error(`there is no ${app.id}`);
  const own = cluster.agentsOf(app.id).map((agent) => fleet.indexOf(agent) as number);
  const context = { ask: askOf(app.id, version, spec), fleet, own, instances: own.length + 1, others: draft };
  return { fleet, draft, rules: rulesOf(context), preferences: preferencesOf(context) };
}

/** The first rule's refusal by agent; null where all accept it. */
export function refusals({ fleet, rules }: Compiled): Record<string, string | null> {
  const of = (agent: number): string | null => {
    const rule = rules.find((each) => each.refuses(agent));
    return rule === undefined ? null : `${rule.check}: ${rule.reason(agent)}`;
  };
  return Object.fromEntries(fleet.ids.map((id, agent) => [id, of(agent)]));
}

/** An app as accepted, with its rows put where they are said to stand. */
function stand(cluster: TestCluster, { id, fields = {}, on = [] }: Standing): void {
  cluster.app(id, fields);
  const rows = on.map((place, slot) => {
    const [agent = "", stop] = place.split(" ");
    const goal = stop === undefined ? ("run" as const) : ("stop" as const);
    return { slot, attempt: slot, version: cluster.version(id), goal, agent, ports: [], items: {}, atMs: cluster.now };
  });
  const placed: PlacedDocument = { app: id, rows, ended: [], history: [] };
  if (rows.length > 0) cluster.state.write(keys.placed(id), placed);
}
