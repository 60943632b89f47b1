/** The deployer's decision for one app: its next wish, or its last removal. */
import {
  type AppDocument,
  type AppSpec,
  type Assertion,
  appToken,
  type Circumstances,
  type Decision,
  type Entry,
  type HealthView,
  keys,
  type PlacedDocument,
  type StateView,
  type WantedDocument,
  type WantedRow,
  type Write,
} from "@muster/contracts";
import { configOf } from "../apps/config.ts";
import { specAt } from "../apps/current.ts";
import { askOf } from "../ask.ts";
import { eligibleAgents } from "./eligible.ts";
import { homesOf, isRefused } from "./follow.ts";
import { type Goal, type Plan, planRows } from "./plan.ts";
import { type Looked, removal } from "./removal.ts";
import { checkedOf, type Row, readRows } from "./rows.ts";
import { groupingsOf } from "./surplus.ts";
import { tallied } from "./tally.ts";

export type Rollout = {
  readonly decision: Decision;
  /** When to look again though nothing happens, or null. */
  readonly lookAgainAtMs: number | null;
};

/** An app with what stands of it, and what would bring it closer to what it should be. */
export type Standpoint = {
  readonly entry: Entry<AppDocument>;
  readonly wanted: Entry<WantedDocument> | undefined;
  readonly placed: Entry<PlacedDocument> | undefined;
  readonly document: WantedDocument;
  readonly rows: readonly Row[];
  readonly goal: Goal;
  readonly plan: Plan;
};

/** Null: the app does not exist, or its version cannot be read. */
export function standpointOf(state: StateView, health: HealthView, app: string, now: number): Standpoint | null {
  const entry = state.kind("app").get(appToken(app));
  if (entry === undefined) return null;
  const spec = specAt(state, app, entry.value.version);
  if (spec === null) return null;
  const wanted = state.kind("wanted").get(appToken(app));
  const placed = state.kind("placed").get(appToken(app));
  const document = wanted === undefined ? firstWish(state, entry) : restamped(state, wanted.value, entry.value.version);
  const rows = readRows({
    wanted: document,
    placed: placed?.value ?? null,
    health,
    checkedOf: (version) => checkedOf(specAt(state, app, version)),
  });
  const goal = goalOf(state, entry.value, spec);
  return { entry, wanted, placed, document, rows, goal, plan: planRows(rows, goal, document.backoffs, now) };
}

/** Null: as `standpointOf`. */
export function decideRollout(
  state: StateView,
  health: HealthView,
  app: string,
  trace: string | null,
  circumstances: Circumstances,
): Rollout | null {
  const standpoint = standpointOf(state, health, app, circumstances.now);
  if (standpoint === null) return null;
  const { entry, plan } = standpoint;
  const input = { state, app, trace, circumstances, ...standpoint };
  if (plan.isReached && entry.value.goal === "deleted") {
    const { decision, isLast } = removal(input);
    return { decision, lookAgainAtMs: isLast ? null : circumstances.now };
  }
  return { decision: nextWish(input), lookAgainAtMs: plan.lookAgainAtMs };
}

/** Everything stands as it should, and there is nothing left to write about it. */
export const isSettled = ({ plan, wanted, document }: Standpoint): boolean =>
  plan.isReached && !isChanged({ plan, wanted, document });

function isChanged({ plan, wanted, document }: Pick<Standpoint, "plan" | "wanted" | "document">): boolean {
  return (
    plan.add + plan.addKept + plan.addOn.length + plan.stop.length + plan.drop.length > 0 ||
    JSON.stringify(plan.backoffs) !== JSON.stringify(document.backoffs) ||
    (wanted !== undefined && wanted.value.rows !== document.rows) ||
    (wanted === undefined && document.rows.length === 0)
  );
}

function goalOf(state: StateView, { id, version, instances, goal, mix }: AppDocument, spec: AppSpec): Goal {
  const order = state.kind("order").get(appToken(id))?.value;
  const common = {
    version,
    spec,
    mix: goal === "deleted" ? null : mix,
    victims: new Set(order?.victims),
    resetsDelay: order?.resetsDelay ?? false,
    groupings: groupingsOf(state, spec),
    isBraked: isBraked(state),
    isRefused: isRefused(state, id),
  };
  if (goal === "deleted") return { ...common, instances: 0, eligible: null, homes: null };
  const { isGlobal, machineOf } = spec.placement;
  return {
    ...common,
    instances,
    eligible: isGlobal ? eligibleAgents(state, askOf(id, version, spec)) : null,
    homes: machineOf === null ? null : homesOf(state, machineOf),
  };
}

