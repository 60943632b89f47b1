/** Changes to an app that exists: what is sent replaces, field by field, and what is not sent stays. */
import type { AppSpec } from "./app.ts";
import { resolve } from "./read/app-id.ts";
import { type At, type Fields, hasItems, isGiven, warn } from "./read/coerce.ts";
import { type ReadApp, type ReadOptions, readFields, readRoot, rootOf } from "./read.ts";
import { renderApp } from "./render.ts";

/**
 * Marathon's PUT: an update in any spelling over the app as it is. Fields replace whole: an update's `container` does not
 * merge into the old one. Throws what `readApp` throws; the id is the current one whatever the update says.
 */
export function mergeAppUpdate(current: AppSpec, update: unknown, options: ReadOptions = {}): ReadApp {
  const at = rootOf(update, options);
  const sent = readRoot(at);
  warnOtherId(sent("id"), current.id);
  const spec = readFields(overlay(at, sent, kept(current, sent)), "/");
  at.report.throwIfRefused();
  return { spec, warnings: at.report.warnings };
}

/** The fields of the current app that stay unless the update has them: a new command drops the other form of the old. */
function kept(current: AppSpec, sent: Fields): Record<string, unknown> {
  const { cmd, args, ...others } = renderApp(current, { version: 0 });
  if (!isGiven(sent("cmd")) && !hasItems(sent("args"))) return { ...others, cmd, args };
  return others;
}

const overlay =
  (at: At, sent: Fields, current: Record<string, unknown>): Fields =>
  (name) => {
    if (isGiven(sent(name)) && name !== "id") return sent(name);
    return { ...at, path: [name], value: current[name], inherited: true };
  };

function warnOtherId(at: At, id: string): void {
  if (typeof at.value === "string" && resolve(at.value, "/") !== id) warn(at, `ignored: this changes the app ${id}`);
}
