/** What becomes of a request about an app: a change, no change, or a refusal that says what stands in the way. */
import { type AppSpec, type Circumstances, MusterError, type ReadApp, type StateView } from "@muster/contracts";
import type { AppChange } from "../deployment/compose.ts";
import { changeDependencies } from "../groups/dependencies.ts";
import {
  type Asked,
  type Change,
  carriedOut,
  changeApp,
  deletingApp,
  nextVersion,
  noChange,
  refuseLocked,
} from "./change.ts";
import { claimPath } from "./claims.ts";
import { configOf, needsRestart } from "./config.ts";
import { type CurrentApp, currentApp, knownApp, specAt, unknownApp } from "./current.ts";
import { makeRulesKnown } from "./rules.ts";
import { isSame } from "./same.ts";
import { refuseScaling } from "./scaling.ts";
import { claimServicePorts, keepServicePorts } from "./service-ports.ts";
import { runningAction, targetOf } from "./target.ts";

/** POST. Throws `app.exists`; for an app that is being deleted `app.deleting`, unless forced: then it goes on. */
export function decideCreate(view: StateView, asked: Asked, reading: ReadApp, at: Circumstances): Change {
  const done = carriedOut(view, asked);
  if (done !== null) return done;
  const current = currentApp(view, asked.app);
  if (current !== null && current.document.goal !== "deleted") {
    throw new MusterError("app.exists", `An app with id [${asked.app}] already exists.`);
  }
  if (current !== null) refuseLocked(current, asked);
  return storeVersion(view, asked, current, reading, at);
}

export type UpdateRules = {
  /** Reads what was sent over the app as it stands, or as a new one: repeated with each newer state. */
  readonly read: (current: AppSpec | null) => ReadApp;
  /** PATCH: `app.unknown` where there is no app yet. */
  readonly mustExist: boolean;
  /** Without the stages that the spec asks for, as when people go back to a version. */
  readonly isAtOnce?: boolean;
};

/**
 * PUT, PATCH, and specs that were published: creates or changes. What is asked for already changes nothing, even while
 * its deployment runs; only another count of instances is a scaling. Throws `app.locked`, `app.deleting`, `app.unknown`
 * and what `read` throws.
 */
export function decideUpdate(
  view: StateView,
  asked: Asked,
  { read, mustExist, isAtOnce = false }: UpdateRules,
  at: Circumstances,
): Change {
  const done = carriedOut(view, asked);
  if (done !== null) return done;
  const current = currentApp(view, asked.app);
  if (current === null && mustExist) throw unknownApp(asked.app);
  const target = current === null ? null : targetOf(view, current);
  const reading = read(target?.spec ?? null);
  if (current === null || target === null) return storeVersion(view, asked, null, reading, at);
  const { document, spec: standing } = target;
  if (document.goal === "run" && standing !== null) {
    const spec = keepServicePorts(reading.spec, standing);
    // What a deployment left half way is finished by asking for the same once more, and what it is yet to remove stays by it.
    const isToStay = runningAction(view, document)?.to !== null;
    const isHalfWay = document.mix !== null && document.deployment === null;
    if (isSame(spec, standing) && isToStay && !isHalfWay) return noChange(target, asked, reading.warnings);
    refuseLocked(current, asked);
    if (isSame(spec, standing)) return finish(view, asked, current, reading.warnings, at);
    if (isSame({ ...spec, instances: standing.instances }, standing)) {
      return scale(view, asked, current, { instances: spec.instances, warnings: reading.warnings }, at);
    }
  }
  refuseLocked(current, asked);
  return storeVersion(view, asked, current, { ...reading, isAtOnce }, at);
}

/** Another number of instances of the same version. Throws `app.unknown`, `app.locked`, `app.deleting`, `spec.invalid`. */
export function decideScale(view: StateView, asked: Asked, instances: number, at: Circumstances): Change {
  const done = carriedOut(view, asked);
  if (done !== null) return done;
  const current = livingApp(view, asked);
  const target = targetOf(view, current);
  if (target.spec !== null) refuseScaling(target.spec, instances);
  if (target.document.instances === instances) return noChange(target, asked, []);
  refuseLocked(current, asked);
  return scale(view, asked, current, { instances, warnings: [] }, at);
}

