/** Instances as people see them: the wish, the placement, the verdict and the end of each joined into one row. */
import {
  type AppId,
  agentToken,
  appIdOf,
  appToken,
  type EndedRow,
  type HealthView,
  type InstanceView,
  instanceId,
  MusterError,
  type PlacedRow,
  type StateView,
  type Version,
  type WantedRow,
} from "@muster/contracts";
import { configOf } from "../apps/config.ts";
import { checkedOf } from "../rollout/rows.ts";

export type InstanceFilter = {
  /** Only this app's; absent: everybody's. */
  readonly app?: AppId;
  /** Ended ones too, as far as they are remembered. */
  readonly ended?: boolean;
};

/** By app, slot and attempt. An app nobody knows has none. */
export function instancesOf(
  state: StateView,
  health: HealthView,
  { app, ended = false }: InstanceFilter,
): InstanceView[] {
  const tokens = app === undefined ? appTokens(state) : [appToken(app)];
  return tokens.flatMap((token) => instancesOfApp(state, health, token, ended));
}

/**
 * The instance that `text` names: its id, or a beginning that no other instance's id has; ended ones included.
 * Throws `instance.unknown`, `id.ambiguous`.
 */
export function findInstance(state: StateView, health: HealthView, text: string): InstanceView {
  const dot = text.indexOf(".");
  const filter = dot < 0 ? {} : { app: appIdOf(text.slice(0, dot)) };
  const all = text === "" ? [] : instancesOf(state, health, { ...filter, ended: true });
  const found = all.filter((instance) => instance.id.startsWith(text));
  const exact = found.find((instance) => instance.id === text);
  const [first, second] = found;
  if (exact !== undefined) return exact;
  if (first === undefined) throw unknownInstance(text);
  if (second === undefined) return first;
  const examples = found.slice(0, EXAMPLES_MAX).map((instance) => instance.id);
  const more = found.length > EXAMPLES_MAX ? ` and ${found.length - EXAMPLES_MAX} more` : "";
  throw new MusterError("id.ambiguous", `'${text}' is the beginning of ${examples.join(", ")}${more}: name more of it`);
}

const EXAMPLES_MAX = 5;

export const unknownInstance = (id: string): MusterError =>
  new MusterError("instance.unknown", `Instance '${id}' does not exist, or ended too long ago to be remembered`);

const appTokens = (state: StateView): string[] =>
  [...new Set([...state.kind("wanted").keys(), ...state.kind("placed").keys()])].sort();

const rowKey = (row: { readonly slot: number; readonly attempt: number }): string => `${row.slot}.${row.attempt}`;

function instancesOfApp(state: StateView, health: HealthView, token: string, withEnded: boolean): InstanceView[] {
  const placed = state.kind("placed").get(token)?.value;
  const rows = placed?.rows ?? [];
  const endedRows = placed?.ended ?? [];
  const standing = new Set([...rows, ...endedRows].map(rowKey));
  const waitingRows = (state.kind("wanted").get(token)?.value.rows ?? []).filter(
    (row) => row.goal === "run" && !standing.has(rowKey(row)),
  );
  const views = [
    ...rows.map((row) => placedInstance(state, health, token, row)),
    ...waitingRows.map((row) => waitingInstance(state, token, row)),
    ...(withEnded
      ? distinct([...endedRows, ...(placed?.history ?? [])]).map((row) => endedInstance(state, token, row))
      : []),
  ];
  return views.sort((a, b) => a.slot - b.slot || a.attempt - b.attempt);
}

/** An ended instance whose wanted row still stands is in the app's history too. */
const distinct = (rows: readonly EndedRow[]): EndedRow[] => [
  ...new Map(rows.map((row) => [rowKey(row), row])).values(),
];

const nothingYet = {
  healthy: null,
  ready: null,
  agent: null,
  host: null,
  ports: [],
  pid: null,
  container: null,
  sinceMs: null,
  startedAtMs: null,
  exitCode: null,
  reason: "",
  message: "",
} as const satisfies Partial<InstanceView>;

