/**
 * Mesos's text form of what an agent has: `cpus:4;ports:[31000-32000];fpga:2;disks:{sda,sdb}` and `rack:r2;span:[1-5]`.
 * Pieces stand between semicolons, each a name and a value: scalar, ranges, set or text (Mesos, attributes-resources.md).
 */
import { MusterError } from "../errors.ts";
import type { Attribute, CustomResources, PortRange, Resources } from "../resources.ts";
import { isForbiddenKey } from "./document.ts";
import { shorten } from "./paths.ts";
import { type BuiltInResource, builtInMeant, isBuiltIn, isCustomName, isWord } from "./resource-names.ts";

export type ParsedResources = {
  readonly resources: Partial<Resources>;
  readonly ports: PortRange[] | null;
  /** What the operator named beyond the built-in resources. */
  readonly custom: CustomResources;
};
/** In one text with attributes nothing tells an operator's own resource from an attribute, so there are none. */
export type ParsedOverrides = Omit<ParsedResources, "custom"> & { readonly attributes: Record<string, Attribute> };

/** Resources alone: names that are not built in are the operator's own. Throws `spec.invalid` that names the piece of text. */
export function parseResources(text: string): ParsedResources {
  const { resources, ports, custom } = parse(text, ({ name }) => (isBuiltIn(name) ? "built-in" : "custom"));
  return { resources, ports, custom };
}

/** Attributes alone: here `mem:5` is an attribute too. Throws `spec.invalid` that names the piece of text. */
export function parseAttributes(text: string): Record<string, Attribute> {
  return parse(text, () => "attribute").attributes;
}

/** Both in one text: cpus, mem, disk, gpus and ports are resources, all else attributes. */
export function parseOverrides(text: string): ParsedOverrides {
  const { resources, ports, attributes } = parse(text, ({ name }) => (isBuiltIn(name) ? "built-in" : "attribute"));
  return { resources, ports, attributes };
}

type Piece = { readonly text: string; readonly name: string; readonly value: string };

const fault = (piece: { readonly text: string }, why: string): MusterError => {
  const message = `"${shorten(piece.text, 80)}": ${why}`;
  return new MusterError("spec.invalid", message, { problems: [{ path: "", message }] });
};

type Kind = "built-in" | "custom" | "attribute";

function parse(text: string, kindOf: (piece: Piece) => Kind): ParsedResources & ParsedOverrides {
  const resources: Partial<Resources> = {};
  const attributes: Record<string, Attribute> = {};
  const custom: CustomResources = { scalars: {}, sets: {} };
  const seen = new Set<string>();
  let ports: PortRange[] | null = null;
  for (const part of text.split(";")) {
    if (part.trim() === "") continue;
    const piece = readPiece(part.trim());
    if (seen.has(piece.name)) throw fault(piece, `"${piece.name}" stands twice`);
    seen.add(piece.name);
    const kind = kindOf(piece);
    if (kind === "attribute") attributes[piece.name] = readAttribute(piece);
    else if (kind === "custom") readCustom(piece, custom);
    else if (piece.name === "ports") ports = readPorts(piece);
    else Object.assign(resources, readScalarResource(piece, piece.name as Exclude<BuiltInResource, "ports">));
  }
  return { resources, ports, custom, attributes };
}

/** Whole units or a set of named things, as apps can ask for them. */
function readCustom(piece: Piece, into: CustomResources): void {
  const { name, value } = piece;
  const meant = builtInMeant(name);
  if (meant !== null) throw fault(piece, `"${name}" is no resource; did you mean "${meant}"?`);
  if (!isCustomName(name)) throw fault(piece, `the name "${name}" is not allowed`);
  if (value.startsWith("[")) {
    throw fault(
      piece,
      `of the resources only ports has ranges: give a number such as ${name}:2 or a set such as ${name}:{a,b}`,
    );
  }
  if (value.startsWith("{")) into.sets[name] = readSet(piece);
  else into.scalars[name] = readWholeUnits(piece);
}

function readWholeUnits(piece: Piece): number {
  const { name, value } = piece;
  const units = SCALAR.test(value) ? Number(value) + 0 : Number.NaN;
  if (!(units >= 0)) throw fault(piece, `expected whole units such as ${name}:2, or a set such as ${name}:{a,b}`);
  if (!Number.isInteger(units)) throw fault(piece, `${name} is given whole`);
  if (!Number.isSafeInteger(units)) throw fault(piece, `expected a smaller number of ${name}`);
  return units;
}

