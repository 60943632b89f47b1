/** Places in a document: `["healthChecks", 1, "port"]`, written `/healthChecks(1)/port` as Marathon writes them. */

export type Path = readonly (string | number)[];

const PART_CHARS_MAX = 80;

/** A path as people read it. Names of absurd length are cut, so that a message stays a message. */
export function formatPath(path: Path): string {
  return path.map((part) => (typeof part === "number" ? `(${part})` : `/${shorten(part, PART_CHARS_MAX)}`)).join("");
}

export const shorten = (text: string, charsMax: number): string =>
  text.length <= charsMax ? text : `${text.slice(0, charsMax - 1)}…`;

/** Counted from one, as editors count. Columns are UTF-16 units. */
export type Location = { readonly line: number; readonly column: number };

/** Answers where an offset into `text` is; the lines are looked up once. */
export function locator(text: string): (offset: number) => Location {
  let starts: number[] | null = null;
  return (offset) => {
    starts ??= lineStarts(text);
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] as number) + 1 };
  };
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", end + 1)) starts.push(end + 1);
  return starts;
}
