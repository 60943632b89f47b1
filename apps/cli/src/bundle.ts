/** What `muster deploy` and `muster plan` were given: an app, a list of apps, a group; of several files and folders one list of all their apps. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { appIdFrom, type Change, type ChangeOptions, type Client } from "@muster/client";
import { MusterError, type Problem } from "@muster/contracts";
import type { ParsedDocument } from "@muster/contracts/spec/document";
import { parseDocument } from "@muster/contracts/spec/json";
import type { Context } from "./context.ts";
import { printError, type Source } from "./errors.ts";
import { type ExitCode, UsageError } from "./exit.ts";
import { publish } from "./publish.ts";
import { type Session, withSession } from "./session.ts";
import { looksLikeYaml, nearestPlace, readSource, type SpecFile, specOf } from "./spec-file.ts";

export type Bundle = SpecFile & { readonly kind: "app" | "apps" | "group" };

/** An error, and the file that it is about; null where it is about none of them. */
type Told = { readonly cause: unknown; readonly source: Source | null };
type Read = { readonly bundle: Bundle; readonly tell: (cause: unknown) => readonly Told[] };

/** Reads what was given and works with it; a refusal is told file by file. */
export async function withBundle(
  context: Context,
  files: readonly string[],
  work: (session: Session, bundle: Bundle) => Promise<ExitCode>,
): Promise<ExitCode> {
  const sources = await sourcesOf(files);
  const [only] = sources;
  let tell: Read["tell"] = (cause) => [{ cause, source: only ?? null }];
  try {
    const read = sources.length === 1 ? await one(only as Source) : await many(sources, context);
    if (typeof read === "number") return read;
    tell = read.tell;
    return await withSession(context, (session) => work(session, read.bundle));
  } catch (cause) {
    return last(tell(cause).map((told) => printError(told.cause, context.err, told.source)));
  }
}

const last = (codes: readonly ExitCode[]): ExitCode => codes.at(-1) as ExitCode;

/** One deployment for all of it. What a group or a list of apps says is all there is to be: fields that are not given get their defaults. */
export async function publishBundle(client: Client, bundle: Bundle, options: ChangeOptions): Promise<Change> {
  const { kind, body, id } = bundle;
  if (kind === "app") return await publish(client, bundle, options);
  if (kind === "apps") return await client.replaceApps(id ?? "", body, options);
  return await client.changeGroup(id ?? "", body, options);
}

const ENDINGS = /\.(json|ya?ml)$/i;

/** Of a folder each file right in it that could hold apps, by name. @throws UsageError */
async function sourcesOf(files: readonly string[]): Promise<readonly Source[]> {
  const paths: string[] = [];
  for (const file of files) {
    const isFolder = file !== "-" && (await stat(file).catch(() => null))?.isDirectory() === true;
    const inside = isFolder ? (await readdir(file)).filter((name) => ENDINGS.test(name)).sort() : [];
    if (isFolder && inside.length === 0) throw new UsageError(`the folder ${file} holds no .json, .yaml or .yml file`);
    paths.push(...(isFolder ? inside.map((name) => join(file, name)) : [file]));
  }
  if (paths.filter((path) => path === "-").length > 1) throw new UsageError("stdin can be read once only");
  return await Promise.all(paths.map(readSource));
}

async function one(source: Source): Promise<Read> {
  const spec = await specOf(source);
  const kind = kindOf(jsonOf(spec.body));
  if (kind === "group" && spec.id === null)
    throw new UsageError(
      `${source.name}: a group needs an id, such as "id": "/shop"; "/" is the group of all apps, and removes those it does not name`,
    );
  const id = kind === "apps" ? firstId(jsonOf(spec.body)) : absolute(spec.id);
  return {
    bundle: { ...spec, kind, id: kind === "app" ? spec.id : id },
    tell: (cause) => [{ cause: spec.locate(cause), source }],
  };
}

/** What the server will say is wrong with it is left to the server. */
function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function kindOf(value: unknown): Bundle["kind"] {
  if (Array.isArray(value)) return "apps";
  const isObject = typeof value === "object" && value !== null;
  return isObject && ("apps" in value || "groups" in value) ? "group" : "app";
}

const absolute = (id: string | null): string | null => (id === null || id === "/" ? id : appIdFrom(id));

function firstId(value: unknown): string | null {
  const [first] = Array.isArray(value) ? value : [value];
  const id = typeof first === "object" && first !== null && "id" in first ? first.id : null;
  return typeof id === "string" ? absolute(id) : null;
}

type Item = { readonly source: Source; readonly document: ParsedDocument; readonly at: readonly number[] };

/** Several files are one list: each is an app or a list of apps. An exit code where one of them cannot be read. */
async function many(sources: readonly Source[], context: Context): Promise<Read | ExitCode> {
  const items: Item[] = [];
  const values: unknown[] = [];
  const refused: ExitCode[] = [];
  for (const source of sources) {
    try {
      const document = await parsed(source);
      const kind = kindOf(document.value);
      if (kind === "group")
        throw new UsageError(
          `${source.name} is a group: several files are apps or lists of apps, a group is deployed alone`,
        );
      const apps = kind === "apps" ? (document.value as unknown[]) : [document.value];
      items.push(...apps.map((_, i) => ({ source, document, at: kind === "apps" ? [i] : [] })));
      values.push(...apps);
    } catch (cause) {
      refused.push(printError(cause, context.err, source));
    }
  }
  if (refused.length > 0) return last(refused);
  return {
    bundle: { kind: "apps", body: JSON.stringify(values), id: firstId(values), locate: (cause) => cause },
    tell: (cause) => byFile(cause, items),
  };
}

async function parsed({ name, text }: Source): Promise<ParsedDocument> {
  if (!looksLikeYaml(name, text)) return parseDocument(text);
  return (await import("@muster/contracts/spec/yaml")).parseYaml(text);
}

/** Problems of the list, each told of the file it stands in. */
function byFile(cause: unknown, items: readonly Item[]): readonly Told[] {
  if (!(cause instanceof MusterError) || cause.problems.length === 0) return [{ cause, source: null }];
  const byItem = Map.groupBy(
    cause.problems,
    ({ path }) => items[Number(/^\((\d+)\)/.exec(path)?.[1] ?? -1)]?.source ?? null,
  );
  return [...byItem].map(([source, problems]) => {
    const located = problems.map((problem) => placed(problem, items));
    return {
      cause: new MusterError(cause.code, located[0]?.message ?? cause.message, { problems: located, cause }),
      source,
    };
  });
}

function placed({ path, message, line, column }: Problem, items: readonly Item[]): Problem {
  const [, index, rest = ""] = /^\((\d+)\)(.*)$/.exec(path) ?? [];
  const item = items[Number(index ?? -1)];
  if (item === undefined)
    return { path, message, ...(line === undefined || column === undefined ? {} : { line, column }) };
  const inFile = `${item.at.map((i) => `(${i})`).join("")}${rest}`;
  return { path: inFile, message, ...nearestPlace(inFile, item.document) };
}
