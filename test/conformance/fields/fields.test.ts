/** Every field of an app through the REST API: its default, valid values as they are shown, and invalid ones as they are refused. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { REPLY_FIELDS, SPEC_FIELDS } from "@muster/contracts";
import type { Service } from "@muster/runtime";
import { startPlane, type TestPlane } from "../../support/control-plane.ts";
import { startTestGateway } from "../../support/gateway.ts";
import { root } from "../../support/standalone.ts";
import { type Invalid, type Json, pathOf, type Row, tokensOf, type Valid, valueAt, withValue } from "./row.ts";
import { ROWS, TABLE } from "./table.ts";

let plane: TestPlane;
let gateway: Service & { http: string };
before(async () => {
  plane = await startPlane([]);
  gateway = await startTestGateway(plane.server.url);
});
after(async () => {
  await gateway.stop();
  await plane.stop();
});

const send = (method: string, path: string, body: unknown) =>
  fetch(`${gateway.http}${path}`, { method, body: JSON.stringify(body) });
const shownAt = async (path: string): Promise<Json> =>
  ((await (await fetch(`${gateway.http}${path}`)).json()) as { app: Json }).app;

/** Texts stand quoted in the header. */
const warningOf = (answer: Response): string => (answer.headers.get("warning") ?? "").replaceAll('\\"', '"');

let count = 0;
/** An app of its own with the field in it, unless it is left out. */
function appWith({ field, within }: Row, beside: Json | undefined, ...sent: readonly unknown[]): Json {
  count += 1;
  const plain: Json = { id: `/fields/n${count}`, cmd: "sleep 1000", ...within, ...beside };
  return sent.length === 0 ? plain : withValue(plain, field, sent[0]);
}

function assertShown(app: Json, field: string, expected: unknown): void {
  const value = valueAt(app, field);
  if (typeof expected === "function") assert.ok(expected(value), `${field} is ${JSON.stringify(value)}`);
  else assert.deepEqual(value, expected);
}

/** Creates the app and answers what GET shows, which says the same when it is sent back, and warns of nothing but what is kept. */
async function create(app: Json, warns: RegExp | undefined, isKept: boolean): Promise<Json> {
  const answer = await send("POST", "/v2/apps", app);
  const text = await answer.text();
  assert.equal(answer.status, 201, text);
  const warning = warningOf(answer);
  if (warns === undefined) assert.equal(warning, "");
  else assert.match(warning, warns);
  const path = answer.headers.get("location") ?? "";
  const shown = await shownAt(path);
  const again = await send("PUT", path, shown);
  assert.equal(again.status, 200, await again.clone().text());
  assert.equal(((await again.json()) as Json).version, shown.version, "what was fetched and sent back changes nothing");
  if (!isKept || warns === undefined) assert.equal(again.headers.get("warning"), null);
  return shown;
}

async function accepts(row: Row, { sent, shown, at = row.field, beside, warns }: Valid): Promise<void> {
  const app = appWith(row, beside, sent);
  assertShown(await create(app, warns, shown === sent), at, shown);
  if (row.isOfNewApps !== true && app.cmd) assertShown(await updated(app, warns), at, shown);
}

/** A plain app that becomes the same by an update; of two apps with one service port the second is warned. */
async function updated({ id, ...fields }: Json, warns: RegExp | undefined): Promise<Json> {
  count += 1;
  const path = `/v2/apps/fields/n${count}`;
  assert.equal((await send("PUT", path, { cmd: "sleep 1000" })).status, 201);
  const answer = await send("PUT", `${path}?force=true`, fields);
  assert.equal(answer.status, 200, await answer.text());
  assert.match(warningOf(answer), warns ?? /^(299 muster "\S+: service port \d+ belongs to \S+"(, )?)*$/);
  return shownAt(path);
}

