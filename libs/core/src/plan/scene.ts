/** All that a plan of one app rests on, taken from the views at one moment: a few documents of each app, and every agent. */
import {
  type AppId,
  appToken,
  type Documents,
  type Entry,
  type HealthKind,
  type HealthView,
  type PlacedDocument,
  type StateKind,
  type StateView,
} from "@muster/contracts";
import { targetDocument } from "../apps/target.ts";
import { ancestorsOf } from "../groups/ids.ts";

/** Documents by kind and by the rest of their key. */
export type Shelves = ReadonlyMap<string, ReadonlyMap<string, Entry<unknown>>>;
export type Scene = { readonly state: Shelves; readonly health: Shelves };

/** Kinds of documents that a plan rests on: whoever plans must follow them. */
export const PLANNED_STATE = [
  "app",
  "version",
  "path",
  "port",
  "group",
  "groupversion",
  "graph",
  "attempts",
  "agent",
  "deployment",
  "order",
  "wanted",
  "placed",
  "waiting",
  "rules",
  "hold",
  "offer",
  "ledger",
] as const satisfies readonly StateKind[];
export const PLANNED_HEALTH = ["verdict", "ended"] as const satisfies readonly HealthKind[];

type PlannedState = (typeof PLANNED_STATE)[number];
type Names = "all" | Iterable<string>;

/** The maps are its own, the documents in them those of the views. */
export function sceneOf(state: StateView, health: HealthView, app: AppId): Scene {
  const token = appToken(app);
  const holder = state.kind("hold").get("")?.value.app;
  // What this app gives back is offered to the gang that holds capacity.
  const deciding = holder === undefined ? [token] : [token, appToken(holder)];
  const deployment = state.kind("app").get(token)?.value.deployment;
  const needed: Readonly<Record<PlannedState, Names>> = {
    app: "all",
    version: versionsNamed(state, app),
    path: [token, ...ancestorsOf(app).map(appToken)],
    port: "all",
    group: "all",
    groupversion: [],
    graph: "all",
    attempts: "all",
    agent: "all",
    deployment: deployment == null ? [] : [deployment],
    order: deciding,
    wanted: deciding,
    placed: "all",
    waiting: deciding,
    rules: "all",
    hold: "all",
    offer: "all",
    ledger: "all",
  };
  const shelves = new Map<string, ReadonlyMap<string, Entry<unknown>>>();
  for (const kind of PLANNED_STATE) shelves.set(kind, shelf(state.kind(kind), needed[kind]));
  const ids = deciding.flatMap((each) => rowIds(each, state.kind("placed").get(each)?.value));
  const judged = new Map(PLANNED_HEALTH.map((kind) => [kind, shelf(health.kind(kind), ids)]));
  return { state: shelves, health: judged };
}

function shelf<T>(documents: Documents<T>, names: Names): ReadonlyMap<string, Entry<T>> {
  if (names === "all") return new Map(documents);
  const some = new Map<string, Entry<T>>();
  for (const name of names) {
    const entry = documents.get(name);
    if (entry !== undefined) some.set(name, entry);
  }
  return some;
}

/** The current version of every app and each that stands: rules speak of both. Of the app itself also the one it is to have. */
function versionsNamed(state: StateView, app: AppId): Set<string> {
  const named = new Set<string>();
  const own = state.kind("app").get(appToken(app))?.value;
  if (own !== undefined) named.add(`${appToken(app)}.${targetDocument(state, own).version}`);
  for (const [token, { value }] of state.kind("app")) named.add(`${token}.${value.version}`);
  for (const [token, { value }] of state.kind("placed")) {
    let last: number | null = null;
    for (const { version } of value.rows) {
      if (version !== last) named.add(`${token}.${version}`);
      last = version;
    }
  }
  return named;
}

const rowIds = (token: string, placed: PlacedDocument | undefined): string[] =>
  (placed?.rows ?? []).map(({ slot, attempt }) => `${token}.${slot}.${attempt}`);
