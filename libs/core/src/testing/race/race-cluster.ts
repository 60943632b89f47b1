/** A random cluster with several workers whose views lag, and everybody else in it; each commit is held against the oracle. */
import assert from "node:assert/strict";
import {
  type AppId,
  appToken,
  type GATE_REASONS,
  keys,
  type LedgerDocument,
  type OfferDocument,
  type WantedRow,
} from "@muster/contracts";
import { Fleet } from "../../fleet/fleet.ts";
import type { Round } from "../../placement/round.ts";
import type { View } from "../memory-bucket.ts";
import { diceOf, TestCluster } from "../test-cluster.ts";
import { Checker } from "./checker.ts";
import { agentOf, type RaceApp, Rolls, type World } from "./world.ts";

const WORKERS = 3;

type Worker = { state: View; health: View; readonly distance: (fleet: Fleet) => Float64Array | null };

const fleets = new WeakMap<View, Fleet>();
/** As a worker keeps it: one fleet for many decisions. */
function fleetOf(view: View): Fleet {
  const fleet = fleets.get(view) ?? Fleet.of(view);
  fleets.set(view, fleet);
  return fleet;
}

export class RaceCluster extends TestCluster {
  readonly world: World;
  readonly checker = new Checker();
  readonly workers: Worker[];
  readonly #seed: number;
  /** Leftover records; health forgets how they ended when it hears of it. */
  readonly #purged = new Set<string>();
  #round = 0;
  /** How many batches landed and how many were stale. */
  landed = 0;
  stale = 0;

