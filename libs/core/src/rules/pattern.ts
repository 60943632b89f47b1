/** Patterns as tests of a whole text. RE2 runs in linear time, so no pattern may stall a worker. */
import type { Expression } from "@muster/contracts";
import { RE2JS } from "re2js";

const COMPILED_MAX = 1_000;
const compiled = new Map<string, RE2JS>();

/** Matches the whole text. Throws what RE2 says of a pattern that is none; specs are refused for it when they are read. */
export function regex(pattern: string): (text: string) => boolean {
  let known = compiled.get(pattern);
  if (known === undefined) {
    if (compiled.size >= COMPILED_MAX) compiled.clear();
    known = RE2JS.compile(pattern, RE2JS.DOTALL);
    compiled.set(pattern, known);
  }
  const program = known;
  return (text) => program.matches(text);
}

/** `*` stands for anything, `?` for one character. */
export const glob = (pattern: string): ((text: string) => boolean) =>
  regex(
    [...pattern]
      .map((character) => (character === "*" ? ".*" : character === "?" ? "." : RE2JS.quote(character)))
      .join(""),
  );

export const patternTest = ({ type, text }: Expression["pattern"]): ((text: string) => boolean) =>
  type === "glob" ? glob(text) : regex(text);
