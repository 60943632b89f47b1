/** Terms of `affinity` and `antiAffinity`: with, or not with, instances of other apps. */
import type { AppId } from "../../ids.ts";
import type { AffinityTerm } from "../placement.ts";
import { readOtherId } from "./app-id.ts";
import { type At, isGiven, readInteger, readObject, refuse } from "./coerce.ts";
import { PLACEMENT_DEFAULTS } from "./defaults.ts";
import { parseSelector } from "./selector.ts";
import { readFieldName, readParsed, readTerms } from "./terms.ts";

const SHAPE = 'an app such as "/db", a selector such as "tier=db", or an object with one of both';
const FIELDS = ["app", "selector", "over", "weight"];
/** Weights of preferences go from 1 to this. */
const WEIGHT_MAX = 100;

/** `self`: whose terms they are; relative ids are in steps from it. */
export const readAffinity = (at: At, self: AppId): AffinityTerm[] =>
  readTerms(at).flatMap((item) => readTerm(item, self) ?? []);

function readTerm(at: At, self: AppId): AffinityTerm | undefined {
  if (typeof at.value === "string") {
    const isApp = at.value.startsWith("/");
    return target(isApp ? readOtherId(at, self) : undefined, isApp ? undefined : readParsed(at, parseSelector));
  }
  const field = readObject(at, SHAPE, FIELDS);
  if (field === undefined) return undefined;
  const [appAt, selectorAt] = [field("app"), field("selector")];
  if (isGiven(appAt) && isGiven(selectorAt))
    refuse(selectorAt, "app and selector exclude each other: keep one of them");
  if (!isGiven(appAt) && !isGiven(selectorAt)) refuse(at, "expected an app or a selector: give one of both");
  const over = readFieldName(field("over")) ?? PLACEMENT_DEFAULTS.over;
  const weight = readWeight(field("weight")) ?? null;
  const term = target(readOtherId(appAt, self), readParsed(selectorAt, parseSelector));
  return term === undefined ? undefined : { ...term, over, weight };
}

export const readWeight = (at: At): number | undefined => readInteger(at, { min: 1, max: WEIGHT_MAX });

function target(app: AppId | undefined, selector: AffinityTerm["selector"] | undefined): AffinityTerm | undefined {
  if (app === undefined && selector === undefined) return undefined;
  return { app: app ?? null, selector: selector ?? null, over: PLACEMENT_DEFAULTS.over, weight: null };
}
