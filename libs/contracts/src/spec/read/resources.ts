/** What an app asks for of an operator's own resources, and what it may use beyond what it asks for. */
import type { CustomAsk, Limits } from "../placement.ts";
import { builtInMeant, isCustomName, isWord } from "../resource-names.ts";
import {
  type At,
  child,
  isGiven,
  readEntries,
  readInteger,
  readList,
  readNumber,
  readObject,
  readText,
  refuse,
  warn,
} from "./coerce.ts";
import { CPUS_MAX, MEBIBYTES_MAX, UNITS_MAX } from "./defaults.ts";
import { describe } from "./report.ts";
import { suggest } from "./suggest.ts";
import { atMost, quote } from "./terms.ts";

const LIMIT_MAX = { cpus: CPUS_MAX, mem: MEBIBYTES_MAX } as const;
type Limited = keyof typeof LIMIT_MAX;
const isLimited = (name: string): name is Limited => Object.hasOwn(LIMIT_MAX, name);

/** Marathon's `resourceLimits`. `asked`: what the app asks for, which no limit may be below. */
export function readLimits(at: At, asked: Readonly<Record<Limited, number>>): Limits {
  const limits: Limits = { cpus: null, mem: null };
  for (const [name, item] of readEntries(at, 'an object such as {"cpus": 2, "mem": "unlimited"}') ?? []) {
    if (isLimited(name)) limits[name] = readLimit(item, name, asked[name]) ?? null;
    else refuse(item, `only cpus and mem have limits${cureOf(suggest(name, Object.keys(LIMIT_MAX)))}`);
  }
  return limits;
}

function readLimit(at: At, name: Limited, asked: number): number | "unlimited" | undefined {
  if (typeof at.value === "string" && /^\s*[a-z]/i.test(at.value)) return readUnlimited(at, at.value);
  const limit = readNumber(at, { max: LIMIT_MAX[name] });
  if (limit !== undefined && limit < asked)
    return refuse(at, `expected ${asked} or more, since ${name} is ${asked}, got ${limit}`);
  return limit === 0 ? refuse(at, "expected more than 0: a limit of nothing lets nothing run") : limit;
}

function readUnlimited(at: At, text: string): "unlimited" | undefined {
  if (text.trim().toLowerCase() !== "unlimited") {
    return refuse(at, `expected a number or "unlimited", got ${describe(text)}`);
  }
  if (text !== "unlimited") warn(at, `${describe(text)} was understood as "unlimited"`);
  return "unlimited";
}

const cureOf = (name: string | null): string => (name === null ? ": remove the field" : `; did you mean "${name}"?`);

/** `{"fpga": 1, "licences": ["a", "b"], "disks": {"any": 2}}` */
export function readCustom(at: At): CustomAsk {
  const custom: CustomAsk = { scalars: {}, sets: {} };
  for (const [name, item] of atMost(at, readEntries(at, 'an object such as {"fpga": 1}') ?? [])) {
    const fault = nameFault(name);
    if (fault !== null) refuse(item, fault);
    else if (typeof item.value === "object") {
      const set = Array.isArray(item.value) ? readItems(item) : readCount(item);
      if (set !== undefined) custom.sets[name] = set;
    } else {
      const amount = readInteger(item, { max: UNITS_MAX });
      if (amount !== undefined) custom.scalars[name] = amount;
    }
  }
  return custom;
}

function nameFault(name: string): string | null {
  const builtIn = builtInMeant(name);
  if (builtIn === "ports") return `${quote(name)} is built in: ask for ports with portDefinitions or portMappings`;
  if (builtIn !== null) return `${quote(name)} is built in: ask for it with the app's own field "${builtIn}"`;
  return isCustomName(name) ? null : `${quote(name)} is no name of a resource: it holds letters, digits and "_/.-"`;
}

/** Exactly these items of a set. */
function readItems(at: At): string[] | undefined {
  const items = atMost(at, readList(at, "a list of items") ?? []);
  if (items.length === 0) return refuse(at, 'expected the items that are needed, such as ["a", "b"], got none');
  const seen = new Set<string>();
  for (const item of items) {
    const text = readText(item, { isLoose: true });
    if (text === undefined) continue;
    if (!isWord(text)) refuse(item, `an item holds letters, digits and "_/.-", got ${quote(text)}`);
    else if (seen.has(text)) refuse(item, `${quote(text)} stands twice`);
    seen.add(text);
  }
  return [...seen];
}

/** As many items of a set, whichever they are. */
function readCount(at: At): number | undefined {
  const field = readObject(at, 'a whole number, a list of items, or {"any": 2}', ["any"]);
  if (field === undefined) return undefined;
  const count = field("any");
  return isGiven(count)
    ? readInteger(count, { min: 1, max: UNITS_MAX })
    : refuse(child(at, "any", undefined), 'expected how many items are needed, as in {"any": 2}');
}
