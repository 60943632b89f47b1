/** For tests: a cluster in memory where apps are asked for, deployed, placed and run by the real decisions, under a clock played by hand. */
import {
  type AppDocument,
  type AppId,
  appToken,
  type Decision,
  type DeploymentDocument,
  type EndedDocument,
  type InstanceRef,
  keys,
  type PlacedRow,
  parseAttributes,
  readApp,
  readGroup,
} from "@muster/contracts";
import type { Asked, Change } from "../../apps/change.ts";
import { decideDelete, decideRestart, decideScale, decideUpdate } from "../../apps/decide.ts";
import { type StandingState, withFirstStep } from "../../apps/first-step.ts";
import { decideKill, decideResetDelay } from "../../apps/orders.ts";
import { decideGroup, decideGroupCreate, decideGroupDelete, type TreeDecision } from "../../groups/decide.ts";
import { decideRound } from "../../placement/round.ts";
import { decideRollout } from "../../rollout/decide.ts";
import { offerOf, openLedger, runningVerdict } from "../../testing/builders.ts";
import { MemoryBucket } from "../../testing/memory-bucket.ts";
import { diceOf } from "../../testing/test-cluster.ts";
import { advanceDeployment } from "../advance.ts";
import { type Steering, steerDeployment } from "../steer.ts";

/** What becomes of a started instance: it comes up, it never does, or it ends at once. */
export type Fate = "up" | "slow" | "broken" | "missing";

export class Deploying {
  readonly state = new MemoryBucket();
  readonly health = new MemoryBucket();
  now = 1_800_000_000_000;
  /** By `<app> <version>`; everything else comes up. */
  readonly fates = new Map<string, Fate>();
  readonly #dice = diceOf(11);

  get at() {
    return { now: this.now, dice: this.#dice };
  }

  /** `attributes` as an operator writes them: `rack:r1;disk:ssd`. */
  agent(id: string, cpus = 100, attributes = ""): void {
    const capacity = { cpuMillis: cpus * 1_000, memoryMib: 1_000_000, diskMib: 0, gpus: 0 };
    this.state.write(keys.offer(id), offerOf(id, { capacity, attributes: parseAttributes(attributes) }));
    this.state.write(keys.ledger(id), openLedger(id));
  }

  /** As a gateway does it. Answers the deployment's id, or null where nothing changes. */
  ask(
    app: AppId,
    decide: (view: ReturnType<MemoryBucket["snapshot"]>, asked: Asked) => Change,
    force = false,
  ): string | null {
    const view = this.state.snapshot();
    const asked = { ...this.request(), app, force };
    const change = decide(view, asked);
    const state: StandingState = {
      kind: (kind) => view.kind(kind),
      revision: (key) => view.revision(key),
      sequence: this.state.sequence,
    };
    const together = withFirstStep(state, this.health.snapshot(), { app, trace: null }, change, this.at);
    this.commit(together.decision);
    return change.answer.deployment;
  }

  request() {
    // By what is there, so that what is refused draws no number.
    const drawn = this.state.snapshot().kind("deployment").size + 1;
    return { deploymentId: `d${drawn}`, by: { who: "test", from: "here" }, submitted: null, trace: null };
  }

  put(app: AppId, fields: object, force = false): string | null {
    const reading = readApp({ id: app, cmd: "a", cpus: 0.1, mem: 16, portDefinitions: [], ...fields });
    return this.ask(
      app,
      (view, asked) => decideUpdate(view, asked, { read: () => reading, mustExist: false }, this.at),
      force,
    );
  }

  scale(app: AppId, instances: number): string | null {
    return this.ask(app, (view, asked) => decideScale(view, asked, instances, this.at));
  }

  restart(app: AppId, force = false): string | null {
    return this.ask(app, (view, asked) => decideRestart(view, asked, this.at), force);
  }

  remove(app: AppId, force = true): string | null {
    return this.ask(app, (view, asked) => decideDelete(view, asked, this.at), force);
  }

  /** Ends so many of a version's instances, as people ask for it. Answers the deployment of a scaling, or null. */
  kill(app: AppId, version: number, count: number, options: { scale?: boolean; force?: boolean } = {}): string | null {
    const rows = this.placed(app).filter((row) => row.version === version && row.goal === "run");
    const refs = rows.slice(0, count).map(({ slot, attempt }) => ({ app, slot, attempt }));
    return this.killSome(refs, options);
  }

  killSome(refs: readonly InstanceRef[], { scale = false, force = false } = {}): string | null {
    const change = decideKill(this.state.snapshot(), { ...this.request(), force }, refs, { scale }, this.at);
    this.commit(change.decision);
    return change.answer.deployment;
  }

  resetDelay(app: AppId): void {
    this.commit(decideResetDelay(this.state.snapshot(), app, null).decision);
  }

  /** A group as people write it; its apps are small. Answers as `ask` does. */
  group(body: object, { force = false, isNew = false } = {}): string | null {
    const reading = readGroup(withSmallApps(body));
    const decide = isNew ? decideGroupCreate : decideGroup;
    return this.#tree(decide(this.state.snapshot(), { ...this.request(), force }, reading, this.at));
  }

  removeGroup(group: AppId, force = false): string | null {
    return this.#tree(decideGroupDelete(this.state.snapshot(), { ...this.request(), force }, group, this.at));
  }

  #tree({ decision, answer }: TreeDecision): string | null {
    this.commit(decision);
    return answer.deployment;
  }

