/** Readers that the fields of `placement` share: one value or a list of them, names of fields, and small languages. */
import { SPEC_TERMS_MAX } from "../../limits.ts";
import { isForbiddenKey } from "../document.ts";
import { shorten } from "../paths.ts";
import { type At, isGiven, readList, readText, refuse } from "./coerce.ts";

/** What a text says, or what is wrong with it. */
export type Parsed<T> = { readonly value: T } | { readonly fault: string };

/** A text in a language of its own. */
export function readParsed<T>(at: At, parse: (text: string) => Parsed<T>): T | undefined {
  const text = readText(at);
  if (text === undefined) return undefined;
  const parsed = parse(text);
  return "fault" in parsed ? refuse(at, parsed.fault) : parsed.value;
}

/** The items of a list; a value that is no list stands for a list of it alone. */
export function readTerms(at: At): At[] {
  if (!isGiven(at)) return [];
  return atMost(at, Array.isArray(at.value) ? (readList(at, "a list") ?? []) : [at]);
}

/** As many items as a list may have; more are refused as one problem and not looked at. */
export function atMost<T>(at: At, items: T[], max: number = SPEC_TERMS_MAX): T[] {
  if (items.length > max) refuse(at, `expected at most ${max} items, got ${items.length}`);
  return items.slice(0, max);
}

const BUILT_IN_FIELDS: readonly string[] = ["@hostname", "@region", "@zone"];

/** What is wrong with the name of a field of agents, or null. Attributes are named in the grammar of `--attributes`. */
export function fieldFault(name: string): string | null {
  if (name.startsWith("@") && !BUILT_IN_FIELDS.includes(name)) {
    return `there is no field ${quote(name)}: expected ${BUILT_IN_FIELDS.join(", ")} or the name of an attribute`;
  }
  const isName = /^@?[a-zA-Z0-9_/.-]+$/.test(name) && !isForbiddenKey(name);
  return isName ? null : `${quote(name)} is no name of an attribute: it holds letters, digits and "_/.-"`;
}

export function readFieldName(at: At): string | undefined {
  const name = readText(at);
  if (name === undefined) return undefined;
  const fault = fieldFault(name);
  return fault === null ? name : refuse(at, fault);
}

export const quote = (text: string): string => JSON.stringify(shorten(text, 60));
