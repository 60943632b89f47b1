/** Data on stdout, in the form that was asked for. */
import { type Column, tableLines } from "@muster/terminal/table";
import { stringify } from "yaml";
import type { Context } from "./context.ts";

export type WideColumn<Row> = Column<Row> & {
  /** Shown with `-o wide` only. */
  readonly wide?: boolean;
};

/** Prints a list. `empty` is said on stderr when there is nothing, so that stdout stays data. */
export function printList<Row>(
  context: Context,
  rows: readonly Row[],
  { columns, name, empty }: { columns: readonly WideColumn<Row>[]; name: (row: Row) => string; empty: string },
): void {
  const { out, err, output } = context;
  if (output === "json" || output === "yaml") printDocument(context, rows);
  else if (rows.length === 0) err.print(empty);
  else if (output === "name") out.print(...rows.map(name));
  else {
    const shown = columns.filter(({ wide }) => output === "wide" || wide !== true);
    const screen = output === "wide" ? { ...out, columns: () => Number.POSITIVE_INFINITY } : out;
    out.print(...tableLines(shown, rows, screen));
  }
}

/** One JSON or YAML document. */
export function printDocument({ out, output }: Pick<Context, "out" | "output">, value: unknown): void {
  out.stream.write(output === "yaml" ? stringify(value) : `${JSON.stringify(value, null, 2)}\n`);
}

/** One of many that come one after the other: a line of JSON, or a YAML document of its own. */
export function printNext({ out, output }: Pick<Context, "out" | "output">, value: unknown): void {
  out.stream.write(output === "yaml" ? `---\n${stringify(value)}` : `${JSON.stringify(value)}\n`);
}
