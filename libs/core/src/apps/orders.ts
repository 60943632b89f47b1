/** What people ask about single instances and delays: the deployer carries it out, whatever else it does at the time. */
import {
  type AppId,
  appToken,
  type Circumstances,
  type DeploymentDocument,
  type InstanceRef,
  instanceId,
  keys,
  MusterError,
  NO_DECISION,
  type OrderDocument,
  type StateView,
  type WantedRow,
  type Write,
} from "@muster/contracts";
import { type AppChange, composeDeployment, type Request } from "../deployment/compose.ts";
import { countLess, type Fewer, mixLess, shrinkDeployment } from "../deployment/fewer.ts";
import { type Asked, type Change, deletingApp, refuseLocked } from "./change.ts";
import { currentApp, knownApp } from "./current.ts";
import { refuseScaling } from "./scaling.ts";

export type KillOptions = {
  /** The apps get as many instances less; else others take the places of those that end. */
  readonly scale: boolean;
};

/**
 * Ends instances, each once however often it is named. Those that are gone or being ended already are passed over. With `scale` a
 * running deployment of an app goes on with the smaller number, and for apps without one a new one begins, which is the answer's;
 * without `scale` there is none. Throws `app.unknown`, and with `scale` what a scaling throws.
 */
export function decideKill(
  view: StateView,
  asked: Omit<Asked, "app">,
  refs: readonly InstanceRef[],
  { scale }: KillOptions,
  at: Circumstances,
): Change & { readonly killed: readonly InstanceRef[] } {
  const victims = new Map<AppId, WantedRow[]>();
  const named = new Map(refs.map((ref) => [instanceId(ref), ref]));
  const killed = [...named.values()].filter((ref) => {
    const row = wantedRow(view, ref);
    if (row !== undefined) victims.set(ref.app, [...(victims.get(ref.app) ?? []), row]);
    return row !== undefined;
  });
  const orders = [...victims].map(([app, rows]) =>
    orderWrite(view, app, { victims: rows.map(({ attempt }) => attempt) }, asked.trace),
  );
  if (!scale || killed.length === 0) {
    const answer = { version: at.now, deployment: null, isNew: false, warnings: [] };
    return { decision: { ...NO_DECISION, writes: orders, trace: asked.trace }, answer, killed };
  }
  const smaller = [...victims].map(([app, rows]) => fewer(view, { ...asked, app }, rows));
  const { decision, answer } = makeSmaller(view, asked, smaller, at);
  return { decision: { ...decision, writes: [...decision.writes, ...orders] }, answer, killed };
}

function fewer(view: StateView, asked: Asked, rows: readonly WantedRow[]): Fewer {
  const current = knownApp(view, asked.app);
  const { document, spec } = current;
  if (document.goal === "deleted") throw deletingApp(document, asked);
  refuseLocked(current, asked);
  const smaller = { document, victims: rows.map(({ version }) => version) };
  if (spec !== null) refuseScaling(spec, countLess(document.instances, smaller));
  return smaller;
}

function makeSmaller(view: StateView, asked: Request, all: readonly Fewer[], at: Circumstances): Change {
  const running = new Map<DeploymentDocument, Fewer[]>();
  const changes: AppChange[] = [];
  for (const each of all) {
    const deployment = view.kind("deployment").get(each.document.deployment ?? "")?.value;
    if (deployment?.state === "running") running.set(deployment, [...(running.get(deployment) ?? []), each]);
    else changes.push(scaling(view, each));
  }
  const shrunk = [...running].flatMap(([deployment, some]) => shrinkDeployment(view, deployment, some));
  if (changes.length === 0) {
    const [{ id, version }] = [...running.keys()] as [DeploymentDocument];
    return {
      decision: { ...NO_DECISION, writes: shrunk, trace: asked.trace },
      answer: { version, deployment: id, isNew: false, warnings: [] },
    };
  }
  const { decision, deployment } = composeDeployment(view, asked, { action: "scale", group: null }, [changes], at);
  return {
    decision: { ...decision, writes: [...decision.writes, ...shrunk] },
    answer: { version: deployment.version, deployment: deployment.id, isNew: false, warnings: [] },
  };
}

function scaling(view: StateView, each: Fewer): AppChange {
  const { document } = each;
  const to = { version: document.version, instances: countLess(document.instances, each) };
  const mix = mixLess(view, each);
  return { app: document.id, action: "scale", before: document, to, mix, spec: null, claims: [], warnings: [] };
}

function wantedRow(view: StateView, { app, slot, attempt }: InstanceRef): WantedRow | undefined {
  const rows = view.kind("wanted").get(appToken(app))?.value.rows ?? [];
  return rows.find((row) => row.slot === slot && row.attempt === attempt && row.goal === "run");
}

/** The next attempt of the app may start at once. Throws `app.not-waiting` where nothing of it waits. */
export function decideResetDelay(view: StateView, app: AppId, trace: string | null): Change {
  const current = currentApp(view, app);
  const wanted = view.kind("wanted").get(appToken(app))?.value;
  const isQueued = (wanted?.backoffs.length ?? 0) > 0 || view.kind("waiting").has(appToken(app));
  if (current === null || !isQueued)
    throw new MusterError("app.not-waiting", `Application ${app} not found in tasks queue.`);
  const writes = [orderWrite(view, app, { resetsDelay: true }, trace)];
  const { version, deployment } = current.document;
  return {
    decision: { writes, asserts: [], events: [], wakes: [], trace },
    answer: { version, deployment, isNew: false, warnings: [] },
  };
}

/** An order that is not carried out yet is added to. */
function orderWrite(
  view: StateView,
  app: AppId,
  { victims = [], resetsDelay = false }: Partial<Pick<OrderDocument, "victims" | "resetsDelay">>,
  trace: string | null,
): Write {
  const standing = view.kind("order").get(appToken(app))?.value;
  const value: OrderDocument = {
    app,
    victims: [...new Set([...(standing?.victims ?? []), ...victims])],
    resetsDelay: resetsDelay || (standing?.resetsDelay ?? false),
    trace,
  };
  return { key: keys.order(app), value, expect: view.revision(keys.order(app)) };
}
