/**
 * Row sets as they are stored: a column per field instead of an object per row, since a large app's rows are written and read
 * often. A column whose values are all equal is stored as that one value. Lists of plain rows are read as well.
 */
import { z } from "zod";

/** `{ "count": 3, "slot": [0, 1, 2], "version": 1742 }`: `version` is the same in all three. */
type Columns = { readonly count: number } & Readonly<Record<string, unknown>>;

/** Values of one field: equal ones are one, unless they are lists or objects that are not empty. */
function column(values: readonly unknown[]): unknown {
  const first = values[0];
  if (typeof first !== "object") {
    for (let i = 1; i < values.length; i += 1) if (values[i] !== first) return values;
    return first;
  }
  return values.every((value) => isEmpty(value)) ? null : values;
}

const isEmpty = (value: unknown): boolean =>
  value === null || (typeof value === "object" && Object.keys(value as object).length === 0);

/** The columns of rows, in the order of `fields`. */
export function toColumns<Row>(rows: readonly Row[], fields: readonly (keyof Row & string)[]): Columns {
  const columns: Record<string, unknown> = { count: rows.length };
  if (rows.length > 0) for (const field of fields) columns[field] = column(rows.map((row) => row[field]));
  return columns as Columns;
}

/**
 * A schema that reads rows from columns, or from a list of rows; every value is checked either way.
 * `empty`: what a field is where its column is null or, in sets written before the field was known, missing.
 */
export function rowsSchema<Schema extends z.ZodObject>(schema: Schema, empty: Readonly<Record<string, () => unknown>>) {
  type Row = z.infer<Schema>;
  const fields = Object.entries(schema.shape).map(([name, one]) => ({
    name,
    one: one as z.ZodType,
    many: z.array(one as z.ZodType),
    fallback: empty[name],
  }));
  const plain = z.array(schema);
  return z.unknown().transform((stored, context): Row[] => {
    const rows = Array.isArray(stored) ? plain.safeParse(stored).data : fromColumns(stored as Columns, fields);
    if (rows !== undefined && rows !== null) return rows as Row[];
    context.addIssue({ code: "custom", message: "rows are neither a list of rows nor columns of one length" });
    return z.NEVER;
  });
}

/** More than any app has; a wrong count must not fill the memory. */
const ROWS_MAX = 1_000_000;
const isCount = (count: number): boolean => Number.isSafeInteger(count) && count >= 0 && count <= ROWS_MAX;

type Field = {
  readonly name: string;
  readonly one: z.ZodType;
  readonly many: z.ZodType;
  readonly fallback: (() => unknown) | undefined;
};

function fromColumns(columns: Columns, fields: readonly Field[]): Record<string, unknown>[] | null {
  if (typeof columns !== "object" || columns === null || !isCount(columns.count)) return null;
  const rows: Record<string, unknown>[] = [];
  for (let i = 0; i < columns.count; i += 1) rows.push({});
  if (rows.length === 0) return rows;
  for (const { name, one, many, fallback } of fields) {
    const values = columns[name] ?? null;
    if (Array.isArray(values)) {
      if (values.length !== rows.length || !many.safeParse(values).success) return null;
      for (let i = 0; i < rows.length; i += 1) (rows[i] as Record<string, unknown>)[name] = values[i];
    } else if (values === null && fallback !== undefined) for (const row of rows) row[name] = fallback();
    else if (one.safeParse(values).success) for (const row of rows) row[name] = values;
    else return null;
  }
  return rows;
}