  /** Answers the deployment that runs then. */
  steer(id: string, steering: Steering): string | null {
    const { decision, answer } = steerDeployment(this.state.snapshot(), id, steering, this.request(), this.at);
    this.commit(decision);
    return answer.deployment;
  }

  app(app: AppId): AppDocument | undefined {
    return this.state.snapshot().kind("app").get(appToken(app))?.value;
  }

  deployment(id: string): DeploymentDocument {
    const found = this.state.snapshot().kind("deployment").get(id)?.value;
    if (found === undefined) throw new Error(`there is no deployment ${id}`);
    return found;
  }

  get apps(): readonly AppDocument[] {
    return [...this.state.snapshot().kind("app").values()].map(({ value }) => value);
  }

  get running(): readonly DeploymentDocument[] {
    const all = [...this.state.snapshot().kind("deployment").values()].map(({ value }) => value);
    return all.filter(({ state }) => state === "running");
  }

  placed(app: AppId): readonly PlacedRow[] {
    return this.state.snapshot().kind("placed").get(appToken(app))?.value.rows ?? [];
  }

  isUp(app: AppId, row: PlacedRow): boolean {
    const verdict = this.health
      .snapshot()
      .kind("verdict")
      .get(`${appToken(app)}.${row.slot}.${row.attempt}`)?.value;
    return row.goal === "run" && verdict?.level === "running";
  }

  /** One look of a deployer at an app. True when it wrote. */
  rollout(app: AppId): boolean {
    return this.commit(decideRollout(this.state.snapshot(), this.health.snapshot(), app, null, this.at)?.decision);
  }

  /** One look of a deployer at a deployment. */
  advance(id: string): boolean {
    return this.commit(advanceDeployment(this.state.snapshot(), this.health.snapshot(), id, this.at)?.decision);
  }

  /** One round of placement. */
  place(app: AppId): boolean {
    const input = { state: this.state.snapshot(), health: this.health.snapshot(), apps: [app], trace: () => null };
    return this.commit(decideRound(input, this.at).decision);
  }

  /** Agents and health: what was started meets its fate, what was stopped ends. */
  happen(app: AppId): boolean {
    let hasHappened = false;
    for (const row of this.placed(app)) {
      const id = `${appToken(app)}.${row.slot}.${row.attempt}`;
      const health = this.health.snapshot();
      if (health.kind("ended").has(id)) continue;
      const fate = this.fates.get(`${app} ${row.version}`) ?? "up";
      const hasStarted = health.kind("verdict").has(id);
      if (row.goal === "stop") this.end(app, row, "killed", "killed-on-request");
      else if (hasStarted || fate === "slow") continue;
      else if (fate === "broken") this.end(app, row, "failed", "exited");
      else if (fate === "missing") this.end(app, row, "failed", "command-not-found");
      else this.health.write(keys.verdict({ app, ...row }), runningVerdict(app, row, this.now));
      hasHappened = true;
    }
    return hasHappened;
  }

  end(app: AppId, row: PlacedRow, state: EndedDocument["state"], reason: string): void {
    const { slot, attempt, agent, version } = row;
    const instance = `${appToken(app)}.${slot}.${attempt}`;
    const message = state === "killed" ? "" : "the last line it wrote";
    const exitCode = state === "killed" ? null : 1;
    const document = {
      instance,
      agent,
      version,
      fact: 1,
      state,
      exitCode,
      signal: null,
      reason,
      message,
      atMs: this.now,
      trace: null,
    };
    this.health.write(keys.ended({ app, ...row }), document);
  }

  /** Everybody does their work in turn until nothing moves any more, or `limit` turns are over. `told` hears of each turn. */
  settle(told: () => void = () => {}, limit = 2_000): void {
    for (let i = 0; i < limit; i += 1) {
      const apps = this.apps.map(({ id }) => id);
      const moved = apps.map((app) =>
        [this.rollout(app), this.place(app), this.happen(app), this.place(app)].some(Boolean),
      );
      const advanced = this.running.map(({ id }) => this.advance(id));
      told();
      if (![...moved, ...advanced].some(Boolean)) return;
    }
  }

  commit(decision: Decision | undefined): boolean {
    if (decision === undefined || decision.writes.length === 0) return false;
    if (!this.state.commit(decision)) throw new Error(`lost ${this.state.stale(decision)}`);
    return true;
  }
}

const SMALL = { cmd: "a", cpus: 0.1, mem: 16, portDefinitions: [] };

function withSmallApps(body: object): object {
  const { apps, groups } = body as { apps?: readonly object[]; groups?: readonly object[] };
  return {
    ...body,
    ...(apps === undefined ? {} : { apps: apps.map((app) => ({ ...SMALL, ...app })) }),
    ...(groups === undefined ? {} : { groups: groups.map(withSmallApps) }),
  };
}
