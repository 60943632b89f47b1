/** Tables without lines: aligned columns, quiet titles, cut to the terminal's width where a column allows it. */
import type { Tone } from "./paint.ts";
import type { Screen } from "./screen.ts";
import { clean, pad, textWidth, truncate } from "./width.ts";

/** Text with a meaning; its control characters are taken out. */
export type Cell = { readonly text: string; readonly tone: Tone };

export type Column<Row> = {
  readonly title: string;
  readonly cell: (row: Row) => string | Cell;
  readonly align?: "left" | "right";
  /** Columns this one keeps when the terminal is narrow; without it the column is never cut. */
  readonly shrinksTo?: number;
  /** Left out when no row has anything in it. */
  readonly optional?: boolean;
};

export type TableOptions = {
  readonly indent?: string;
  /** Titles above the columns; true by default. */
  readonly titles?: boolean;
};

const GAP = "  ";

export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  screen: Pick<Screen, "columns" | "paint" | "glyphs">,
  { indent = "", titles = true }: TableOptions = {},
): string[] {
  const all = columns.map((column) => ({ column, cells: rows.map((row) => cellOf(column.cell(row))) }));
  const shown = all.filter(({ column, cells }) => !column.optional || cells.some((cell) => cell.text !== ""));
  const widths = shown.map(({ column, cells }) =>
    Math.max(titles ? textWidth(column.title) : 0, ...cells.map((cell) => textWidth(cell.text))),
  );
  const room = screen.columns() - textWidth(indent) - GAP.length * (shown.length - 1);
  const fitted = fit(
    widths,
    shown.map(({ column }) => column.shrinksTo ?? null),
    room,
  );
  const line = (cells: readonly Cell[]): string => {
    const parts = cells.map(({ text, tone }, i) => {
      const { align } = shown[i]?.column ?? {};
      const width = fitted[i] as number;
      const cut = truncate(text, width, screen.glyphs.ellipsis);
      // The last column is not filled, so that no line ends in spaces.
      const isLast = i === cells.length - 1 && align !== "right";
      const space = isLast ? "" : " ".repeat(Math.max(0, width - textWidth(cut)));
      return align === "right" ? space + screen.paint(tone, cut) : screen.paint(tone, cut) + space;
    });
    return truncate((indent + parts.join(GAP)).trimEnd(), screen.columns(), screen.glyphs.ellipsis);
  };
  const head = shown.map(({ column }) => ({ text: column.title, tone: "quiet" as const }));
  return [...(titles ? [line(head)] : []), ...rows.map((_, r) => line(shown.map(({ cells }) => cells[r] as Cell)))];
}

function cellOf(cell: string | Cell): Cell {
  return typeof cell === "string" ? { text: clean(cell), tone: "plain" } : { text: clean(cell.text), tone: cell.tone };
}

/** Takes what is missing from the widest column that may shrink, one column of text at a time. */
function fit(widths: readonly number[], least: readonly (number | null)[], room: number): number[] {
  const fitted = [...widths];
  let missing = fitted.reduce((sum, width) => sum + width, 0) - room;
  while (missing > 0) {
    let widest = -1;
    for (const [i, width] of fitted.entries()) {
      const limit = least[i] ?? null;
      if (limit !== null && width > limit && (widest < 0 || width > (fitted[widest] as number))) widest = i;
    }
    if (widest < 0) break;
    fitted[widest] = (fitted[widest] as number) - 1;
    missing -= 1;
  }
  return fitted;
}

/** `name  value` pairs under each other. */
export function pairLines(
  pairs: readonly (readonly [name: string, value: string | Cell])[],
  screen: Pick<Screen, "columns" | "paint" | "glyphs">,
  { indent = "" }: { indent?: string } = {},
): string[] {
  const width = Math.max(0, ...pairs.map(([name]) => textWidth(name)));
  return pairs.map(([name, value]) => {
    const { text, tone } = cellOf(value);
    const line = `${indent}${screen.paint("quiet", pad(name, width))}${GAP}${screen.paint(tone, text)}`;
    return truncate(line, screen.columns(), screen.glyphs.ellipsis);
  });
}
