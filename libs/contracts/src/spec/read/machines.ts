/**
 * fleet's five options, in our spelling, in fleet's, or in an object `X-Fleet` beside `placement`. Each may be given once.
 */
import { type AppId, isAgentId } from "../../ids.ts";
import { formatPath } from "../paths.ts";
import type { PlacementSpec } from "../placement.ts";
import { isAnchored, readOtherId, resolve } from "./app-id.ts";
import {
  type At,
  child,
  type Fields,
  isGiven,
  noFields,
  readBoolean,
  readEntries,
  readObject,
  readText,
  refuse,
} from "./coerce.ts";
import { globFault } from "./pattern.ts";
import { atMost, fieldFault, type Parsed, quote, readParsed, readTerms } from "./terms.ts";

const FLEET_SPELLING = {
  machineId: "MachineID",
  machineOf: "MachineOf",
  machineMetadata: "MachineMetadata",
  conflicts: "Conflicts",
  global: "Global",
} as const;
type Option = keyof typeof FLEET_SPELLING;

const FLEET_FIELDS = Object.values(FLEET_SPELLING);
export const MACHINE_FIELDS: readonly string[] = [...Object.keys(FLEET_SPELLING), ...FLEET_FIELDS];

/** Where each option stands, whatever its spelling. */
export type Options = (option: Option) => At;

/** An update's `X-Fleet` replaces all five options of the app as it was. */
export function machineOptions(placementAt: At, placement: Fields, fleetAt: At): Options {
  const fleet = readObject(fleetAt, "an object of fleet's options", FLEET_FIELDS);
  const isReplaced = placementAt.inherited && isGiven(fleetAt);
  const own = isReplaced ? noFields(placementAt) : placement;
  const found = new Map<Option, At>();
  for (const [option, spelling] of Object.entries(FLEET_SPELLING) as [Option, string][]) {
    const [first, ...others] = [own(option), own(spelling), (fleet ?? noFields(fleetAt))(spelling)].filter(isGiven);
    for (const other of others) {
      refuse(other, `${formatPath((first as At).path)} says this already: keep one of them`);
    }
    found.set(option, first ?? own(option));
  }
  return (option) => found.get(option) as At;
}

type Machines = Pick<PlacementSpec, "machineId" | "machineOf" | "machineMetadata" | "conflicts" | "isGlobal">;

export const readMachines = (option: Options, self: AppId): Machines => ({
  machineId: readMachineId(onlyOne(option("machineId"))),
  machineOf: readMachineOf(onlyOne(option("machineOf")), self),
  machineMetadata: readMetadata(option("machineMetadata")),
  conflicts: readTerms(option("conflicts")).flatMap(
    (item) => readParsed(item, (text) => parseConflict(text, self)) ?? [],
  ),
  isGlobal: readGlobal(option("global")),
});

/** fleet's values may come as lists; of some options there can be one only. */
function onlyOne(at: At): At {
  if (!Array.isArray(at.value)) return at;
  if (at.value.length > 1) refuse(at, `expected one value, got ${at.value.length}`);
  return child(at, 0, at.value[0]);
}

function readMachineId(at: At): string | null {
  const agent = readText(at);
  if (agent === undefined) return null;
  if (!isAgentId(agent)) refuse(at, `${quote(agent)} is no name of an agent: it holds letters, digits and "_-."`);
  return agent;
}

function readMachineOf(at: At, self: AppId): AppId | null {
  const app = readOtherId(at, self);
  if (app === self) refuse(at, "an app cannot wait for an agent that runs the app itself");
  return app ?? null;
}

/** fleet's files hold the text "true". */
const readGlobal = (at: At): boolean =>
  readBoolean(onlyOne(at), { isQuiet: at.path.at(-1) === FLEET_SPELLING.global }) ?? false;

type Pair = PlacementSpec["machineMetadata"][number];

/** `["disk=ssd", "disk=nvme"]`, or `{"disk": ["ssd", "nvme"]}`. */
function readMetadata(at: At): Pair[] {
  if (typeof at.value !== "object" || Array.isArray(at.value)) {
    return readTerms(at).flatMap((item) => readParsed(item, parsePair) ?? []);
  }
  const entries = readEntries(at, 'an object such as {"disk": ["ssd", "nvme"]}') ?? [];
  const values = entries.flatMap(([key, item]) => readTerms(item).map((value) => ({ key, value })));
  return atMost(at, values).flatMap(({ key, value: valueAt }) => {
    const value = readText(valueAt, { isLoose: true });
    if (value === undefined) return [];
    const fault = pairFault(key, value);
    return fault === null ? [{ key, value }] : (refuse(valueAt, fault) ?? []);
  });
}

function parsePair(text: string): Parsed<Pair> {
  const equals = text.indexOf("=");
  if (equals < 0) return { fault: `${quote(text)} has no "=": expected a field and its value, such as "disk=ssd"` };
  const pair = { key: text.slice(0, equals).trim(), value: text.slice(equals + 1).trim() };
  const fault = pairFault(pair.key, pair.value);
  return fault === null ? { value: pair } : { fault };
}

function pairFault(key: string, value: string): string | null {
  const fault = fieldFault(key);
  if (fault !== null) return fault;
  if (/^[^\s"=][^\s"]*$/.test(value)) return null;
  return `${quote(value)} is no value of ${key}: expected one word, and for several values a list such as ["disk=ssd", "disk=nvme"]`;
}

/** A pattern that ids are held against, so it is made absolute as they are. */
function parseConflict(text: string, self: AppId): Parsed<string> {
  if (!isAnchored(text)) return { fault: `expected a pattern of absolute ids such as "/web*", got ${quote(text)}` };
  const pattern = resolve(text, self);
  if (pattern === null) return { fault: `the pattern ${quote(text)} steps out of the root` };
  if (!/^[a-z0-9/.*?-]+$/.test(pattern)) {
    return {
      fault: `${quote(text)} matches no id: expected a-z, 0-9, "-", "." and "/", with "*" and "?" for any others`,
    };
  }
  const fault = globFault(pattern);
  return fault === null ? { value: pattern } : { fault };
}
