/** Workers with lagging views, a deployer, agents and an operator, in any order: what must hold at every moment, and at the end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  appToken,
  type EndedDocument,
  keys,
  type LedgerDocument,
  type PlacedDocument,
  RESOURCE_NAMES,
  type WaitingDocument,
  type WantedDocument,
} from "@muster/contracts";
import fc from "fast-check";
import { resourcesOf } from "../ask.ts";
import { decideRollout } from "../rollout/decide.ts";
import { addAgent, addApp, appOf, specOf } from "../testing/builders.ts";
import { MemoryBucket } from "../testing/memory-bucket.ts";
import { decideRound } from "./round.ts";

const APPS = [
  specOf("/spread", { instances: 4 }),
  specOf("/unique", { instances: 3, constraints: [["rack", "UNIQUE"]] }),
  specOf("/large", { instances: 2, cpus: 3 }),
];
const AGENTS = ["n1", "n2", "n3", "n4"];

type Step =
  | { what: "look"; worker: number }
  | { what: "place"; worker: number; app: number }
  | { what: "deploy"; worker: number; app: number }
  | { what: "race"; app: number }
  | { what: "overtake"; app: number }
  | { what: "scale"; app: number; instances: number }
  | { what: "fail"; app: number; row: number }
  | { what: "gate"; agent: number; open: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ what: fc.constant("look" as const), worker: fc.nat(2) }),
  fc.record({ what: fc.constant("place" as const), worker: fc.nat(2), app: fc.nat(2) }),
  fc.record({ what: fc.constant("deploy" as const), worker: fc.nat(2), app: fc.nat(2) }),
  fc.record({ what: fc.constant("race" as const), app: fc.nat(2) }),
  fc.record({ what: fc.constant("overtake" as const), app: fc.nat(2) }),
  fc.record({ what: fc.constant("scale" as const), app: fc.nat(2), instances: fc.nat(3) }),
  fc.record({ what: fc.constant("fail" as const), app: fc.nat(2), row: fc.nat(5) }),
  fc.record({ what: fc.constant("gate" as const), agent: fc.nat(3), open: fc.boolean() }),
);

type View = ReturnType<MemoryBucket["snapshot"]>;

/** Workers that would all choose alike would always collide on the ledger and never test the other fences. */
function diceOf(worker: number): () => number {
  let seed = worker * 7_919 + 1;
  return () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
}

class Cluster {
  readonly state = new MemoryBucket();
  readonly health = new MemoryBucket();
  readonly views = [0, 1, 2].map(() => this.state.snapshot());
  readonly placedEver = new Map<string, number>();
  now = 1_000;

  constructor() {
    for (const [i, agent] of AGENTS.entries())
      addAgent(this.state, agent, { attributes: { rack: { type: "text", value: `r${i % 3}` } } });
    for (const spec of APPS) addApp(this.state, spec);
  }

  take(what: Step): void {
    this.now += 1_000;
    switch (what.what) {
      case "look":
        this.views[what.worker] = this.state.snapshot();
        return;
      case "place":
        this.place(this.views[what.worker] ?? this.state.snapshot(), what.app, diceOf(what.worker));
        return;
      case "deploy":
        this.deploy(this.views[what.worker] ?? this.state.snapshot(), what.app);
        return;
      case "race": {
        // Two workers decide on the very same world.
        const seen = this.state.snapshot();
        this.place(seen, what.app, diceOf(this.now));
        this.place(seen, what.app, diceOf(this.now + 1));
        return;
      }
      case "overtake": {
        // The deployer decides on a world in which placement has not acted yet.
        const seen = this.state.snapshot();
        this.place(seen, what.app);
        this.deploy(seen, what.app);
        return;
      }
      case "scale": {
        const id = (APPS[what.app] as { id: string }).id;
        this.state.write(keys.app(id), appOf(id, 1, what.instances));
        return;
      }
      case "fail":
        this.fail(what.app, what.row);
        return;
      case "gate": {
        const agent = AGENTS[what.agent] as string;
        const ledger = this.ledger(agent);
        this.state.write(keys.ledger(agent), {
          ...ledger,
          gate: { ...ledger.gate, open: what.open, reason: what.open ? "open" : "cordon" },
        });
        return;
      }
    }
  }

  place(view: View, app: number, dice = diceOf(0)): void {
    const { id } = APPS[app] as { id: string };
    const { decision } = decideRound(
      { state: view, health: this.health.snapshot(), apps: [id], trace: () => null },
      { now: this.now, dice },
    );
    const before = new Set(this.placed(id).rows.map((row) => row.attempt));
    if (!this.state.commit(decision)) return;
    for (const row of this.placed(id).rows)
      if (!before.has(row.attempt))
        this.placedEver.set(`${id}.${row.attempt}`, (this.placedEver.get(`${id}.${row.attempt}`) ?? 0) + 1);
  }

