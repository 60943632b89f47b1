/**
 * Readers of single values. Each answers the value, or undefined when it is absent or was refused; refusals are in the
 * report, which throws in the end, so callers may go on with a default. JSON `null` is absent, as in Marathon.
 */
import { isForbiddenKey } from "../document.ts";
import { type Path, shorten } from "../paths.ts";
import { describe, type Report } from "./report.ts";
import { suggest } from "./suggest.ts";

/** A value, where it stands, and whether it comes from the app as it was rather than from what was sent now. */
export type At = {
  readonly value: unknown;
  readonly path: Path;
  readonly report: Report;
  readonly inherited: boolean;
};

export const isGiven = (at: At): boolean => at.value !== undefined;

export const child = (at: At, key: string | number, value: unknown): At => ({
  ...at,
  path: [...at.path, key],
  value: value ?? undefined,
});

export function refuseType(at: At, expected: string): undefined {
  at.report.refuse("spec.type", at.path, `expected ${expected}, got ${describe(at.value)}`);
}

export function refuse(at: At, message: string): undefined {
  at.report.refuse("spec.invalid", at.path, message);
}

export function refuseUnsupported(at: At, message: string): undefined {
  at.report.refuse("spec.unsupported", at.path, message);
}

export const warn = (at: At, message: string): void => at.report.warn(at.path, message);

/** Text. With `isLoose`, numbers and booleans are taken as their text, with a warning. */
export function readText(at: At, { isLoose = false } = {}): string | undefined {
  const { value } = at;
  if (value === undefined) return undefined;
  if (typeof value === "string") return refuseBadText(at, value);
  if (!isLoose || (typeof value !== "number" && typeof value !== "boolean")) return refuseType(at, "text");
  warn(at, `${describe(value)} was understood as the text "${value}"`);
  return String(value);
}

/** No program's arguments or environment can hold NUL, and half a surrogate pair does not survive UTF-8. */
export function refuseBadText(at: At, text: string): string | undefined {
  if (text.includes("\0")) return refuse(at, "text may not hold the NUL character");
  return text.isWellFormed() ? text : refuse(at, "text holds half a Unicode surrogate pair");
}

const NUMERAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

type NumberRules = { readonly min?: number; readonly max?: number; readonly isInteger?: boolean };

/** A number within its bounds; text that spells one is taken as meant, with a warning. */
export function readNumber(at: At, rules: NumberRules = {}): number | undefined {
  const { min = 0, max = Number.MAX_SAFE_INTEGER, isInteger = false } = rules;
  if (!isGiven(at)) return undefined;
  const number = numberOf(at.value);
  if (number === null || (isInteger && !Number.isInteger(number))) {
    return refuseType(at, isInteger ? "a whole number" : "a number");
  }
  if (number < min || number > max) return refuse(at, `expected ${boundsText(min, max)}, got ${number}`);
  if (typeof at.value === "string") warn(at, `${describe(at.value)} was understood as the number ${number}`);
  return number;
}

export const readInteger = (at: At, rules: Omit<NumberRules, "isInteger"> = {}): number | undefined =>
  readNumber(at, { ...rules, isInteger: true });

function numberOf(value: unknown): number | null {
  const number = typeof value === "string" && NUMERAL.test(value.trim()) ? Number(value) : value;
  // Adding zero turns -0, which JSON can spell and nobody means, into 0.
  return typeof number === "number" && Number.isFinite(number) ? number + 0 : null;
}

