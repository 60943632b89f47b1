/**
 * A rollout played through on a view nobody else sees: the deployer's decision, placement's rounds, and a world in which what is
 * started comes up and what is stopped ends. It decides nothing itself, so it cannot disagree with those who do.
 */
import {
  type AppDocument,
  type AppId,
  type AppSpec,
  agentToken,
  appToken,
  type Circumstances,
  type EndedDocument,
  instanceId,
  keys,
  type LedgerDocument,
  type PlacedRow,
  type Strategy,
  type VerdictDocument,
  type VersionDocument,
  type Write,
} from "@muster/contracts";
import { advanceDeployment } from "../deployment/advance.ts";
import { Fleet } from "../fleet/fleet.ts";
import { decideRound } from "../placement/round.ts";
import { decideRollout } from "../rollout/decide.ts";
import { type Checked, checkedOf, isServing } from "../rollout/rows.ts";
import { type HealthOverlay, layOverHealth, layOverState, type StateOverlay } from "./overlay.ts";
import type { Scene } from "./scene.ts";

/** Steps played one by one. An upgrade that takes more of them is as good as known by then. */
const STEPS_MAX = 100;
/** A step is quiet after one round for each batch of instances, one for what waits, and one that finds nothing. */
const ROUNDS_MAX = 64;
/** How often it waits for the end of a delay. */
const DELAYS_MAX = 3;

export type Rehearsal = {
  /** What placement did before anything came up or ended. */
  readonly first: { readonly placed: readonly PlacedRow[]; readonly stopped: readonly PlacedRow[] };
  readonly steps: number;
  /** False: after `STEPS_MAX` steps all old instances were taken to have made way at once. */
  readonly isWhole: boolean;
  /** Instances that stood ready at least and stood at most, as long as steps were played one by one. */
  readonly least: number;
  readonly most: number;
  /** Failures held new instances back until then. */
  readonly delayedUntilMs: number | null;
};

export class Stage {
  readonly state: StateOverlay;
  readonly health: HealthOverlay;
  readonly fleet: Fleet;
  readonly app: AppId;
  readonly #strategy: Strategy;
  readonly #dice: () => number;
  readonly #purged = new Set<string>();
  #now: number;

  constructor(scene: Scene, app: AppId, strategy: Strategy, { now, dice }: Circumstances) {
    this.state = layOverState(scene.state);
    this.health = layOverHealth(scene.health);
    this.#strategy = strategy;
    this.fleet = Fleet.of(this.state);
    this.app = app;
    this.#now = now;
    this.#dice = dice;
  }

  get document(): AppDocument | undefined {
    return this.state.kind("app").get(appToken(this.app))?.value;
  }

  get placed(): readonly PlacedRow[] {
    return this.state.kind("placed").get(appToken(this.app))?.value.rows ?? [];
  }

  lay(writes: readonly Write[]): void {
    this.state.lay(writes);
    for (const { key, value } of writes)
      if (key.startsWith("ledger.") && value !== null) {
        const ledger = value as LedgerDocument;
        this.fleet.setLedger(ledger.agent, ledger);
      }
  }