function readPiece(text: string): Piece {
  const colon = text.indexOf(":");
  if (colon < 0) throw fault({ text }, "expected a name, a colon and a value");
  const [, name = "", role] = /^([^()]*)(?:\(([^()]*)\))?$/.exec(text.slice(0, colon).trim()) ?? [];
  // `cpus(*)` is how Mesos prints a resource of no role at all.
  if (role !== undefined && role !== "*") throw fault({ text }, "roles per resource are not supported");
  if (!isWord(name)) throw fault({ text }, 'a name holds letters, digits and "_/.-"');
  if (isForbiddenKey(name)) throw fault({ text }, `the name "${name}" is not allowed`);
  return { text, name, value: text.slice(colon + 1).trim() };
}

const SCALAR = /^[+-]?[0-9]+(?:\.[0-9]+)?$/;

/** How each resource is counted. Fractions are cut: an agent must not promise more than it has. */
const COUNTED = {
  cpus: { as: "cpuMillis", factor: 1_000, unit: "cores" },
  mem: { as: "memoryMib", factor: 1, unit: "mebibytes" },
  disk: { as: "diskMib", factor: 1, unit: "mebibytes" },
  gpus: { as: "gpus", factor: 1, unit: "gpus" },
} as const;

function readScalarResource(piece: Piece, name: keyof typeof COUNTED): Partial<Resources> {
  const { as, factor, unit } = COUNTED[name];
  const number = SCALAR.test(piece.value) ? Number(piece.value) : Number.NaN;
  if (!(number >= 0)) throw fault(piece, `expected a number of ${unit}, such as ${name}:4`);
  if (name === "gpus" && !Number.isInteger(number)) throw fault(piece, "gpus are given whole");
  // Three decimals are what Mesos keeps; rounding to them first undoes binary fractions such as 0.29 × 1000.
  const count = Math.floor(Number((number * factor).toFixed(3)));
  if (!Number.isSafeInteger(count)) throw fault(piece, `expected a smaller number of ${unit}`);
  return { [as]: count };
}

type Range = { first: number; last: number };

/** `[1-5,8]`; a single number is a range of one. */
function readRanges(piece: Piece): Range[] {
  const inner = /^\[(.*)\]$/s.exec(piece.value)?.[1]?.trim();
  if (inner === undefined) throw fault(piece, "expected ranges such as [31000-32000]");
  if (inner === "") return [];
  return inner.split(",").map((part) => {
    const match = /^\s*([0-9]+)\s*(?:-\s*([0-9]+)\s*)?$/.exec(part);
    if (match === null)
      throw fault(piece, `"${shorten(part.trim(), 40)}" is no range: expected one such as 31000-32000`);
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (first > last) throw fault(piece, `the range ${first}-${last} ends before it begins`);
    if (!Number.isSafeInteger(last)) throw fault(piece, `the number ${match[2] ?? match[1]} is too large`);
    return { first, last };
  });
}

/** Ranges in order, those that touch or overlap made one, so that no port is counted twice. */
function readPorts(piece: Piece): PortRange[] {
  const merged: Range[] = [];
  for (const { first, last } of readRanges(piece).toSorted((a, b) => a.first - b.first)) {
    if (first < 1 || last > 65_535) throw fault(piece, "ports go from 1 to 65535");
    const previous = merged.at(-1);
    if (previous !== undefined && first <= previous.last + 1) previous.last = Math.max(previous.last, last);
    else merged.push({ first, last });
  }
  return merged;
}

function readAttribute(piece: Piece): Attribute {
  const { value } = piece;
  if (value.startsWith("[")) return { type: "ranges", value: readRanges(piece) };
  if (value.startsWith("{")) return { type: "set", value: readSet(piece) };
  if (SCALAR.test(value)) return { type: "scalar", value: readNumber(piece) };
  return { type: "text", value: readWord(piece, value) };
}

function readNumber(piece: Piece): number {
  const number = Number(piece.value) + 0;
  if (!Number.isFinite(number)) throw fault(piece, "expected a smaller number");
  return number;
}

function readSet(piece: Piece): string[] {
  const inner = /^\{(.*)\}$/s.exec(piece.value)?.[1]?.trim();
  if (inner === undefined) throw fault(piece, "expected a set such as {a,b}");
  return inner === "" ? [] : [...new Set(inner.split(",").map((item) => readWord(piece, item.trim())))];
}

function readWord(piece: Piece, word: string): string {
  if (isWord(word)) return word;
  const got = word === "" ? "nothing" : `"${shorten(word, 40)}"`;
  throw fault(piece, `expected a value of letters, digits and "_/.-", got ${got}`);
}
