/** Regular expressions of users: compiled by RE2, whose patterns match in linear time (docs/adr/0007-re2.md). */
import { RE2JS } from "re2js";
import { shorten } from "../paths.ts";

/** Mesos's limit in characters: a longer pattern takes long to compile, whatever it then matches. */
const PATTERN_MAX = 4_096;

/** What is wrong with a regular expression, or null. */
export function regexFault(text: string): string | null {
  const fault = lengthFault(text, "regular expression");
  if (fault !== null) return fault;
  try {
    RE2JS.compile(text);
    return null;
  } catch (error) {
    return shorten((error as Error).message, 200);
  }
}

export const globFault = (text: string): string | null => lengthFault(text, "pattern");

const lengthFault = (text: string, what: string): string | null =>
  text.length <= PATTERN_MAX ? null : `the ${what} has ${text.length} characters, at most ${PATTERN_MAX} are taken`;
