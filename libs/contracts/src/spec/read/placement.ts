/** `placement`: where an app may and would rather run, and which of these wishes exclude each other. */
import type { AppId } from "../../ids.ts";
import { ROUND_INSTANCES_MAX } from "../../limits.ts";
import { type PlacementSpec, PRIORITIES, STRATEGIES } from "../placement.ts";
import { readAffinity, readWeight } from "./affinity.ts";
import { type At, type Fields, isGiven, noFields, readBoolean, readObject, readOneOf, refuse, warn } from "./coerce.ts";
import { GANG_DEFAULTS, PLACEMENT_DEFAULTS } from "./defaults.ts";
import { parseExpression } from "./expression.ts";
import { MACHINE_FIELDS, machineOptions, readMachines } from "./machines.ts";
import { readSeconds, SINGLE_INSTANCE_LABEL } from "./strategies.ts";
import { readFieldName, readParsed, readTerms } from "./terms.ts";

const OWN_FIELDS = ["strategy", "spreadOver", "expressions", "affinity", "antiAffinity", "gang", "priority"];
const FIELDS = [...OWN_FIELDS, ...MACHINE_FIELDS];

/** What of the app bears on its placement. */
type About = {
  readonly id: AppId;
  readonly instances: number;
  readonly labels: Readonly<Record<string, string>>;
};

/** Reads `placement` and `X-Fleet`. A global app has as many instances as there are agents for it, whatever `about` says. */
export function readPlacement(app: Fields, about: About): PlacementSpec {
  const at = app("placement");
  const field = readObject(at, 'an object such as {"strategy": "binpack"}', FIELDS) ?? noFields(at);
  const option = machineOptions(at, field, app("X-Fleet"));
  const placement: PlacementSpec = {
    strategy: readOneOf(field("strategy"), STRATEGIES) ?? null,
    spreadOver: readSpreadOver(field("spreadOver")),
    expressions: readTerms(field("expressions")).flatMap((item) => readParsed(item, parseExpression) ?? []),
    affinity: readAffinity(field("affinity"), about.id),
    antiAffinity: readAffinity(field("antiAffinity"), about.id),
    ...readMachines(option, about.id),
    gang: readGang(field("gang")),
    priority: readOneOf(field("priority"), PRIORITIES) ?? PLACEMENT_DEFAULTS.priority,
  };
  if (!placement.isGlobal) return checkedGang(placement, app("instances"), about.instances);
  refuseBesideGlobal(placement, (name) => (name === "machineId" || name === "machineOf" ? option(name) : field(name)));
  if (about.labels[SINGLE_INSTANCE_LABEL] === "true") {
    refuse(option("global"), `an app with the label ${SINGLE_INSTANCE_LABEL} cannot run on every agent`);
  }
  // An app that was fetched and is sent back tells how many agents there were for it.
  if (about.instances !== 1 && !isGiven(app("versionInfo"))) warnUnusedByGlobal(app("instances"));
  warnUnusedByGlobal(field("strategy"));
  return { ...placement, strategy: null };
}

function checkedGang(placement: PlacementSpec, at: At, instances: number): PlacementSpec {
  const isTooLarge = placement.gang !== null && instances > ROUND_INSTANCES_MAX;
  if (isTooLarge)
    refuse(at, `a gang is placed in one commit of at most ${ROUND_INSTANCES_MAX} instances, got ${instances}`);
  return placement;
}

/** fleet's rule: of these the agents are chosen one by one, and a global app has no choice. */
const NOT_GLOBAL = ["spreadOver", "affinity", "antiAffinity", "machineId", "machineOf", "gang"] as const;

function refuseBesideGlobal(placement: PlacementSpec, at: (name: (typeof NOT_GLOBAL)[number]) => At): void {
  for (const name of NOT_GLOBAL) {
    const wish = placement[name];
    const isAsked = Array.isArray(wish) ? wish.length > 0 : wish !== null;
    if (isAsked) refuse(at(name), `a global app runs on every agent that may run it: remove ${name} or global`);
  }
}

function warnUnusedByGlobal(at: At): void {
  if (isGiven(at) && !at.inherited) warn(at, "ignored: a global app has one instance on every agent that may run it");
}

/** `"rack"`, or `{"field": "rack", "weight": 50}`. */
function readSpreadOver(at: At): PlacementSpec["spreadOver"] {
  const shape = 'a field such as "rack", or an object such as {"field": "rack", "weight": 50}';
  const seen = new Set<string>();
  return readTerms(at).flatMap((item) => {
    const isShort = typeof item.value === "string";
    const term = isShort ? noFields(item) : readObject(item, shape, ["field", "weight"]);
    if (term === undefined) return [];
    const fieldAt = isShort ? item : term("field");
    if (!isGiven(fieldAt)) refuse(fieldAt, 'expected a field, such as "rack"');
    const name = readFieldName(fieldAt);
    const weight = readWeight(term("weight")) ?? PLACEMENT_DEFAULTS.spreadWeight;
    if (name === undefined) return [];
    if (seen.has(name)) refuse(fieldAt, `the field "${name}" stands twice`);
    seen.add(name);
    return [{ field: name, weight }];
  });
}

/** `true`, or an object with what differs from the defaults. */
function readGang(at: At): PlacementSpec["gang"] {
  if (typeof at.value !== "object") return readBoolean(at) ? { ...GANG_DEFAULTS } : null;
  const names = ["patienceSeconds", "holdSeconds"];
  const field = readObject(at, "true, or an object with patienceSeconds and holdSeconds", names);
  if (field === undefined) return null;
  const patienceSeconds = readSeconds(field("patienceSeconds")) ?? GANG_DEFAULTS.patienceSeconds;
  const holdSeconds = readSeconds(field("holdSeconds")) ?? GANG_DEFAULTS.holdSeconds;
  if (holdSeconds === 0) refuse(field("holdSeconds"), "expected more than 0");
  return { patienceSeconds, holdSeconds };
}
