import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PlacedDocumentSchema, type PlacedRow, storedForm, WantedDocumentSchema, type WantedRow } from "./wish.ts";

const id = { slot: fc.nat(9), attempt: fc.nat(99), version: fc.nat(3) };
const goal = fc.constantFrom("run" as const, "stop" as const);
const wantedRow: fc.Arbitrary<WantedRow> = fc.record({ ...id, goal, agent: fc.option(fc.constantFrom("n1", "n2")) });
const placedRow: fc.Arbitrary<PlacedRow> = fc.record({
  ...id,
  goal,
  agent: fc.constantFrom("n1", "n2.rack"),
  ports: fc.array(fc.nat(65_535), { maxLength: 2 }),
  items: fc.dictionary(fc.constantFrom("disks", "keys"), fc.array(fc.constantFrom("a", "b"), { maxLength: 2 })),
  atMs: fc.nat(),
});
const wanted = (rows: WantedRow[]) => ({ app: "/a", rows, nextAttempt: 1, backoffs: [], tally: null, trace: null });
const placed = (rows: PlacedRow[]) => ({ app: "/a", rows, ended: [], history: [] });
/** As another process reads it. */
const told = (key: string, value: unknown): unknown => JSON.parse(JSON.stringify(storedForm(key, value)));
const withoutPrototypes = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test("rows that are stored as columns are read back as they were", () => {
  fc.assert(
    fc.property(fc.array(wantedRow, { maxLength: 6 }), fc.array(placedRow, { maxLength: 6 }), (wishes, rows) => {
      assert.deepEqual(
        withoutPrototypes(WantedDocumentSchema.parse(told("wanted.a", wanted(wishes)))),
        withoutPrototypes(wanted(wishes)),
      );
      assert.deepEqual(
        withoutPrototypes(PlacedDocumentSchema.parse(told("placed.a", placed(rows)))),
        withoutPrototypes(placed(rows)),
      );
    }),
  );
});

test("rows that are stored as a list are read as well", () => {
  const rows: WantedRow[] = [{ slot: 0, attempt: 1, version: 2, goal: "run", agent: null }];
  assert.deepEqual(WantedDocumentSchema.parse(wanted(rows)), wanted(rows));
});

const ROW = { slot: 1, attempt: 1, version: 1, goal: "run", agent: "n1", ports: null, items: null, atMs: 1 };
const BROKEN: [what: string, rows: unknown][] = [
  ["a column that is too short", { count: 2, ...ROW, slot: [1] }],
  ["a value of the wrong kind in the middle", { count: 3, ...ROW, attempt: [1, "2", 3] }],
  ["a value that stands for all and is wrong", { count: 2, ...ROW, goal: "jump" }],
  ["a column that is missing", { count: 1, ...ROW, agent: undefined }],
  ["no count", { ...ROW }],
  ["a count that is no number of rows", { ...ROW, count: -1 }],
  ["nothing at all", null],
  ["a text", "rows"],
];
for (const [what, rows] of BROKEN)
  test(`a row set with ${what} is refused`, () => {
    assert.equal(PlacedDocumentSchema.safeParse(withoutPrototypes({ ...placed([]), rows })).success, false);
  });

test("a large row set is smaller in columns by far", () => {
  const rows = Array.from({ length: 5_000 }, (_, i): PlacedRow => {
    return {
      slot: i,
      attempt: 90_000 + i,
      version: 1_700_000_000_000,
      goal: "run",
      agent: `n${i}`,
      ports: [],
      items: {},
      atMs: 1_700_000_000_000,
    };
  });
  const [list, columns] = [placed(rows), storedForm("placed.a", placed(rows))].map(
    (each) => JSON.stringify(each).length,
  );
  assert.ok((columns as number) * 5 < (list as number), `${columns} bytes against ${list}`);
});
