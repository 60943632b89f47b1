/** The deployer's whole decision for one app: its next wish, the end of its deployment, or its last removal. */
import {
  type AppDocument,
  type AppSpec,
  type Assertion,
  appToken,
  type Circumstances,
  type Decision,
  type Entry,
  type EventDraft,
  type HealthView,
  keys,
  type StateView,
  type WantedDocument,
  type WantedRow,
  type Write,
} from "@muster/contracts";
import { askOf } from "../ask.ts";
import { closed, endedEvents } from "./deployment.ts";
import { eligibleAgents } from "./eligible.ts";
import { homesOf, isRefused } from "./follow.ts";
import { type Goal, type Plan, planRows } from "./plan.ts";
import { type Looked, removal } from "./removal.ts";
import { readRows } from "./rows.ts";

export type Rollout = {
  readonly decision: Decision;
  /** When to look again though nothing happens, or null. */
  readonly lookAgainAtMs: number | null;
};

/** Null: the app does not exist. */
export function decideRollout(
  state: StateView,
  health: HealthView,
  app: string,
  trace: string | null,
  circumstances: Circumstances,
): Rollout | null {
  const entry = state.kind("app").get(appToken(app));
  if (entry === undefined) return null;
  const spec = specOf(state, app, entry.value.version);
  if (spec === null) return null;
  const wanted = state.kind("wanted").get(appToken(app));
  const placed = state.kind("placed").get(appToken(app));
  const document = wanted?.value ?? firstWish(state, entry);
  const rows = readRows({
    wanted: document,
    placed: placed?.value ?? null,
    health,
    isChecked: (version) => (specOf(state, app, version)?.healthChecks.length ?? 0) > 0,
  });
  const goal = goalOf(state, entry.value, spec);
  const plan = planRows(rows, goal, document.backoffs, circumstances.now);
  const input = { state, app, entry, wanted, placed, document, goal, plan, trace, circumstances };
  if (plan.isReached && entry.value.goal === "deleted") return { decision: removal(input), lookAgainAtMs: null };
  return { decision: nextWish(input), lookAgainAtMs: plan.lookAgainAtMs };
}

function goalOf(state: StateView, { id, version, instances, goal }: AppDocument, spec: AppSpec): Goal {
  const common = { version, spec, isBraked: isBraked(state), isRefused: isRefused(state, id) };
  if (goal === "deleted") return { ...common, instances: 0, eligible: null, homes: null };
  const { isGlobal, machineOf } = spec.placement;
  return {
    ...common,
    instances,
    eligible: isGlobal ? eligibleAgents(state, askOf(id, version, spec)) : null,
    homes: machineOf === null ? null : homesOf(state, machineOf),
  };
}

type Input = Looked & {
  readonly wanted: Entry<WantedDocument> | undefined;
  readonly goal: Goal;
  readonly plan: Plan;
};

const specOf = (state: StateView, app: string, version: number): AppSpec | null =>
  state.kind("version").get(`${appToken(app)}.${version}`)?.value.spec ?? null;

/** Attempts start where the stream stood when the app was created, so that no instance id is ever used twice. */
function firstWish(state: StateView, entry: Entry<AppDocument>): WantedDocument {
  const floor = state.kind("attempts").get("")?.value.highest ?? 0;
  return { app: entry.value.id, rows: [], nextAttempt: Math.max(entry.revision, floor + 1), backoffs: [], trace: null };
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
  const { app, document, goal, plan, trace, wanted, placed, entry, state } = input;
  const [stopping, dropped] = [new Set(plan.stop.map((row) => row.wish)), new Set(plan.drop.map((row) => row.wish))];
  const rows: WantedRow[] = document.rows
    .filter((row) => !dropped.has(row))
    .map((row) => (stopping.has(row) ? { ...row, goal: "stop" } : row));
  const slots = freeSlots(rows);
  let nextAttempt = document.nextAttempt;
  for (const agent of [...new Array<null>(plan.add).fill(null), ...plan.addOn]) {
    rows.push({ slot: slots.next().value, attempt: nextAttempt, version: goal.version, goal: "run", agent });
    nextAttempt += 1;
  }
  const isChanged =
    plan.add + plan.addOn.length + plan.stop.length + plan.drop.length > 0 ||
    JSON.stringify(plan.backoffs) !== JSON.stringify(document.backoffs) ||
    (wanted === undefined && document.rows.length === 0);
  const ending = deploymentEnd(input, isChanged);
  if (!isChanged && ending.writes.length === 0) return { writes: [], asserts: [], events: [], wakes: [], trace };

  const writes: Write[] = [...ending.writes];
  const asserts: Assertion[] = [];
  if (isChanged) {
    const value: WantedDocument = { app, rows, nextAttempt, backoffs: [...plan.backoffs], trace };
    writes.push({ key: keys.wanted(app), value, expect: state.revision(keys.wanted(app)) });
  }
  if (!ending.writes.some((write) => write.key === keys.app(app)))
    asserts.push({ key: keys.app(app), revision: entry.revision });
  // A row never leaves while its instance stands: the answer it was judged by must still be the last one.
  if (plan.drop.length > 0 || ending.writes.length > 0)
    asserts.push({ key: keys.placed(app), revision: placed?.revision ?? state.revision(keys.placed(app)) });
  // Whom it follows must still stand where it was seen.
  const { machineOf } = goal.spec.placement;
  if (goal.homes !== null && machineOf !== null && plan.stop.length > 0)
    asserts.push({ key: keys.placed(machineOf), revision: state.revision(keys.placed(machineOf)) });
  const retries = plan.drop.some((row) => row.wish.goal === "run");
  return {
    writes,
    asserts,
    events: ending.events,
    wakes: isChanged
      ? [{ wakeClass: retries ? "retry" : goal.spec.placement.priority, app, key: keys.wanted(app), trace }]
      : [],
    trace,
  };
}

/** The lowest free numbers. */
function* freeSlots(rows: readonly WantedRow[]): Generator<number, never> {
  const used = new Set(rows.map((row) => row.slot));
  for (let slot = 0; ; slot += 1) if (!used.has(slot)) yield slot;
}

function deploymentEnd(
  { state, entry, plan, circumstances, trace }: Input,
  isChanged: boolean,
): { writes: Write[]; events: EventDraft[] } {
  const id = entry.value.deployment;
  // The deployment's document comes in the same batch as the app's change, a message later.
  const isKnown = id !== null && state.kind("deployment").has(id);
  if (!isKnown || !plan.isReached || isChanged) return { writes: [], events: [] };
  return {
    writes: [
      {
        key: keys.app(entry.value.id),
        value: { ...entry.value, deployment: null } satisfies AppDocument,
        expect: entry.revision,
      },
      ...closed(state, id, circumstances.now),
    ],
    events: endedEvents(state, id, trace, circumstances),
  };
}