const boundsText = (min: number, max: number): string =>
  max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`;

/** A boolean; the texts "true" and "false" are taken as meant, with a warning unless `isQuiet`. */
export function readBoolean(at: At, { isQuiet = false } = {}): boolean | undefined {
  const { value } = at;
  if (value === undefined || typeof value === "boolean") return value;
  const lower = typeof value === "string" ? value.trim().toLowerCase() : "";
  if (lower !== "true" && lower !== "false") return refuseType(at, "true or false");
  if (!isQuiet) warn(at, `${describe(value)} was understood as ${lower}`);
  return lower === "true";
}

/** One of `options`; another case of the letters is taken as meant, with a warning unless `isQuiet`. */
export function readOneOf<T extends string>(at: At, options: readonly T[], { isQuiet = false } = {}): T | undefined {
  const { value } = at;
  if (value === undefined) return undefined;
  const names = options.map((option) => `"${option}"`).join(", ");
  if (typeof value !== "string") return refuseType(at, `one of ${names}`);
  const lower = value.trim().toLowerCase();
  const found = options.find((option) => option === value) ?? options.find((option) => option.toLowerCase() === lower);
  if (found === undefined) return refuse(at, `expected one of ${names}, got ${describe(value)}`);
  if (found !== value && !isQuiet) warn(at, `${describe(value)} was understood as "${found}"`);
  return found;
}

/** The items of a list. */
export function readList(at: At, expected: string): At[] | undefined {
  if (!isGiven(at)) return undefined;
  if (!Array.isArray(at.value)) return refuseType(at, expected);
  const items = Array.from(at.value, (item, index) => child(at, index, item));
  for (const item of items) if (!isGiven(item)) refuseType(item, "a value");
  return items.filter(isGiven);
}

/** True for a list with items; anything else that is no list is told by who reads the field. */
export const hasItems = (at: At): boolean => Array.isArray(at.value) && at.value.length > 0;

/** Answers the fields of an object by name. */
export type Fields = (name: string) => At;

/** Reads an object, warning of fields that are not `known`: they are ignored, so a typo must not pass in silence. */
export function readObject(at: At, expected: string, known: readonly string[]): Fields | undefined {
  if (!isGiven(at)) return undefined;
  const { value, report } = at;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return refuseType(at, expected);
  for (const [name, item] of Object.entries(value)) {
    if (known.includes(name) || item === null) continue;
    report.warn([...at.path, name], () => {
      const suggestion = suggest(name, known);
      return `unknown field, ignored${suggestion === null ? "" : `; did you mean "${suggestion}"?`}`;
    });
  }
  return (name) => child(at, name, Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined);
}

/** What an object of free names holds, by name; what is null is absent. */
export function readEntries(at: At, expected: string): [name: string, item: At][] | undefined {
  if (!isGiven(at)) return undefined;
  const { value } = at;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return refuseType(at, expected);
  const entries = Object.entries(value).map(([name, item]): [string, At] => [name, child(at, name, item)]);
  return entries.filter(([, item]) => isGiven(item));
}

/** The fields of an object that is not there. */
export const noFields =
  (at: At): Fields =>
  (name) =>
    child(at, name, undefined);

type MapRules = {
  /** Says what is wrong with a name, or null. */
  readonly nameFault?: (name: string) => string | null;
  /** Looks at a value first and answers true when it has dealt with it. */
  readonly intercept?: (item: At) => boolean;
};

/** Texts by name. Numbers and booleans are taken as their text, with a warning. */
export function readTextMap(at: At, rules: MapRules = {}): Record<string, string> | undefined {
  if (!isGiven(at)) return undefined;
  const { value } = at;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return refuseType(at, "an object of texts");
  const texts: Record<string, string> = {};
  for (const [name, item] of Object.entries(value)) {
    const itemAt = child(at, name, item);
    const fault = rules.nameFault?.(name) ?? badName(name);
    if (fault !== null) refuse(itemAt, fault);
    else if (!rules.intercept?.(itemAt)) {
      const text = readText(itemAt, { isLoose: true });
      if (text !== undefined) texts[name] = text;
    }
  }
  return texts;
}

function badName(name: string): string | null {
  if (isForbiddenKey(name)) return `the name "${name}" is not allowed`;
  return name.includes("\0") || !name.isWellFormed() ? `the name "${shorten(name, 60)}" is not valid text` : null;
}
