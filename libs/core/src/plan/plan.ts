/**
 * What a spec would change, and where its instances would stand: the gateway's decision, and then a rehearsal of the rollout, on a
 * view laid over the real one. Other apps stand still meanwhile, and everything that is started is taken to come up.
 */
import {
  type AppId,
  appToken,
  type Circumstances,
  type DeploymentDocument,
  instanceId,
  MusterError,
  type PlacedRow,
  type Plan,
  type ReadApp,
  type Spot,
  type StateView,
  type Strategy,
} from "@muster/contracts";
import type { Asked, Change } from "../apps/change.ts";
import { configOf } from "../apps/config.ts";
import { decideUpdate } from "../apps/decide.ts";
import { keepServicePorts } from "../apps/service-ports.ts";
import { diffSpecs } from "../apps/spec-diff.ts";
import { targetApp } from "../apps/target.ts";
import { instancesAsked } from "../rollout/eligible.ts";
import { planSentence } from "./plan-text.ts";
import { type Rehearsal, Stage } from "./rehearsal.ts";
import type { Scene } from "./scene.ts";

export type PlanOptions = {
  /** Plans the change as a forced one: a running deployment is no refusal. */
  readonly force: boolean;
  /** The cluster's, for apps that name none. Default: spread. */
  readonly strategy?: Strategy;
};

/** Throws what storing the spec would throw, but for `app.locked` and `app.deleting`: those stand in `refusal`. */
export function planApp(scene: Scene, reading: ReadApp, options: PlanOptions, at: Circumstances): Plan {
  const { spec } = reading;
  const { force, strategy = "spread" } = options;
  const stage = new Stage(scene, spec.id, strategy, at);
  const current = targetApp(stage.state, spec.id);
  const { change, refusal } = changeOf(stage.state, reading, force, at);
  const about = {
    app: spec.id,
    refusal,
    version: current?.document.version ?? null,
    warnings: change.answer.warnings.map((warning) => ({ ...warning })),
  };
  const { writes } = change.decision;
  if (writes.length === 0) {
    const plan = { ...about, ...standing(stage) };
    return { ...plan, summary: planSentence(plan, current?.document.deployment ?? null, at.now) };
  }
  const before = stage.placed;
  const from = current === null || current.document.goal === "deleted" ? 0 : askedOf(stage);
  stage.lay(writes);
  const rehearsal = stage.play();
  const result = resultOf(stage, before, rehearsal);
  const plan = {
    ...about,
    ...result,
    outcome: refusal !== null ? "refused" : result.unplaced > 0 ? "unplaced" : "fits",
    instances: { from, to: result.target },
    changes: diffSpecs(current?.spec ?? null, keepServicePorts(spec, current?.spec ?? null)),
  } as const;
  const { target: _, ...told } = plan;
  return { ...told, summary: planSentence(told, null, at.now) };
}

/** The id under which the change is laid over the view; nobody ever draws it. */
const DEPLOYMENT = "plan";

function changeOf(
  view: StateView,
  reading: ReadApp,
  force: boolean,
  at: Circumstances,
): { change: Change; refusal: Plan["refusal"] } {
  const decide = (isForced: boolean): Change => {
    const by = { who: "plan", from: "" };
    const app = reading.spec.id;
    const asked: Asked = { app, deploymentId: DEPLOYMENT, force: isForced, by, submitted: null, trace: null };
    return decideUpdate(view, asked, { read: () => reading, mustExist: false }, at);
  };
  try {
    return { change: decide(force), refusal: null };
  } catch (cause) {
    if (!(cause instanceof MusterError) || (cause.code !== "app.locked" && cause.code !== "app.deleting")) throw cause;
    return { change: decide(true), refusal: { code: cause.code, message: cause.message } };
  }
}

type Told = Omit<Plan, "summary" | "app" | "refusal" | "version" | "warnings">;

/** Everything stands as asked; what waits for a place goes on waiting. */
function standing(stage: Stage): Told {
  const instances = askedOf(stage);
  const waiting = stage.state.kind("waiting").get(appToken(stage.app))?.value ?? null;
  return {
    outcome: "unchanged",
    action: "none",
    instances: { from: instances, to: instances },
    changes: [],
    replaces: false,
    keeps: stage.placed.filter((row) => row.goal === "run").length,
    first: { places: [], stops: [] },
    places: [],
    stops: [],
    meanwhile: null,
    rehearsed: { steps: 0, isWhole: true },
    unplaced: waiting?.count ?? 0,
    waiting,
    delayedUntilMs: null,
  };
}

type Result = Omit<Told, "outcome" | "instances" | "changes"> & { readonly target: number };

function resultOf(stage: Stage, before: readonly PlacedRow[], rehearsal: Rehearsal): Result {
  const { app, placed: after } = stage;
  const token = appToken(app);
  const version = stage.document?.version ?? 0;
  const target = askedOf(stage);
  const config = configOf(stage.state, app, version);
  // Instances of an older version with the same config are good for this one, and nobody restarts them.
  const isCurrent = (row: PlacedRow) => row.goal === "run" && configOf(stage.state, app, row.version) === config;
  const old = new Set(before.map((row) => row.attempt));
  const left = new Set(after.filter((row) => row.goal === "run").map((row) => row.attempt));
  const stood = before.filter((row) => row.goal === "run");
  const stops = stood.filter((row) => !left.has(row.attempt));
  const { first, steps, isWhole, least, most, delayedUntilMs } = rehearsal;
  const action = actionOf(stage);
  return {
    target,
    action,
    replaces: action === "upgrade",
    keeps: stood.length - stops.length,
    first: { places: spotsOf(first.placed), stops: stopsOf(app, first.stopped) },
    places: spotsOf(after.filter((row) => isCurrent(row) && !old.has(row.attempt))),
    stops: stopsOf(app, stops),
    meanwhile: action === "upgrade" && stops.length > 0 ? { least, most } : null,
    rehearsed: { steps, isWhole },
    unplaced: Math.max(0, target - after.filter(isCurrent).length),
    waiting: stage.state.kind("waiting").get(token)?.value ?? null,
    delayedUntilMs,
  };
}

const askedOf = ({ state, document }: Stage): number => (document === undefined ? 0 : instancesAsked(state, document));

function actionOf({ state }: Stage): Plan["action"] {
  const action: DeploymentDocument["action"] | undefined = state.kind("deployment").get(DEPLOYMENT)?.value.action;
  return action === "start" || action === "scale" || action === "update" ? action : "upgrade";
}

/** The agents of some rows: most instances first, then by name. */
function spotsOf(rows: readonly PlacedRow[]): Spot[] {
  const counts = new Map<string, number>();
  for (const { agent } of rows) counts.set(agent, (counts.get(agent) ?? 0) + 1);
  return [...counts].map(([agent, count]) => ({ agent, count })).sort(byCount);
}

function stopsOf(app: AppId, rows: readonly PlacedRow[]): Plan["stops"] {
  const ids = Map.groupBy(rows, ({ agent }) => agent);
  return [...ids]
    .map(([agent, here]) => ({
      agent,
      count: here.length,
      instances: here.map(({ slot, attempt }) => instanceId({ app, slot, attempt })),
    }))
    .sort(byCount);
}

const byCount = (a: Spot, b: Spot): number => b.count - a.count || a.agent.localeCompare(b.agent, "en", NUMERIC);
const NUMERIC = { numeric: true };
