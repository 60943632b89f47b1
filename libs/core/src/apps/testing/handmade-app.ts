/** For tests: the app `/hello` with whatever the services have written about it. */
import {
  type AppDocument,
  type EndedRow,
  keys,
  type Level,
  type OfferDocument,
  type PlacedRow,
  readApp,
  type VerdictDocument,
  type WaitingDocument,
  type WantedDocument,
} from "@muster/contracts";
import { type HandmadeHealth, type HandmadeState, handmadeHealth, handmadeState } from "./handmade-view.ts";

export const NOW = 1_800_000_000_000;
export const VERSION = NOW - 60_000;

export type World = { readonly state: HandmadeState; readonly health: HandmadeHealth };

export function world(document: Partial<AppDocument> = {}, fields: object = {}): World {
  const [state, health] = [handmadeState(), handmadeHealth()];
  const instances = document.instances ?? 2;
  const { spec } = readApp({ id: "/hello", cmd: "sleep 9", instances, ports: [10_000], ...fields });
  const by = { who: "test", from: "here" };
  state.put(keys.version("/hello", VERSION), { app: "/hello", version: VERSION, spec, by });
  state.put(keys.app("/hello"), {
    id: "/hello",
    version: VERSION,
    instances,
    goal: "run",
    deployment: null,
    mix: null,
    createdAtMs: VERSION,
    scaledAtMs: VERSION,
    trace: null,
    ...document,
  } satisfies AppDocument);
  return { state, health };
}

export const placedRow = (slot: number, more: Partial<PlacedRow> = {}): PlacedRow => ({
  slot,
  attempt: 10 + slot,
  version: VERSION,
  goal: "run",
  items: {},
  agent: "n1",
  ports: [31_000 + slot],
  atMs: NOW - 20_000,
  ...more,
});

export const endedRow = (attempt: number, more: Partial<EndedRow> = {}): EndedRow => ({
  slot: 0,
  attempt,
  version: VERSION,
  agent: "n1",
  state: "failed",
  exitCode: 1,
  signal: null,
  reason: "exited",
  message: "",
  atMs: NOW - 5_000,
  ...more,
});

export function place(
  { state }: World,
  rows: readonly PlacedRow[],
  history: readonly EndedRow[] = [],
  ended: readonly EndedRow[] = [],
): void {
  state.put(keys.placed("/hello"), { app: "/hello", rows, ended, history });
}

export function want({ state }: World, attempts: readonly number[], more: Partial<WantedDocument> = {}): void {
  const rows = attempts.map((attempt, slot) => ({ slot, attempt, version: VERSION, goal: "run" }));
  state.put(keys.wanted("/hello"), { app: "/hello", rows, nextAttempt: 99, backoffs: [], trace: null, ...more });
}

export function judge({ health }: World, slot: number, level: Level, more: Partial<VerdictDocument> = {}): void {
  health.put(keys.verdict({ app: "/hello", slot, attempt: 10 + slot }), {
    instance: `hello.${slot}.${10 + slot}`,
    agent: "n1",
    version: VERSION,
    level,
    stated: null,
    healthy: null,
    ready: null,
    response: null,
    health: null,
    checkResult: null,
    givenUp: null,
    fact: 1,
    startedAtMs: level === "running" ? NOW - 15_000 : null,
    sinceMs: NOW - 12_000,
    exitCode: null,
    signal: null,
    reason: "",
    message: "",
    pid: 77,
    container: null,
    trace: null,
    ...more,
  } satisfies VerdictDocument);
}

export function offer({ state }: World, agent: string, more: Partial<OfferDocument> = {}): void {
  state.put(keys.offer(agent), {
    agent,
    hostname: `${agent}.example`,
    address: "10.0.0.1",
    capacity: { cpuMillis: 4_000, memoryMib: 8_192, diskMib: 0, gpus: 0 },
    ports: [{ first: 31_000, last: 32_000 }],
    attributes: {},
    role: "*",
    region: null,
    zone: null,
    runtimes: ["process"],
    custom: { scalars: {}, sets: {} },
    images: [],
    gate: { open: true, reason: "open", sinceMs: 1, incarnation: 1 },
    incarnation: 3,
    ...more,
  } satisfies OfferDocument);
}

export function wait({ state }: World, more: Partial<WaitingDocument> = {}): void {
  state.put(keys.waiting("/hello"), {
    app: "/hello",
    count: 1,
    sinceMs: NOW - 12_000,
    decidedAtMs: NOW - 1_000,
    agentsSeen: 3,
    refusals: [
      { check: "constraints", agents: 2, reason: "rack is rack-1, rack-2 asked" },
      { check: "cpus", agents: 1, reason: "needs 0.5 cpus, 0.2 free" },
    ],
    wouldFitIf: [],
    follows: [],
    holdFromMs: null,
    nearest: { agent: "n3", lacks: "needs 0.5 cpus, 0.2 free" },
    cures: [],
    wantedRevision: 1,
    trace: null,
    ...more,
  } satisfies WaitingDocument);
}