  deploy(view: View, app: number): void {
    const { id } = APPS[app] as { id: string };
    const rollout = decideRollout(view, this.health.snapshot(), id, null, {
      now: this.now,
      dice: () => 0.3,
    });
    if (rollout !== null) this.state.commit(rollout.decision);
  }

  /** An agent's terminal fact, judged: for a row that was ordered to stop, or one that fails by itself. */
  fail(app: number, at: number): void {
    const { id } = APPS[app] as { id: string };
    const { rows } = this.placed(id);
    const row = rows[at % Math.max(1, rows.length)];
    if (row !== undefined) this.end(id, row);
  }
  end(id: string, row: PlacedDocument["rows"][number]): void {
    const ended: EndedDocument = {
      instance: `${appToken(id)}.${row.slot}.${row.attempt}`,
      agent: row.agent,
      version: row.version,
      fact: this.now,
      state: row.goal === "stop" ? "killed" : "failed",
      exitCode: 1,
      signal: null,
      reason: "exited",
      message: "",
      atMs: this.now,
      trace: null,
    };
    this.health.write(keys.ended({ app: id, slot: row.slot, attempt: row.attempt }), ended);
  }

  placed = (id: string): PlacedDocument =>
    this.state.snapshot().kind("placed").get(appToken(id))?.value ?? { app: id, rows: [], ended: [], history: [] };
  wanted = (id: string): WantedDocument | undefined => this.state.snapshot().kind("wanted").get(appToken(id))?.value;
  ledger = (agent: string): LedgerDocument =>
    this.state.snapshot().kind("ledger").get(agent)?.value as unknown as LedgerDocument;

  waiting = (id: string): WaitingDocument | undefined => this.state.snapshot().kind("waiting").get(appToken(id))?.value;

  check(): void {
    const rows = APPS.flatMap((spec) => this.placed(spec.id).rows.map((row) => ({ ...row, spec })));
    for (const agent of AGENTS) {
      const here = rows.filter((row) => row.agent === agent);
      const ledger = this.ledger(agent);
      for (const name of RESOURCE_NAMES)
        assert.equal(
          ledger.used[name],
          here.reduce((sum, { spec }) => sum + resourcesOf(spec)[name], 0),
          `${agent}'s ledger adds up in ${name}`,
        );
      assert.ok(ledger.used.cpuMillis <= 4_000 && ledger.used.memoryMib <= 4_096, `${agent} is not over-committed`);
      assert.deepEqual(ledger.ports.toSorted(), here.flatMap((row) => row.ports).toSorted());
      assert.equal(new Set(ledger.ports).size, ledger.ports.length, "no port twice");
    }
    for (const spec of APPS) {
      const { rows: placed } = this.placed(spec.id);
      assert.equal(new Set(placed.map((row) => row.attempt)).size, placed.length, "no attempt twice");
    }
    const racks = this.placed("/unique").rows.map((row) => Number(row.agent.slice(1)) % 3);
    assert.equal(new Set(racks).size, racks.length, "UNIQUE holds");
    for (const [attempt, count] of this.placedEver) assert.equal(count, 1, `${attempt} was placed once`);
  }

  /** Everybody does their work until nothing changes: gates open, stops obeyed. */
  settle(): void {
    for (const [i] of AGENTS.entries()) this.take({ what: "gate", agent: i, open: true });
    for (let round = 0; round < 60; round += 1) {
      this.now += 600_000;
      for (const [app, spec] of APPS.entries()) {
        this.deploy(this.state.snapshot(), app);
        this.place(this.state.snapshot(), app);
        for (const row of this.placed(spec.id).rows) if (row.goal === "stop") this.end(spec.id, row);
        this.check();
      }
    }
  }
}

test("in any interleaving nothing is over-committed, doubled or lost, and at rest what is wanted is placed", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => {
      const cluster = new Cluster();
      for (const each of steps) {
        cluster.take(each);
        cluster.check();
      }
      for (const [i, instances] of [4, 3, 2].entries()) cluster.take({ what: "scale", app: i, instances });
      cluster.settle();
      for (const spec of APPS) {
        const wanted = cluster.wanted(spec.id)?.rows ?? [];
        assert.equal(
          wanted.filter((row) => row.goal === "run").length,
          spec.instances,
          `${spec.id} is wanted ${spec.instances} times`,
        );
        const placed = new Set(cluster.placed(spec.id).rows.map((row) => row.attempt));
        // The last free share may stand on an agent that does not fit: then it waits, and says so.
        const missing = wanted.filter((row) => !placed.has(row.attempt)).length;
        assert.equal(cluster.waiting(spec.id)?.count ?? 0, missing, `${spec.id} explains what is not placed`);
        assert.equal(placed.size + missing, spec.instances);
      }
    }),
    { numRuns: 150 },
  );
});
