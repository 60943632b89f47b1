/** A person's word about a running deployment: pause, resume, promote, abort, roll back. */
import {
  appToken,
  type Circumstances,
  type Decision,
  type DeploymentDocument,
  keys,
  MusterError,
  type StateView,
  type Write,
} from "@muster/contracts";
import type { Request } from "./compose.ts";
import { endDeployment } from "./end.ts";
import { rollbackOf } from "./rollback.ts";
import { mixAt, specOfAction, stagesOf, standstill } from "./stages.ts";
import { actionsAt } from "./steps.ts";

export const STEERINGS = ["pause", "resume", "promote", "abort", "rollback"] as const;
export type Steering = (typeof STEERINGS)[number];

export type Steered = {
  readonly decision: Decision;
  /** The deployment that runs from now on: the same one, or its rollback; null: none does. */
  readonly answer: { readonly deployment: string | null; readonly version: number };
};

/**
 * Throws `deployment.unknown`; `deployment.ended` where there is nothing to steer any more; `deployment.not-waiting` for a promotion
 * that nobody waits for. What is asked for already changes nothing.
 */
export function steerDeployment(
  state: StateView,
  id: string,
  steering: Steering,
  request: Request,
  at: Pick<Circumstances, "now">,
): Steered {
  const deployment = state.kind("deployment").get(id)?.value;
  const done = steering === "rollback" ? state.kind("deployment").get(request.deploymentId)?.value : undefined;
  if (done !== undefined) return answered([], [], done.id, done.version, request.trace);
  if (deployment === undefined) throw unknownDeployment(id);
  if (deployment.state !== "running") throw endedDeployment(deployment);
  switch (steering) {
    case "pause":
      return deployment.isPaused
        ? same(deployment)
        : changed(state, { ...deployment, isPaused: true }, held(state, deployment));
    case "resume":
      return deployment.isPaused
        ? changed(state, { ...deployment, isPaused: false, stageSinceMs: at.now }, released(state, deployment))
        : same(deployment);
    case "promote":
      return promote(state, deployment);
    case "abort":
      return abort(state, deployment, request, at.now);
    case "rollback":
      return rollBack(state, deployment, request, at.now);
  }
}

function promote(state: StateView, deployment: DeploymentDocument): Steered {
  const stages = actionsAt(deployment).map((action) => stagesOf(action, specOfAction(state, action)));
  const waits = stages.some((each) => each[Math.min(deployment.stage, each.length - 1)]?.waits);
  if (!waits)
    throw new MusterError(
      "deployment.not-waiting",
      `Deployment ${deployment.id} waits for no promotion: its step ${deployment.step + 1} goes on by itself`,
    );
  return deployment.isPromoted ? same(deployment) : changed(state, { ...deployment, isPromoted: true }, []);
}

function abort(state: StateView, deployment: DeploymentDocument, { by, trace }: Request, now: number): Steered {
  const message = `aborted by ${by.from}`;
  const { writes, events } = endDeployment(state, deployment, { state: "aborted", message, now });
  return answered(writes, events, null, deployment.version, trace);
}

function rollBack(state: StateView, deployment: DeploymentDocument, request: Request, now: number): Steered {
  const { deploymentId, by, trace } = request;
  const back = rollbackOf(state, deployment, { id: deploymentId, by, trace, now, removesCreated: true });
  const message =
    back === null ? `stopped by ${by.from}: there was nothing to roll back` : `rolled back by ${deploymentId}`;
  const ending = { state: "aborted", message, rolledBackBy: back?.deployment.id ?? null, now } as const;
  const ended = endDeployment(state, deployment, ending, new Set(back?.apps ?? []));
  return answered(
    [...ended.writes, ...(back?.writes ?? [])],
    [...ended.events, ...(back?.events ?? [])],
    back?.deployment.id ?? null,
    back?.deployment.version ?? deployment.version,
    trace,
    back?.asserts,
  );
}

/** Apps of the step stay as they stand. */
const held = (state: StateView, deployment: DeploymentDocument): Write[] =>
  appsOfStep(state, deployment, (document) => standstill(state, document));

/** They go on with the stage they were in. */
const released = (state: StateView, deployment: DeploymentDocument): Write[] =>
  appsOfStep(state, deployment, (_, action) =>
    mixAt(action, stagesOf(action, specOfAction(state, action)), deployment.stage),
  );

function appsOfStep(
  state: StateView,
  deployment: DeploymentDocument,
  mixOf: (
    document: Parameters<typeof standstill>[1],
    action: Parameters<typeof mixAt>[0],
  ) => ReturnType<typeof standstill>,
): Write[] {
  return actionsAt(deployment).flatMap((action): Write[] => {
    const entry = state.kind("app").get(appToken(action.app));
    if (entry === undefined || entry.value.deployment !== deployment.id || entry.value.goal === "deleted") return [];
    const value = { ...entry.value, mix: mixOf(entry.value, action) };
    return [{ key: keys.app(action.app), value, expect: entry.revision }];
  });
}

function changed(state: StateView, deployment: DeploymentDocument, apps: readonly Write[]): Steered {
  const key = keys.deployment(deployment.id);
  const writes = [...apps, { key, value: deployment, expect: state.revision(key) }];
  return answered(writes, [], deployment.id, deployment.version, deployment.trace);
}

const same = ({ id, version, trace }: DeploymentDocument): Steered => answered([], [], id, version, trace);

const answered = (
  writes: readonly Write[],
  events: Decision["events"],
  deployment: string | null,
  version: number,
  trace: string | null,
  asserts: Decision["asserts"] = [],
): Steered => ({
  decision: { writes: [...writes], asserts, events, wakes: [], trace },
  answer: { deployment, version },
});

export const unknownDeployment = (id: string): MusterError =>
  new MusterError("deployment.unknown", `DeploymentPlan ${id} does not exist`);

export const endedDeployment = ({ id, state, message }: DeploymentDocument): MusterError =>
  new MusterError(
    "deployment.ended",
    `Deployment ${id} has ended: ${state}${message === null ? "" : `, ${message}`}. Change the app instead`,
    { deployments: [id] },
  );
