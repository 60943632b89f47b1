/** For tests: a cluster in memory in which apps are stored, rolled out and run, one decision after the other. */
import {
  type AppId,
  appToken,
  type Circumstances,
  keys,
  type PlacedRow,
  type Plan,
  type ReadApp,
  readApp,
  type VerdictDocument,
} from "@muster/contracts";
import { advanceDeployment } from "../../deployment/advance.ts";
import { decideRound } from "../../placement/round.ts";
import { planApp } from "../../plan/plan.ts";
import { sceneOf } from "../../plan/scene.ts";
import { decideRollout } from "../../rollout/decide.ts";
import { runningVerdict } from "../../testing/builders.ts";
import { MemoryBucket } from "../../testing/memory-bucket.ts";
import { decideUpdate } from "../decide.ts";

export class Play {
  readonly state = new MemoryBucket();
  readonly health = new MemoryBucket();
  now = 1_800_000_000_000;
  #changes = 0;

  at(): Circumstances {
    let seed = 7;
    const dice = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    return { now: this.now, dice };
  }

  plan(spec: object, force = false): Plan {
    const reading = read(spec);
    const scene = sceneOf(this.state.snapshot(), this.health.snapshot(), reading.spec.id);
    return planApp(scene, reading, { force }, this.at());
  }

  /** Stores the spec as a gateway does; nothing follows from it yet. */
  store(spec: object, force = false): void {
    this.#changes += 1;
    const reading = read(spec);
    const asked = {
      app: reading.spec.id,
      deploymentId: `d${this.#changes}`,
      force,
      by: { who: "test", from: "here" },
      submitted: null,
      trace: null,
    };
    const rules = { read: () => reading, mustExist: false };
    this.state.commit(decideUpdate(this.state.snapshot(), asked, rules, this.at()).decision);
    this.now += 1_000;
  }

  /** Everybody does their work until nothing changes; what is started comes up, what is stopped ends. */
  settle(app: AppId): void {
    for (let i = 0; i < 2_000; i += 1) {
      const rollout = decideRollout(this.state.snapshot(), this.health.snapshot(), app, null, this.at());
      const hasWished = (rollout?.decision.writes.length ?? 0) > 0;
      if (rollout !== null) this.state.commit(rollout.decision);
      const hasAdvanced = this.advance(app);
      const hasPlaced = this.place(app);
      const hasHappened = this.#happen(app);
      if (!hasWished && !hasAdvanced && !hasPlaced && !hasHappened) return;
    }
    throw new Error(`${app} does not come to rest`);
  }

  /** Takes the app's deployment a step further. */
  advance(app: AppId): boolean {
    const state = this.state.snapshot();
    const id = state.kind("app").get(appToken(app))?.value.deployment ?? null;
    const decision = id === null ? null : advanceDeployment(state, this.health.snapshot(), id, this.at())?.decision;
    if (decision == null || decision.writes.length === 0) return false;
    this.state.commit(decision);
    return true;
  }

  run(spec: object): void {
    this.store(spec);
    this.settle(read(spec).spec.id);
  }

  place(app: AppId): boolean {
    for (let rounds = 0; ; rounds += 1) {
      const { decision } = decideRound(
        { state: this.state.snapshot(), health: this.health.snapshot(), apps: [app], trace: () => null },
        this.at(),
      );
      if (decision.writes.length === 0) return rounds > 0;
      this.state.commit(decision);
    }
  }

  rows(app: AppId): readonly PlacedRow[] {
    return this.state.snapshot().kind("placed").get(appToken(app))?.value.rows ?? [];
  }

  judge(app: AppId, row: PlacedRow, more: Partial<VerdictDocument>): void {
    this.health.write(keys.verdict({ app, ...row }), { ...runningVerdict(app, row, this.now), ...more });
  }

  end(app: AppId, row: PlacedRow, state: "killed" | "failed"): void {
    const { instance, agent, version } = runningVerdict(app, row, this.now);
    const about = { instance, agent, version, fact: 1, state, exitCode: 1, signal: null, reason: "exited" };
    this.health.write(keys.ended({ app, ...row }), { ...about, message: "", atMs: this.now, trace: null });
  }

  #happen(app: AppId): boolean {
    const { health } = this;
    let hasHappened = false;
    for (const row of this.rows(app)) {
      const id = runningVerdict(app, row, 0).instance;
      if (row.goal === "stop" && !health.snapshot().kind("ended").has(id)) this.end(app, row, "killed");
      else if (row.goal === "run" && !health.snapshot().kind("verdict").has(id)) this.judge(app, row, {});
      else continue;
      hasHappened = true;
    }
    return hasHappened;
  }
}

const read = (spec: object): ReadApp => readApp({ id: "/web", cmd: "sleep 9", cpus: 1, mem: 64, ...spec });
