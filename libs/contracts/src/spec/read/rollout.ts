/** `rollout`: the stages in which a new version takes over, and when it has failed. */
import { ROLLOUT_BATCHES_MAX } from "../../limits.ts";
import type { PlacementSpec } from "../placement.ts";
import { ROLLOUT_DEFAULTS, ROLLOUT_STRATEGIES, type RolloutSpec, type RolloutStrategy } from "../rollout.ts";
import {
  type At,
  type Fields,
  isGiven,
  readBoolean,
  readInteger,
  readList,
  readNumber,
  readObject,
  readOneOf,
  refuse,
  warn,
} from "./coerce.ts";
import { SECONDS_MAX } from "./defaults.ts";

const NAMES = [
  "strategy",
  "batches",
  "canary",
  "watchSeconds",
  "waitsForPromotion",
  "timeoutSeconds",
  "maxFailures",
  "rollbackOnFailure",
] as const;

/** `null` for a limit means none, `0` seconds the same. */
export function readRollout(at: At, placement: PlacementSpec, isSingle: boolean): RolloutSpec {
  const given = readObject(at, `an object with ${NAMES.join(", ")}`, NAMES);
  if (given === undefined) return ROLLOUT_DEFAULTS;
  const strategy = readOneOf(given("strategy"), ROLLOUT_STRATEGIES) ?? ROLLOUT_DEFAULTS.strategy;
  if (strategy !== "rolling") refuseUnstaged(given("strategy"), placement, isSingle);
  const field = withoutUnused(given, strategy);
  const seconds = readNumber(field("timeoutSeconds"), { max: SECONDS_MAX }) ?? ROLLOUT_DEFAULTS.timeoutSeconds;
  const failures = field("maxFailures");
  return {
    strategy,
    batches: readBatches(field("batches")),
    canary: readInteger(field("canary"), { min: 1, max: SIZE_MAX }) ?? ROLLOUT_DEFAULTS.canary,
    watchSeconds: readNumber(field("watchSeconds"), { max: SECONDS_MAX }) ?? ROLLOUT_DEFAULTS.watchSeconds,
    waitsForPromotion: readBoolean(field("waitsForPromotion")) ?? isPromoted(strategy),
    timeoutSeconds: seconds === 0 ? null : seconds,
    maxFailures:
      failures.value === "unlimited"
        ? null
        : (readInteger(failures, { max: SIZE_MAX }) ?? ROLLOUT_DEFAULTS.maxFailures),
    rollbackOnFailure: readBoolean(field("rollbackOnFailure")) ?? ROLLOUT_DEFAULTS.rollbackOnFailure,
  };
}

const SIZE_MAX = 1_000_000;

/** Each strategy has its own stages, and a rollout of one stage has none to wait after. What means nothing is not kept either. */
const isUsed = (name: string, strategy: RolloutStrategy): boolean =>
  name === "batches" || name === "canary" ? name === strategy : name !== "waitsForPromotion" || strategy !== "rolling";

const withoutUnused =
  (field: Fields, strategy: RolloutStrategy): Fields =>
  (name) => {
    const at = field(name);
    if (isUsed(name, strategy)) return at;
    const isQuiet = !isGiven(at) || at.inherited || at.value === false;
    if (!isQuiet) warn(at, `ignored: it says nothing about the strategy "${strategy}"`);
    return { ...at, value: undefined };
  };

/** Where two versions stand side by side on purpose, a person says when one of them may go. */
export const isPromoted = (strategy: RolloutStrategy): boolean => strategy === "canary" || strategy === "blueGreen";

function readBatches(at: At): number[] {
  // One number is a list of one.
  const items = Array.isArray(at.value) || !isGiven(at) ? readList(at, "a list of sizes") : [at];
  if (items === undefined) return ROLLOUT_DEFAULTS.batches;
  if (items.length === 0 || items.length > ROLLOUT_BATCHES_MAX)
    refuse(at, `expected 1 to ${ROLLOUT_BATCHES_MAX} sizes, of which the last is repeated`);
  return items.map((item) => readInteger(item, { min: 1, max: SIZE_MAX }) ?? 1);
}

function refuseUnstaged(at: At, { isGlobal, gang }: PlacementSpec, isSingle: boolean): void {
  const why = isGlobal
    ? "an app with one instance on every agent"
    : gang !== null
      ? "a gang, which is replaced as a whole,"
      : isSingle
        ? "an app that may never run twice"
        : null;
  if (why !== null) refuse(at, `expected rolling: ${why} has no stages`);
}