  constructor(world: World, seed: number) {
    super();
    this.world = world;
    this.#seed = seed;
    for (const offer of world.agents) this.agent(offer.agent, offer);
    for (const { id, specs } of world.apps) {
      this.accept(specs[0] as (typeof specs)[0]);
      this.wish(this.#app(id), 1 + (seed % 3));
    }
    const rolls = new Rolls(seed);
    this.workers = Array.from({ length: WORKERS }, () => {
      const share = rolls.chance(50) ? rolls.below(1_000) : null;
      return {
        state: this.state.snapshot(),
        health: this.health.snapshot(),
        distance: (fleet) =>
          share === null ? null : Float64Array.from(fleet.ids, (_, i) => ((i * 7 + share) % 3) * 0.9),
      };
    });
  }

  /** One who is not alone. */
  get worker(): Worker {
    return this.workers[0] as Worker;
  }

  /** One step, told by one number: equal numbers mean equal steps, whatever came before; 0 is none. */
  step(code: number): void {
    if (code === 0) return;
    const rolls = new Rolls(code);
    const app = rolls.pick(this.world.apps);
    const kind = rolls.below(100);
    if (kind < 12) this.look(rolls.below(WORKERS));
    else if (kind < 38) this.decideLagging(rolls, app);
    else if (kind < 54) this.race(rolls, app);
    else if (kind < 66) this.wish(app, rolls.below(6));
    else if (kind < 70) this.upgrade(app);
    else if (kind < 80) this.endOne(app, rolls.below(6));
    else if (kind < 84) this.obey();
    else if (kind < 88) this.replaceEnded(app.id);
    else if (kind < 93) this.turnGate(rolls);
    else if (kind < 97) this.reoffer(rolls);
    else this.now += rolls.pick([1_000, 6_000, 50_000]);
  }

  look(worker: number): void {
    const each = this.workers[worker] as Worker;
    each.state = this.state.snapshot();
    each.health = this.health.snapshot();
  }

  /** A worker decides on what it last saw. */
  decideLagging(rolls: Rolls, app: RaceApp): void {
    const worker = this.workers[rolls.below(WORKERS)] as Worker;
    const other = rolls.pick(this.world.apps);
    this.decideAndCommit(worker, rolls.chance(70) ? [app.id] : [app.id, other.id]);
  }

  /** Two workers decide on the very same world, about one app or two. */
  race(rolls: Rolls, app: RaceApp): void {
    const other = rolls.chance(30) ? app : rolls.pick(this.world.apps);
    const [state, health] = [this.state.snapshot(), this.health.snapshot()];
    const [first, second] = [0, 1].map((at) => ({ ...(this.workers[at] as Worker), state, health }));
    this.decideAndCommit(first as Worker, [app.id]);
    this.decideAndCommit(second as Worker, [other.id]);
  }

  /** As the deployer would, on the world as it is: too few are added, too many are stopped. */
  wish(app: RaceApp, instances: number): void {
    const present = this.version(app.id);
    const running = this.wanted(app.id).rows.filter((row) => row.goal === "run" && row.version === present);
    if (running.length > instances) {
      const surplus = new Set(running.slice(instances).map((row) => row.attempt));
      this.unwant(app.id, (row) => surplus.has(row.attempt));
    }
    if (running.length >= instances) return;
    const taken = new Set(running.map((row) => row.agent));
    const pins = this.world.agents.map(({ agent }) => agent).filter((agent) => !taken.has(agent));
    const missing = instances - running.length;
    this.want(app.id, app.isPinned ? pins.slice(0, missing) : missing);
  }

  upgrade(app: RaceApp): void {
    const spec = app.specs[this.version(app.id) % app.specs.length] as (typeof app.specs)[0];
    const running = this.wanted(app.id).rows.filter((row: WantedRow) => row.goal === "run").length;
    this.accept(spec);
    // Old ones make way at once or, as in a rollout, one after the other when the app is scaled next.
    if (this.now % 2 === 0) this.unwant(app.id, (row) => row.version !== this.version(app.id));
    this.wish(app, Math.max(1, running));
  }

  endOne({ id }: RaceApp, at: number): void {
    const rows = this.rows(id);
    const row = rows[at % Math.max(1, rows.length)];
    if (row !== undefined) this.end(id, row);
  }

  obey(): void {
    for (const { id } of this.world.apps) for (const row of this.rows(id)) if (row.goal === "stop") this.end(id, row);
  }

  turnGate(rolls: Rolls): void {
    const { agent } = rolls.pick(this.world.agents);
    const isRemoved = this.ledger(agent)?.gate.reason === "removed";
    const reason = rolls.pick<(typeof GATE_REASONS)[number]>([
      "open",
      "open",
      "open",
      "cordon",
      "drain",
      "unreachable",
    ]);
    if (isRemoved) this.state.write(keys.agent(agent), null);
    if (!isRemoved && rolls.chance(8)) this.remove(agent);
    else this.gate(agent, reason);
  }

  /** An agent comes back larger, smaller or, in a moving world, as quite another. */
  reoffer(rolls: Rolls): void {
    const { agent } = rolls.pick(this.world.agents);
    const fresh = agentOf(agent, rolls);
    const { capacity, ports, custom, role } = fresh;
    const { attributes, zone } = this.world.isMoving ? fresh : (this.offer(agent) as OfferDocument);
    this.agent(agent, { capacity, ports, custom, role, attributes, zone });
  }

  decideAndCommit({ state, health, distance }: Worker, apps: readonly AppId[]): Round {
    this.#round += 1;
    const dice = () => diceOf(this.#seed + this.#round);
    const fleet = fleetOf(state);
    const looking = { view: state, health, fleet, dice: dice(), purged: this.#purged, ...distanceOf(distance(fleet)) };
    const round = this.decide(apps, looking);
    if (this.#round % 8 === 0) {
      const again = this.decide(apps, { ...looking, fleet: Fleet.of(state), dice: dice() });
      assert.equal(
        JSON.stringify(again),
        JSON.stringify(round),
        "equal worlds and dice make equal decisions, whatever was decided before",
      );
    }
    const before = this.state.snapshot();
    if (this.state.commit(round.decision)) {
      this.landed += 1;
      for (const { purged } of round.reports) for (const key of purged) this.#purged.add(key);
      if (round.decision.writes.length > 0) {
        const after = this.state.snapshot();
        this.checker.check({ before, after, seen: state, now: this.now, isMoving: this.world.isMoving });
      }
    } else this.stale += 1;
    return round;
  }

  /** All look at the world as it is until nobody has anything to do. */
  settle(): void {
    for (let look = 0; look < 30; look += 1) {
      let isQuiet = true;
      for (const { id } of this.world.apps) {
        const worker = {
          ...(this.workers[look % WORKERS] as Worker),
          state: this.state.snapshot(),
          health: this.health.snapshot(),
        };
        if (this.decideAndCommit(worker, [id]).decision.writes.length > 0) isQuiet = false;
      }
      if (isQuiet && look >= WORKERS) return;
    }
    assert.fail("workers overwrite each other's decisions for ever");
  }

  missing(id: AppId): WantedRow[] {
    const { rows, ended } = this.placed(id);
    const answered = new Set([...rows, ...ended].map((row) => row.attempt));
    return this.wanted(id).rows.filter((row) => row.goal === "run" && !answered.has(row.attempt));
  }

  override ledger = (agent: string): LedgerDocument | null =>
    this.state.snapshot().kind("ledger").get(agent)?.value ?? null;

  #app = (id: AppId): RaceApp => this.world.apps.find((app) => app.id === id) as RaceApp;

  waitingRevision = (id: AppId): number => this.state.revision(`wanted.${appToken(id)}`);
}

const distanceOf = (distance: Float64Array | null) => (distance === null ? {} : { distance });
