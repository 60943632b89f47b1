/** The document of `muster run`: JSON goes to the server as it was written, YAML is turned into JSON and its errors turned back. */
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { MusterError, type Problem } from "@muster/contracts";
import type { ParsedDocument } from "@muster/contracts/spec/document";
import type { Source } from "./errors.ts";
import { UsageError } from "./exit.ts";

export type SpecFile = {
  /** What is sent. */
  readonly body: string;
  /** The app's id as it stands in the document, for an update; null when there is none to be found. */
  readonly id: string | null;
  /** Says where in the file a problem of the server's lies. */
  locate(cause: unknown): unknown;
};

/** Reads a file, or stdin for `-`. @throws UsageError */
export async function readSource(file: string): Promise<Source> {
  return { name: file === "-" ? "stdin" : file, text: await readText(file) };
}

async function readText(file: string): Promise<string> {
  try {
    return file === "-" ? await textOf(process.stdin) : await readFile(file, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT") throw new UsageError(`there is no file ${file}`);
    if (code === "EISDIR") throw new UsageError(`${file} is a folder: name one file`);
    throw new UsageError(`${file} cannot be read: ${(cause as Error).message}`);
  }
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

/** @throws MusterError json.malformed with line and column, for YAML */
export async function specOf({ name, text }: Source): Promise<SpecFile> {
  if (!looksLikeYaml(name, text)) return { body: text, id: idOf(parsed(text)), locate: (cause) => cause };
  const { parseYaml } = await import("@muster/contracts/spec/yaml");
  const document = parseYaml(text);
  return {
    body: JSON.stringify(document.value),
    id: idOf(document.value),
    locate: (cause) => located(cause, document),
  };
}

/** By the name where it says so, else by the first letter: every JSON document that holds an app begins with a brace. */
export function looksLikeYaml(name: string, text: string): boolean {
  const extension = extname(name).toLowerCase();
  if (extension === ".yaml" || extension === ".yml") return true;
  return extension !== ".json" && !/^\s*[{[]/.test(text);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The server says what is wrong with it, and where.
    return null;
  }
}

const idOf = (value: unknown): string | null =>
  typeof value === "object" && value !== null && "id" in value && typeof value.id === "string" ? value.id : null;

/** The server counts lines in the JSON it was sent; people look at their YAML. */
function located(cause: unknown, document: ParsedDocument): unknown {
  if (!(cause instanceof MusterError) || cause.problems.length === 0) return cause;
  const problems = cause.problems.map(
    ({ path, message }): Problem => ({ path, message, ...nearestPlace(path, document) }),
  );
  return new MusterError(cause.code, withoutPlace(cause.message), { problems, deployments: cause.deployments, cause });
}

/** Where `path` stands; a field that is missing is shown at the nearest thing around it. */
export function nearestPlace(path: string, document: ParsedDocument): { line: number; column: number } | null {
  for (let parts = pathParts(path); ; parts = parts.slice(0, -1)) {
    const place = document.locate(parts);
    if (place !== null) return place;
    if (parts.length === 0) return null;
  }
}

const withoutPlace = (message: string): string => message.replaceAll(/ ?\(?(?:at )?line \d+, column \d+\)?/g, "");

/** `/healthChecks(1)/port` -> `["healthChecks", 1, "port"]`. */
export function pathParts(path: string): (string | number)[] {
  return [...path.matchAll(/\/([^/(]+)|\((\d+)\)/g)].map(([, name, index]) => name ?? Number(index));
}
