/** Subjects with NATS wildcards: `*` is one token, `>` at the end is all that follow. */

/** Why the text is no filter, or null. */
export function filterFault(filter: string): string | null {
  const tokens = filter.split(".");
  if (tokens.some((token) => token === "" || /\s/.test(token))) return "expected tokens joined by dots, without spaces";
  if (tokens.some((token, i) => token === ">" && i < tokens.length - 1)) return "> may only be the last token";
  return null;
}

export function matches(filter: readonly string[], subject: readonly string[]): boolean {
  for (const [i, token] of filter.entries()) {
    if (token === ">") return subject.length > i;
    if (i >= subject.length || (token !== "*" && token !== subject[i])) return false;
  }
  return filter.length === subject.length;
}

/** True for a subject that one of the filters matches, and for all where there is none. */
export function subjectFilter(filters: readonly string[]): (subject: string) => boolean {
  const split = filters.map((filter) => filter.split("."));
  if (split.length === 0) return () => true;
  return (subject) => {
    const tokens = subject.split(".");
    return split.some((filter) => matches(filter, tokens));
  };
}