  /** Plays until the app stands as asked or nothing moves any more. */
  play(): Rehearsal {
    const before = new Map(this.placed.map((row) => [row.attempt, row]));
    let first: Rehearsal["first"] | null = null;
    let [steps, delays, isWhole] = [0, 0, true];
    let [least, most] = [Number.POSITIVE_INFINITY, 0];
    let delayedUntilMs: number | null = null;
    for (let limit = STEPS_MAX; steps < limit; ) {
      const rollout = decideRollout(this.state, this.health, this.app, null, this.#at);
      this.lay(rollout?.decision.writes ?? []);
      const hasWished = (rollout?.decision.writes.length ?? 0) > 0 || this.#advance();
      if (!isWhole) this.#endStopped();
      const hasPlaced = this.#rounds();
      first ??= {
        placed: this.placed.filter((row) => !before.has(row.attempt)),
        stopped: this.placed.filter((row) => row.goal === "stop" && before.get(row.attempt)?.goal === "run"),
      };
      if (isWhole) {
        most = Math.max(most, this.placed.length);
        least = Math.min(least, this.#countReady());
      }
      const hasRisen = this.#comeUp();
      const hasReleased = this.#endStopped() && this.#rounds();
      if (hasWished || hasPlaced || hasReleased) steps += 1;
      else if (rollout?.lookAgainAtMs != null && delays < DELAYS_MAX && this.#isHeld()) {
        delays += 1;
        delayedUntilMs ??= rollout.lookAgainAtMs;
        this.#now = rollout.lookAgainAtMs;
      } else if (!hasRisen) break;
      if (steps < STEPS_MAX || !isWhole) continue;
      isWhole = false;
      limit += STEPS_MAX;
      this.#openCapacities();
    }
    first ??= { placed: [], stopped: [] };
    return { first, steps, isWhole, least, most, delayedUntilMs };
  }

  get #at(): Circumstances {
    return { now: this.#now, dice: this.#dice };
  }

  /** Takes the deployment further, as if whoever is to promote it did, and the time to watch it had passed. */
  #advance(): boolean {
    const id = this.document?.deployment ?? null;
    const advance = id === null ? null : advanceDeployment(this.state, this.health, id, this.#at);
    if (id === null || advance === null) return false;
    this.lay(advance.decision.writes);
    if (advance.decision.writes.length > 0) return true;
    const deployment = this.state.kind("deployment").get(id)?.value;
    if (deployment === undefined || deployment.reachedAtMs === null) return false;
    this.#now = Math.max(this.#now, advance.lookAgainAtMs ?? 0);
    this.state.lay([{ key: keys.deployment(id), value: { ...deployment, isPromoted: true }, expect: null }]);
    return true;
  }

  /** True when anything was decided. */
  #rounds(): boolean {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const { decision, reports } = decideRound(
        {
          state: this.state,
          health: this.health,
          fleet: this.fleet,
          strategy: this.#strategy,
          apps: [this.app],
          trace: () => null,
          purged: this.#purged,
        },
        this.#at,
      );
      if (decision.writes.length === 0) return round > 0;
      for (const { purged } of reports) for (const key of purged) this.#purged.add(key);
      this.lay(decision.writes);
    }
    return true;
  }

  /** Fewer are wished than asked for, though nothing else moves. */
  #isHeld(): boolean {
    const { version, instances } = this.document ?? { version: 0, instances: 0 };
    const rows = this.state.kind("wanted").get(appToken(this.app))?.value.rows ?? [];
    return rows.filter((row) => row.goal === "run" && row.version === version).length < instances;
  }

  #verdict(row: PlacedRow): VerdictDocument | undefined {
    return this.health.kind("verdict").get(tokensOf(this.app, row))?.value;
  }

  #checkedOf({ version }: PlacedRow): Checked {
    const key = keys.version(this.app, version).slice("version.".length);
    return checkedOf(this.state.kind("version").get(key)?.value.spec ?? null);
  }

  #isReady(row: PlacedRow): boolean {
    const verdict = this.#verdict(row);
    return row.goal === "run" && verdict?.level === "running" && verdict.healthy !== false && verdict.ready !== false;
  }

  #countReady(): number {
    return this.placed.reduce((sum, row) => (this.#isReady(row) ? sum + 1 : sum), 0);
  }

  #isSilent({ agent }: PlacedRow): boolean {
    const reason = this.state.kind("ledger").get(agentToken(agent))?.value.gate.reason;
    return reason === "unreachable" || reason === "removed";
  }

  /** What was placed comes up, also what was on its way before. What fails already goes on failing. */
  #comeUp(): boolean {
    let hasRisen = false;
    for (const row of this.placed) {
      const before = this.#verdict(row);
      const isRising =
        before === undefined ||
        ["staging", "starting", "overdue"].includes(before.level) ||
        (before.level === "running" && before.healthy === null) ||
        (before.level === "running" && before.healthy === true && !isServing(before, this.#checkedOf(row)));
      if (row.goal !== "run" || !isRising || this.#isSilent(row)) continue;
      this.health.lay([
        { key: keys.verdict({ app: this.app, ...row }), value: risen(this.app, row, this.#now), expect: null },
      ]);
      hasRisen = true;
    }
    return hasRisen;
  }

  /** What is to stop has ended, unless its agent is silent: such an instance holds its share until the agent speaks. */
  #endStopped(): boolean {
    const wished = this.state.kind("wanted").get(appToken(this.app))?.value.rows ?? [];
    const stopping = new Set(wished.filter((row) => row.goal === "stop").map((row) => row.attempt));
    let hasEnded = false;
    for (const row of this.placed) {
      if (!stopping.has(row.attempt) || this.#isSilent(row)) continue;
      const key = keys.ended({ app: this.app, ...row });
      if (this.health.kind("ended").has(tokensOf(this.app, row))) continue;
      this.health.lay([{ key, value: killed(this.app, row, this.#now), expect: null }]);
      hasEnded = true;
    }
    return hasEnded;
  }

  /** From here on the deployer may stop all that is old and add all that is new in one step. */
  #openCapacities(): void {
    const { document } = this;
    const key = document === undefined ? "" : keys.version(this.app, document.version);
    const entry = this.state.kind("version").get(key.slice("version.".length));
    if (entry === undefined) return;
    const spec: AppSpec = {
      ...entry.value.spec,
      upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 1 },
    };
    this.state.lay([{ key, value: { ...entry.value, spec } satisfies VersionDocument, expect: null }]);
  }
}

/** As the health bucket names it: the same text as its id. */
const tokensOf = (app: AppId, { slot, attempt }: PlacedRow): string => instanceId({ app, slot, attempt });

const risen = (app: AppId, row: PlacedRow, now: number): VerdictDocument => ({
  instance: instanceId({ app, slot: row.slot, attempt: row.attempt }),
  agent: row.agent,
  version: row.version,
  level: "running",
  stated: "running",
  healthy: true,
  ready: true,
  response: null,
  health: null,
  checkResult: null,
  givenUp: null,
  fact: 0,
  startedAtMs: now,
  sinceMs: now,
  exitCode: null,
  signal: null,
  reason: "rehearsed",
  message: "",
  pid: null,
  container: null,
  trace: null,
});

const killed = (app: AppId, row: PlacedRow, now: number): EndedDocument => ({
  instance: instanceId({ app, slot: row.slot, attempt: row.attempt }),
  agent: row.agent,
  version: row.version,
  fact: 0,
  state: "killed",
  exitCode: null,
  signal: null,
  reason: "rehearsed",
  message: "",
  atMs: now,
  trace: null,
});
