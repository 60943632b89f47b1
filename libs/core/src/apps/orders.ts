/** What people ask about single instances and delays: the deployer carries it out, whatever else it does at the time. */
import {
  type AppId,
  appToken,
  type Circumstances,
  type InstanceRef,
  keys,
  MusterError,
  type OrderDocument,
  type StateView,
  type Write,
} from "@muster/contracts";
import { type AppChange, composeDeployment } from "../deployment/compose.ts";
import { type Asked, type Change, refuseLocked } from "./change.ts";
import { type CurrentApp, currentApp, knownApp } from "./current.ts";
import { refuseScaling } from "./scaling.ts";

export type KillOptions = {
  /** The apps get as many instances less; else others take the places of those that end. */
  readonly scale: boolean;
};

/**
 * Ends instances. Those that are gone or being ended already are passed over. The deployment of a scaling is the answer's; without one
 * there is none. Throws `app.unknown`, and with `scale` what a scaling throws.
 */
export function decideKill(
  view: StateView,
  asked: Omit<Asked, "app">,
  refs: readonly InstanceRef[],
  { scale }: KillOptions,
  at: Circumstances,
): Change & { readonly killed: readonly InstanceRef[] } {
  const victims = new Map<AppId, InstanceRef[]>();
  for (const ref of refs) if (isWanted(view, ref)) victims.set(ref.app, [...(victims.get(ref.app) ?? []), ref]);
  const killed = [...victims.values()].flat();
  const orders = [...victims].map(([app, some]) =>
    orderWrite(view, app, { victims: some.map(({ attempt }) => attempt) }, asked.trace),
  );
  const nothing = { version: at.now, deployment: null, isNew: false, warnings: [] };
  if (!scale || killed.length === 0) {
    return {
      decision: { writes: orders, asserts: [], events: [], wakes: [], trace: asked.trace },
      answer: nothing,
      killed,
    };
  }
  const changes = [...victims].map(([app, some]) => fewer(knownApp(view, app), { ...asked, app }, some.length));
  const { decision, deployment } = composeDeployment(view, asked, { action: "scale", group: null }, [changes], at);
  return {
    decision: { ...decision, writes: [...decision.writes, ...orders] },
    answer: { version: deployment.version, deployment: deployment.id, isNew: false, warnings: [] },
    killed,
  };
}

function fewer({ document, spec }: CurrentApp, asked: Asked, count: number): AppChange {
  const instances = Math.max(0, document.instances - count);
  refuseLocked({ document, spec }, asked);
  if (spec !== null) refuseScaling(spec, instances);
  const to = { version: document.version, instances };
  return { app: asked.app, action: "scale", before: document, to, spec: null, claims: [], warnings: [] };
}

function isWanted(view: StateView, { app, slot, attempt }: InstanceRef): boolean {
  const rows = view.kind("wanted").get(appToken(app))?.value.rows ?? [];
  return rows.some((row) => row.slot === slot && row.attempt === attempt && row.goal === "run");
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