/** A new version with the same spec, so that every instance is replaced. Throws as `decideScale` does. */
export function decideRestart(view: StateView, asked: Asked, at: Circumstances): Change {
  const done = carriedOut(view, asked);
  if (done !== null) return done;
  const current = livingApp(view, asked);
  refuseLocked(current, asked);
  const { spec } = targetOf(view, current);
  if (spec === null)
    throw new MusterError("internal", `the current version of ${asked.app} cannot be read: PUT the app as a whole`);
  const version = nextVersion(view, asked.app, current, at.now);
  const step = {
    action: "restart",
    goal: "run",
    version,
    instances: spec.instances,
    spec,
    claims: makeRulesKnown(view, spec, spec),
    warnings: [],
  } as const;
  return changeApp(view, asked, current, step, at);
}

/** The app ends when its last instance has ended. A second one changes nothing. Throws `app.unknown`, `app.locked`. */
export function decideDelete(view: StateView, asked: Asked, at: Circumstances): Change {
  const done = carriedOut(view, asked);
  if (done !== null) return done;
  const current = knownApp(view, asked.app);
  if (current.document.goal === "deleted") return noChange(current, asked, []);
  refuseLocked(current, asked);
  const { version } = current.document;
  const step = {
    action: "delete",
    goal: "deleted",
    version,
    instances: 0,
    spec: null,
    claims: [],
    warnings: [],
  } as const;
  return changeApp(view, asked, current, step, at);
}

/** An app that is being deleted neither scales nor restarts, forced or not: it would come back without being asked for. */
function livingApp(view: StateView, asked: Asked): CurrentApp {
  const current = knownApp(view, asked.app);
  if (current.document.goal === "deleted") throw deletingApp(current.document, asked);
  return current;
}

type Scaling = { readonly instances: number; readonly warnings: ReadApp["warnings"] };

/** An app whose turn had not come takes the version that it was to have as well. */
function scale(view: StateView, asked: Asked, current: CurrentApp, to: Scaling, at: Circumstances): Change {
  const { version } = targetOf(view, current).document;
  const config = (each: number) => configOf(view, asked.app, each);
  const isNew = version !== current.document.version;
  const action = !isNew ? "scale" : config(version) === config(current.document.version) ? "update" : "upgrade";
  return changeApp(view, asked, current, { action, goal: "run", version, spec: null, claims: [], ...to }, at);
}

/** What was left half way goes the rest of the way. Asking for the same once more is a word to go on, so no stage waits for another. */
function finish(
  view: StateView,
  asked: Asked,
  current: CurrentApp,
  warnings: ReadApp["warnings"],
  at: Circumstances,
): Change {
  const { version, instances } = current.document;
  const to = { goal: "run", version, instances, spec: null, claims: [], warnings } as const;
  return changeApp(view, asked, current, { action: "upgrade", isAtOnce: true, ...to }, at);
}

function storeVersion(
  view: StateView,
  asked: Asked,
  current: CurrentApp | null,
  { isAtOnce = false, ...reading }: ReadApp & Pick<AppChange, "isAtOnce">,
  at: Circumstances,
): Change {
  // What it claims it claims for the version it is to have; what its instances are made of is the version they are of.
  const standing = current === null ? null : targetOf(view, current).spec;
  const path = claimPath(view, asked.app);
  const dependencies = changeDependencies(view, [
    { id: asked.app, dependencies: reading.spec.dependencies, before: standing?.dependencies ?? [], path: [] },
  ]);
  const ports = claimServicePorts(view, keepServicePorts(reading.spec, standing), standing, at.dice);
  const isStart = current === null || current.document.goal === "deleted";
  // Of an app that stands half way the older instances may stay, as when people go back by themselves; a whole one has no others.
  const mayStay = current === null || isStart ? null : (current.document.mix ?? current.document).version;
  const made = mayStay === null ? null : specAt(view, asked.app, mayStay);
  const isUpdate = mayStay !== null && made !== null && !needsRestart(made, ports.spec);
  return changeApp(
    view,
    asked,
    current,
    {
      action: isStart ? "start" : isUpdate ? "update" : "upgrade",
      isAtOnce,
      ...(isUpdate ? { config: configOf(view, asked.app, mayStay) } : {}),
      goal: "run",
      version: nextVersion(view, asked.app, current, at.now),
      instances: ports.spec.instances,
      spec: ports.spec,
      claims: [...path.writes, ...ports.writes, ...makeRulesKnown(view, ports.spec, standing)],
      asserts: path.asserts,
      last: dependencies.last,
      warnings: [...reading.warnings, ...dependencies.warnings, ...ports.warnings],
    },
    at,
  );
}
