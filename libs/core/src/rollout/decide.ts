/** The deployer's whole decision for one app: its next wish, the end of its deployment, or its last removal. */
import {
  type AppDocument,
  type AppSpec,
  appToken,
  type Circumstances,
  DEPLOYMENT_HISTORY_MS,
  type Decision,
  type Entry,
  type EventDraft,
  type HealthView,
  keys,
  type PlacedDocument,
  type Priority,
  type StateView,
  type WantedDocument,
  type WantedRow,
  type Write,
} from "@muster/contracts";
import { drawEventId } from "../draw.ts";
import { type Plan, planRows } from "./plan.ts";
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
  const instances = entry.value.goal === "deleted" ? 0 : entry.value.instances;
  const rows = readRows({
    wanted: document,
    placed: placed?.value ?? null,
    health,
    isChecked: (version) => (specOf(state, app, version)?.healthChecks.length ?? 0) > 0,
  });
  const plan = planRows(
    rows,
    { version: entry.value.version, instances, spec, isBraked: isBraked(state) },
    document.backoffs,
    circumstances.now,
  );
  const input = {
    priority: spec.placement.priority,
    state,
    app,
    entry,
    wanted,
    placed,
    document,
    plan,
    trace,
    circumstances,
  };
  if (plan.isReached && entry.value.goal === "deleted") return { decision: removal(input), lookAgainAtMs: null };
  return { decision: nextWish(input), lookAgainAtMs: plan.lookAgainAtMs };
}

type Input = {
  readonly priority: Priority;
  readonly state: StateView;
  readonly app: string;
  readonly entry: Entry<AppDocument>;
  readonly wanted: Entry<WantedDocument> | undefined;
  readonly placed: Entry<PlacedDocument> | undefined;
  readonly document: WantedDocument;
  readonly plan: Plan;
  readonly trace: string | null;
  readonly circumstances: Circumstances;
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
  for (const [token, { value }] of state.kind("ledger")) {
    if (state.kind("agent").get(token)?.value.goal === "remove") continue;
    all += 1;
    if (value.gate.reason === "unreachable") gone += 1;
  }
  return gone >= 3 && gone * 3 > all;
}

function nextWish(input: Input): Decision {
  const { app, document, plan, trace, wanted, placed, entry, state } = input;
  const [stopping, dropped] = [new Set(plan.stop.map((row) => row.wish)), new Set(plan.drop.map((row) => row.wish))];
  const rows: WantedRow[] = document.rows
    .filter((row) => !dropped.has(row))
    .map((row) => (stopping.has(row) ? { ...row, goal: "stop" } : row));
  const slots = freeSlots(rows);
  let nextAttempt = document.nextAttempt;
  for (let i = 0; i < plan.add; i += 1) {
    rows.push({
      slot: slots.next().value,
      attempt: nextAttempt,
      version: entry.value.version,
      goal: "run",
      agent: null,
    });
    nextAttempt += 1;
  }
  const isChanged =
    plan.add + plan.stop.length + plan.drop.length > 0 ||
    JSON.stringify(plan.backoffs) !== JSON.stringify(document.backoffs) ||
    (wanted === undefined && document.rows.length === 0);
  const ending = deploymentEnd(input, isChanged);
  if (!isChanged && ending.writes.length === 0) return { writes: [], asserts: [], events: [], wakes: [], trace };

  const writes: Write[] = [...ending.writes];
  const asserts = [];
  if (isChanged) {
    const value: WantedDocument = { app, rows, nextAttempt, backoffs: [...plan.backoffs], trace };
    writes.push({ key: keys.wanted(app), value, expect: state.revision(keys.wanted(app)) });
  }
  if (!ending.writes.some((write) => write.key === keys.app(app)))
    asserts.push({ key: keys.app(app), revision: entry.revision });
  // A row never leaves while its instance stands: the answer it was judged by must still be the last one.
  if (plan.drop.length > 0 || ending.writes.length > 0)
    asserts.push({ key: keys.placed(app), revision: placed?.revision ?? state.revision(keys.placed(app)) });
  const retries = plan.drop.some((row) => row.wish.goal === "run");
  return {
    writes,
    asserts,
    events: ending.events,
    wakes: isChanged ? [{ wakeClass: retries ? "retry" : input.priority, app, key: keys.wanted(app), trace }] : [],
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

function closed(state: StateView, id: string, now: number): Write[] {
  const deployment = state.kind("deployment").get(id);
  if (deployment === undefined || deployment.value.state !== "running") return [];
  const value = { ...deployment.value, state: "succeeded" as const, endedAtMs: now, message: null };
  return [{ key: keys.deployment(id), value, expect: deployment.revision, ttlMs: DEPLOYMENT_HISTORY_MS }];
}

function endedEvents(state: StateView, id: string, trace: string | null, circumstances: Circumstances): EventDraft[] {
  const deployment = state.kind("deployment").get(id)?.value;
  if (deployment === undefined) return [];
  const { app, version, action } = deployment;
  return [
    {
      type: "muster.deployment.ended",
      subject: id,
      id: drawEventId(circumstances),
      data: { app, version, deployment: id, id, action, state: "succeeded", message: null },
      trace,
    },
  ];
}

/** The last instance is released: everything of the app goes in one batch, its claims included. */
function removal({ state, app, entry, document, placed, trace, circumstances }: Input): Decision {
  const token = appToken(app);
  const purge = (key: string): Write[] =>
    state.revision(key) === 0 ? [] : [{ key, value: null, expect: state.revision(key) }];
  const versions = [...state.kind("version").keys()]
    .filter((key) => key.startsWith(`${token}.`))
    .map((key) => `version.${key}`);
  const ports = [...state.kind("port")].filter(([, { value }]) => value.owner === app).map(([key]) => `port.${key}`);
  const id = entry.value.deployment;
  const attempts = highestAttempt(state, entry, document);
  return {
    writes: [
      { key: keys.app(app), value: null, expect: entry.revision },
      ...purge(keys.wanted(app)),
      ...(placed === undefined ? [] : purge(keys.placed(app))),
      ...purge(keys.waiting(app)),
      ...purge(keys.path(app)),
      // One batch holds a thousand messages; older versions than fit are left to the next removal of the same path.
      ...[...versions.slice(-800), ...ports].flatMap((key) => [{ key, value: null, expect: null }]),
      ...attempts,
      ...(id === null ? [] : closed(state, id, circumstances.now)),
    ],
    asserts: placed === undefined ? [{ key: keys.placed(app), revision: state.revision(keys.placed(app)) }] : [],
    events: [
      { type: "muster.app.deleted", subject: app, id: drawEventId(circumstances), data: { app }, trace },
      ...(id === null ? [] : endedEvents(state, id, trace, circumstances)),
    ],
    wakes: [],
    trace,
  };
}

/** Where attempts ran ahead of the stream, the highest is kept, so that a new app of this path starts above it. */
function highestAttempt(state: StateView, entry: Entry<AppDocument>, document: WantedDocument): Write[] {
  const floor = state.kind("attempts").get("")?.value.highest ?? 0;
  const highest = document.nextAttempt - 1;
  if (highest <= entry.revision || highest <= floor) return [];
  return [{ key: keys.attempts, value: { highest }, expect: state.revision(keys.attempts) }];
}