type Input = Looked & Standpoint;

/** Rows of older versions with the app's config are as good as its own, and called so from now on. */
function restamped(state: StateView, document: WantedDocument, version: number): WantedDocument {
  if (document.rows.every((row) => row.version === version)) return document;
  const config = configOf(state, document.app, version);
  const isOwn = new Set(
    [...new Set(document.rows.map((row) => row.version))].filter(
      (each) => configOf(state, document.app, each) === config,
    ),
  );
  if (isOwn.size === 0 || (isOwn.size === 1 && isOwn.has(version))) return document;
  return { ...document, rows: document.rows.map((row) => (isOwn.has(row.version) ? { ...row, version } : row)) };
}

/** Attempts start where the stream stood when the app was created, so that no instance id is ever used twice. */
function firstWish(state: StateView, entry: Entry<AppDocument>): WantedDocument {
  const floor = state.kind("attempts").get("")?.value.highest ?? 0;
  const nextAttempt = Math.max(entry.revision, floor + 1);
  return { app: entry.value.id, rows: [], nextAttempt, backoffs: [], tally: null, trace: null };
}

/** Too many agents gone at once is more likely our own blindness: over a third of them and at least three. */
function isBraked(state: StateView): boolean {
  let [all, gone] = [0, 0];
  for (const [token, { value }] of state.kind("offer")) {
    if (state.kind("agent").get(token)?.value.goal === "remove") continue;
    all += 1;
    if (value.gate.reason === "unreachable") gone += 1;
  }
  return gone >= 3 && gone * 3 > all;
}

function nextWish(input: Input): Decision {
  const { app, document, goal, plan, trace, placed, entry, state } = input;
  const [stopping, dropped] = [new Set(plan.stop.map((row) => row.wish)), new Set(plan.drop.map((row) => row.wish))];
  const rows: WantedRow[] = document.rows
    .filter((row) => !dropped.has(row))
    .map((row) => (stopping.has(row) ? { ...row, goal: "stop" } : row));
  const slots = freeSlots(rows);
  let nextAttempt = document.nextAttempt;
  const added = (version: number, agents: readonly (string | null)[]): void => {
    for (const agent of agents) {
      rows.push({ slot: slots.next().value, attempt: nextAttempt, version, goal: "run", agent });
      nextAttempt += 1;
    }
  };
  added(goal.version, [...new Array<null>(plan.add).fill(null), ...plan.addOn]);
  if (goal.mix !== null) added(goal.mix.version, new Array<null>(plan.addKept).fill(null));
  // An order is done in the batch that takes it away, and never twice.
  const order = state.kind("order").get(appToken(app));
  const done: Write[] = order === undefined ? [] : [{ key: keys.order(app), value: null, expect: order.revision }];
  if (!isChanged(input)) return { writes: done, asserts: [], events: [], wakes: [], trace };

  const deployment = state.kind("deployment").get(entry.value.deployment ?? "")?.value;
  const tally = tallied(document.tally, deployment, goal.version, plan.drop);
  const value: WantedDocument = { app, rows, nextAttempt, backoffs: [...plan.backoffs], tally, trace };
  const asserts: Assertion[] = [{ key: keys.app(app), revision: entry.revision }];
  // A row never leaves while its instance stands: the answer it was judged by must still be the last one.
  if (plan.drop.length > 0)
    asserts.push({ key: keys.placed(app), revision: placed?.revision ?? state.revision(keys.placed(app)) });
  // Whom it follows must still stand where it was seen.
  const { machineOf } = goal.spec.placement;
  if (goal.homes !== null && machineOf !== null && plan.stop.length > 0)
    asserts.push({ key: keys.placed(machineOf), revision: state.revision(keys.placed(machineOf)) });
  const retries = plan.drop.some((row) => row.wish.goal === "run");
  return {
    writes: [{ key: keys.wanted(app), value, expect: state.revision(keys.wanted(app)) }, ...done],
    asserts,
    events: [],
    wakes: [{ wakeClass: retries ? "retry" : goal.spec.placement.priority, app, key: keys.wanted(app), trace }],
    trace,
  };
}

/** The lowest free numbers. */
function* freeSlots(rows: readonly WantedRow[]): Generator<number, never> {
  const used = new Set(rows.map((row) => row.slot));
  for (let slot = 0; ; slot += 1) if (!used.has(slot)) yield slot;
}
