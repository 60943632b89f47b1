/** What has to change of each app for it to be as it is to be: seen from where it stands, or from where it will stand anyway. */
import type { AppDocument, AppId, AppSpec, Stand, StateView } from "@muster/contracts";
import { type CurrentApp, currentApp } from "../apps/current.ts";
import { isSame } from "../apps/same.ts";
import { keepServicePorts } from "../apps/service-ports.ts";
import { runningAction, targetOf } from "../apps/target.ts";
import type { AppTarget, Destined } from "./target.ts";

export type Difference = {
  readonly target: AppTarget;
  /** Null: there is no such app yet. */
  readonly current: CurrentApp | null;
  readonly action: "start" | "scale" | "upgrade" | "delete";
  /** The version stays: another number of instances, or what was left half way is finished. */
  readonly keepsVersion: boolean;
};

type Standing = { readonly goal: AppDocument["goal"]; readonly spec: AppSpec | null; readonly isMixed: boolean };

/** Where an app will stand once the deployment that has it has ended. */
function destinedStanding(view: StateView, { document, spec }: CurrentApp): Standing {
  const action = runningAction(view, document);
  if (action === undefined) return { goal: document.goal, spec, isMixed: document.mix !== null };
  if (action.to === null) return { goal: "deleted", spec, isMixed: false };
  return { goal: "run", spec: targetOf(view, { document, spec }).spec, isMixed: false };
}

/** The version and the instances an app will stand on; null: it will be gone. */
export function destinedStand(view: StateView, document: AppDocument): Stand | null {
  const action = runningAction(view, document);
  if (action !== undefined) return action.to;
  return document.goal === "deleted" ? null : { version: document.version, instances: document.instances };
}

export const destinedIn =
  (view: StateView): Destined =>
  (document) => {
    const current = currentApp(view, document.id);
    const standing = current === null ? null : destinedStanding(view, current);
    return standing === null || standing.goal === "deleted" ? null : standing.spec;
  };

/** `from`: "now" as it stands, "end" as it will stand. Null: there is nothing to do. */
export function difference(view: StateView, target: AppTarget, from: "now" | "end"): Difference | null {
  const current = currentApp(view, target.app);
  const to = (action: Difference["action"], spec = target.spec, keepsVersion = false): Difference => ({
    target: { ...target, spec },
    current,
    action,
    keepsVersion,
  });
  if (current === null) return target.spec === null ? null : to("start");
  const standing = from === "end" ? destinedStanding(view, current) : standingNow(current);
  if (target.spec === null) return standing.goal === "deleted" ? null : to("delete");
  if (standing.goal === "deleted") return to("start");
  if (standing.spec === null) return to("upgrade");
  const spec = keepServicePorts(target.spec, standing.spec);
  if (isSame(spec, standing.spec)) return standing.isMixed ? to("upgrade", spec, true) : null;
  const isScaling = isSame({ ...spec, instances: standing.spec.instances }, standing.spec);
  return isScaling ? to("scale", spec, true) : to("upgrade", spec);
}

const standingNow = ({ document, spec }: CurrentApp): Standing => ({
  goal: document.goal,
  spec,
  isMixed: document.mix !== null,
});

export const idOf = ({ target }: Difference): AppId => target.app;
