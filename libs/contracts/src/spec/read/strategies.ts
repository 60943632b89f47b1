/** How an app is replaced, retried and waited for. */
import type { AppSpec } from "../app.ts";
import { type At, type Fields, readInteger, readNumber, readObject, readOneOf, readText, refuse } from "./coerce.ts";
import { APP_DEFAULTS, FACTOR_MAX, SECONDS_MAX, SINGLE_INSTANCE_STRATEGY } from "./defaults.ts";

const KILL_SELECTIONS = ["YOUNGEST_FIRST", "OLDEST_FIRST"] as const;
/** Marathon's label of an app that may never run twice. */
export const SINGLE_INSTANCE_LABEL = "MARATHON_SINGLE_INSTANCE_APP";

export const readSeconds = (at: At): number | undefined => readNumber(at, { max: SECONDS_MAX });

type Retry = Pick<AppSpec, "backoffSeconds" | "backoffFactor" | "maxLaunchDelaySeconds">;

export const readRetry = (field: Fields): Retry => ({
  backoffSeconds: readSeconds(field("backoffSeconds")) ?? APP_DEFAULTS.backoffSeconds,
  backoffFactor: readNumber(field("backoffFactor"), { min: 1, max: FACTOR_MAX }) ?? APP_DEFAULTS.backoffFactor,
  maxLaunchDelaySeconds: readSeconds(field("maxLaunchDelaySeconds")) ?? APP_DEFAULTS.maxLaunchDelaySeconds,
});

type Ending = Pick<AppSpec, "killSelection" | "taskKillGracePeriodSeconds">;

export const readEnding = (field: Fields): Ending => ({
  killSelection: readOneOf(field("killSelection"), KILL_SELECTIONS) ?? APP_DEFAULTS.killSelection,
  taskKillGracePeriodSeconds: readSeconds(field("taskKillGracePeriodSeconds")) ?? null,
});

export function readUpgradeStrategy(at: At, labels: Readonly<Record<string, string>>): AppSpec["upgradeStrategy"] {
  const isSingle = labels[SINGLE_INSTANCE_LABEL] === "true";
  const defaults = isSingle ? SINGLE_INSTANCE_STRATEGY : APP_DEFAULTS.upgradeStrategy;
  const names = ["minimumHealthCapacity", "maximumOverCapacity"] as const;
  const field = readObject(at, "an object with minimumHealthCapacity and maximumOverCapacity", names);
  if (field === undefined) return { ...defaults };
  const strategy = { ...defaults } as AppSpec["upgradeStrategy"];
  for (const name of names) {
    strategy[name] = readNumber(field(name), { max: 1 }) ?? defaults[name];
    if (isSingle && strategy[name] !== 0)
      refuse(field(name), `expected 0, since the app has the label ${SINGLE_INSTANCE_LABEL}`);
  }
  return strategy;
}

/** An app that may not run twice cannot be wished for twice. */
export function readInstances(at: At, labels: Readonly<Record<string, string>>, max: number): number {
  const instances = readInteger(at, { max }) ?? APP_DEFAULTS.instances;
  if (labels[SINGLE_INSTANCE_LABEL] === "true" && instances > 1) {
    refuse(at, `expected 0 or 1, since the app has the label ${SINGLE_INSTANCE_LABEL}`);
  }
  return instances;
}

/** `"disabled"` waits for ever and is null; a silent spec replaces lost instances at once. */
export function readUnreachableStrategy(at: At): AppSpec["unreachableStrategy"] {
  if (typeof at.value === "string") {
    if (readText(at) !== "disabled") refuse(at, 'expected "disabled" or an object with inactiveAfterSeconds');
    return null;
  }
  const names = ["inactiveAfterSeconds", "expungeAfterSeconds"];
  const field = readObject(at, 'an object with inactiveAfterSeconds, or "disabled"', names);
  if (field === undefined) return { ...APP_DEFAULTS.unreachableStrategy };
  const inactiveAfterSeconds = readSeconds(field("inactiveAfterSeconds")) ?? 0;
  const expungeAfterSeconds = readSeconds(field("expungeAfterSeconds")) ?? inactiveAfterSeconds;
  if (expungeAfterSeconds < inactiveAfterSeconds) {
    refuse(field("expungeAfterSeconds"), `expected inactiveAfterSeconds (${inactiveAfterSeconds}) or more`);
  }
  return { inactiveAfterSeconds, expungeAfterSeconds };
}