type Refusal = { message: string; details: { path: string; errors: string[] }[] };
async function refuses(row: Row, { sent, says, at = [pathOf(row.field)], beside }: Invalid): Promise<void> {
  const app = appWith(row, beside, sent);
  const answer = await send("POST", "/v2/apps", app);
  const text = await answer.text();
  assert.equal(answer.status, 422, text);
  const { message, details } = JSON.parse(text) as Refusal;
  assert.deepEqual(
    details.map(({ path }) => path),
    at,
    text,
  );
  assert.match(details.flatMap(({ errors }) => errors).join("\n"), says);
  assert.ok(
    at.some((path) => message.startsWith(path)),
    message,
  );
  const looked = row.field === "id" ? 404 : (await fetch(`${gateway.http}/v2/apps${app.id}`)).status;
  assert.equal(looked, 404, "nothing came of it");
}

for (const [theme, rows] of Object.entries(TABLE))
  describe(theme, () => {
    for (const row of rows)
      test(`${row.field}: ${row.valid.length} valid, ${row.invalid.length} invalid`, async () => {
        const fails: string[] = [];
        const tried = (what: unknown, run: Promise<void>) =>
          run.catch((cause: Error) => void fails.push(`${JSON.stringify(what)}: ${cause.message}`));
        if ("default" in row || row.valid.length > 0) await tried("the default", hasDefault(row));
        for (const each of row.valid) await tried(each, accepts(row, each));
        for (const each of row.invalid) await tried(each, refuses(row, each));
        assert.equal(fails.length, 0, fails.join("\n"));
      });
  });

/** An id and a command must be said, and some fields only mean something where they are. */
async function hasDefault(row: Row): Promise<void> {
  if (row.field === "id") return;
  const app = appWith(row, row.within?.cmd === null ? { cmd: "sleep 1000" } : undefined);
  const answer = await send("POST", "/v2/apps", app);
  if (answer.status !== 201 && row.default === undefined) return;
  assert.equal(answer.status, 201, await answer.text());
  if (row.field !== "cmd") assertShown(await shownAt(`/v2/apps${app.id}`), row.field, row.default);
}

test("every field that is read, or skipped, has a row", () => {
  const told = new Set(ROWS.map(({ field }) => tokensOf(field)[0]));
  assert.deepEqual(
    [...SPEC_FIELDS, ...REPLY_FIELDS].filter((name) => !told.has(name)),
    [],
  );
  assert.equal(new Set(ROWS.map(({ field }) => field)).size, ROWS.length, "no field has two rows");
});

type Schema = {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
};

test("every field that the API describes, at any depth, has a row", async () => {
  const { components } = (await (await fetch(`${gateway.http}/openapi.json`)).json()) as {
    components: { schemas: Readonly<Record<string, Schema>> };
  };
  const fields: string[] = [];
  const walk = ({ $ref, properties = {}, items, anyOf = [] }: Schema, path: string): void => {
    if ($ref !== undefined) walk(components.schemas[$ref.split("/").at(-1) as string] as Schema, path);
    for (const inner of anyOf) walk(inner, path);
    if (items !== undefined) walk(items, `${path}[]`);
    for (const [name, inner] of Object.entries(properties)) {
      const field = path === "" ? name : `${path}.${name}`;
      fields.push(field);
      walk(inner, field);
    }
  };
  walk(components.schemas.AppInput as Schema, "");
  assert.ok(fields.includes("healthChecks[].command.value"), "the walk reaches what is deep");
  const told = new Set(ROWS.map(({ field }) => field));
  assert.deepEqual(
    fields.filter((field) => !told.has(field)),
    [],
  );
});

test("the test that shows a field's effect is there", () => {
  const isThere = ({ effect }: Row): boolean =>
    !("file" in effect) ||
    (/(\.test\.ts|^test\/conformance\/endpoints\/\w+\.ts|^test\/scripts\/.*\.txt)$/.test(effect.file) &&
      readFileSync(join(root, effect.file), "utf8").includes(effect.says));
  const missing = ROWS.filter((row) => !isThere(row)).map(({ field, effect }) => ({ field, effect }));
  assert.deepEqual(missing, []);
});
