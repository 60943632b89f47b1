/** What changed from one look at a deployment to the next, for programs: one object a change, each of which can be read alone. */
import type { DeploymentProgress } from "@muster/contracts";
import { standingOf } from "@muster/terminal/course";
import { countsOf } from "@muster/terminal/deployment";

type News = Readonly<Record<string, unknown>> & { readonly time: string; readonly type: string };

/**
 * `type` is `plan` once, then `deployment` when it moves on, `instance` when one does, `obstacle` when something new stands in the
 * way. Every object has `time`, `deployment`, and `step` and `stage`, counted from 1. @param time an ISO date
 */
export function newsOf(before: DeploymentProgress | null, after: DeploymentProgress, time: string): News[] {
  const { deployment, course } = after;
  if (deployment === null) return [];
  const where = { deployment: deployment.id, step: course?.step ?? 1, stage: course?.stage ?? 1 };
  const news = (type: string, more: Readonly<Record<string, unknown>>): News => ({ time, type, ...where, ...more });
  const all: News[] = [];
  if ((before?.deployment ?? null) === null) all.push(news("plan", planOf(after)));
  const stand = standOf(after);
  if (before === null || JSON.stringify(standOf(before)) !== JSON.stringify(stand)) all.push(news("deployment", stand));
  all.push(...instanceNews(before, after).map((one) => news("instance", one)));
  const obstacle = obstacleOf(after);
  if (obstacle !== null && obstacle !== obstacleOf(before))
    all.push(news("obstacle", { app: after.why?.app, state: after.why?.status, message: after.why?.summary }));
  return all;
}

function planOf({ app, deployment, course, targets }: DeploymentProgress) {
  const { strategy, steps, stages, timeoutSeconds, rollbackOnFailure } = course ?? {};
  return {
    app,
    action: deployment?.action,
    version: new Date(deployment?.version ?? 0).toISOString(),
    targets,
    strategy,
    steps,
    stages,
    timeoutSeconds,
    rollbackOnFailure,
  };
}

/** How far it is, and how much of it stands. */
function standOf(progress: DeploymentProgress) {
  const { deployment, course } = progress;
  const { wanted, ready, old } = countsOf(progress);
  return {
    step: course?.step,
    steps: course?.steps,
    stage: course?.stage,
    stages: course?.stages,
    state: deployment?.state,
    standing: standingOf(progress),
    fresh: course?.fresh,
    kept: course?.kept,
    wanted,
    ready,
    old,
    message: deployment?.message ?? null,
  };
}

function instanceNews(
  before: DeploymentProgress | null,
  after: DeploymentProgress,
): Readonly<Record<string, unknown>>[] {
  const known = new Map((before?.instances ?? []).map((one) => [one.id, one]));
  const changed = after.instances.filter((one) => {
    const old = known.get(one.id);
    return old === undefined || old.state !== one.state || old.healthy !== one.healthy || old.agent !== one.agent;
  });
  const here = new Set(after.instances.map(({ id }) => id));
  const gone = (before?.instances ?? []).filter(({ id }) => !here.has(id));
  return [
    ...changed.map(({ id, app, version, state, healthy, agent, exitCode, reason, message }) => {
      const ended = exitCode === null && reason === "" && message === "" ? {} : { exitCode, reason, message };
      return { instance: id, app, version: new Date(version).toISOString(), state, healthy, agent, ...ended };
    }),
    ...gone.map(({ id, app, version }) => ({
      instance: id,
      app,
      version: new Date(version).toISOString(),
      state: "gone",
    })),
  ];
}

/** What stands in the way, without the times that its sentence tells. */
function obstacleOf(progress: DeploymentProgress | null): string | null {
  const waiting = progress?.why?.waiting ?? null;
  const delay = progress?.why?.delay ?? null;
  if (waiting === null && delay === null) return null;
  return JSON.stringify([waiting?.count, waiting?.refusals, waiting?.nearest, delay?.failures]);
}