type Named = { readonly slot: number; readonly attempt: number; readonly version: number };

function naming(state: StateView, token: string, { slot, attempt, version }: Named) {
  const app = appIdOf(token);
  return { id: instanceId({ app, slot, attempt }), app, slot, attempt, version, goodFor: goodFor(state, app, version) };
}

/** A change that restarts nothing makes a version, and leaves instances of an older one: they are all that it asks for. */
function goodFor(state: StateView, app: AppId, version: Version): Version | null {
  const current = state.kind("app").get(appToken(app))?.value.version ?? null;
  if (current === null || current === version) return current;
  return configOf(state, app, version) === configOf(state, app, current) ? current : null;
}

/** The agent's hostname, or its id where it has left. */
export const hostOf = (state: StateView, agent: string): string =>
  state.kind("offer").get(agentToken(agent))?.value.hostname ?? agent;

function waitingInstance(state: StateView, token: string, row: WantedRow): InstanceView {
  const sinceMs = state.kind("waiting").get(token)?.value.sinceMs ?? null;
  return { ...nothingYet, ports: [], ...naming(state, token, row), state: "waiting", sinceMs };
}

function placedInstance(state: StateView, health: HealthView, token: string, row: PlacedRow): InstanceView {
  const where = { ...naming(state, token, row), agent: row.agent, host: hostOf(state, row.agent), ports: row.ports };
  const verdict = health.kind("verdict").get(`${token}.${rowKey(row)}`)?.value;
  const readiness = checkedOf(state.kind("version").get(`${token}.${row.version}`)?.value.spec ?? null).readiness;
  const ready = readiness ? verdict?.ready === true : null;
  if (verdict === undefined) return { ...nothingYet, ...where, ready, state: "placed", sinceMs: row.atMs };
  const { level, healthy, pid, container, sinceMs, startedAtMs, exitCode, reason, message } = verdict;
  return { ...where, state: level, healthy, ready, pid, container, sinceMs, startedAtMs, exitCode, reason, message };
}

function endedInstance(state: StateView, token: string, row: EndedRow): InstanceView {
  const { agent, exitCode, reason, atMs: sinceMs } = row;
  const where = { ...naming(state, token, row), agent, host: hostOf(state, agent), ports: [] };
  return { ...nothingYet, ...where, state: row.state, sinceMs, exitCode, reason, message: row.message || endText(row) };
}

/** How an instance ended, in words: `exited with code 1`, `ended by signal SIGKILL: out-of-memory`. */
function endText({ state, exitCode, signal, reason }: EndedRow): string {
  const how =
    signal !== null ? `ended by signal ${signal}` : exitCode !== null ? `exited with code ${exitCode}` : String(state);
  return reason === "" || reason === "exited" ? how : `${how}: ${reason}`;
}

export type InstanceCounts = {
  /** Placed and not running yet. */
  readonly staged: number;
  readonly running: number;
  readonly healthy: number;
  readonly unhealthy: number;
};

export function countInstances(instances: readonly InstanceView[]): InstanceCounts {
  let [staged, running, healthy, unhealthy] = [0, 0, 0, 0];
  for (const instance of instances) {
    if (["placed", "staging", "starting", "overdue"].includes(instance.state)) staged += 1;
    if (instance.state !== "running") continue;
    running += 1;
    if (instance.healthy === true) healthy += 1;
    if (instance.healthy === false) unhealthy += 1;
  }
  return { staged, running, healthy, unhealthy };
}

/** The last instance that failed, or null. A health check that had one killed is a failure of the app. */
export function lastFailure(ended: readonly InstanceView[]): InstanceView | null {
  let last: InstanceView | null = null;
  for (const instance of ended) {
    const isFailure =
      instance.state === "failed" ||
      instance.state === "error" ||
      (instance.state === "killed" && instance.reason === "health-check");
    if (isFailure && (last === null || (instance.sinceMs ?? 0) >= (last.sinceMs ?? 0))) last = instance;
  }
  return last;
}
