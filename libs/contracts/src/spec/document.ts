/** What is asked of every document before its grammar matters: size, encoding, and no key that would poison an object. */
import { MusterError, type Problem } from "../errors.ts";
import { SPEC_BYTES_MAX, SPEC_DEPTH_MAX } from "../limits.ts";
import { formatPath, type Location, type Path } from "./paths.ts";

export type ParsedDocument = {
  readonly value: unknown;
  /** Where the value at `path` stands, or null when the document holds nothing there. */
  locate(path: Path): Location | null;
  /** What is allowed and yet looks like a mistake: keys that stand twice in one object. */
  warnings(): Problem[];
};

export type DocumentOptions = { readonly maxBytes?: number };

/** Bytes or text as text, without a byte order mark. Throws `document.too-large`, `document.empty`, `json.malformed`. */
export function readDocumentText(input: string | Uint8Array, options: DocumentOptions = {}): string {
  const bytesMax = options.maxBytes ?? SPEC_BYTES_MAX;
  refuseLarge(input, bytesMax);
  const text = typeof input === "string" ? input.replace(/^\uFEFF/, "") : decode(input);
  if (text.trim() === "") throw new MusterError("document.empty", "A document was expected, nothing was sent.");
  return text;
}

function refuseLarge(input: string | Uint8Array, bytesMax: number): void {
  const bytes = byteLength(input, bytesMax);
  if (bytes <= bytesMax) return;
  throw new MusterError("document.too-large", `The document has ${bytes} bytes, ${bytesMax} are allowed.`);
}

/** A text three times shorter than the limit cannot pass it as UTF-8, so most are never encoded. */
function byteLength(input: string | Uint8Array, bytesMax: number): number {
  if (typeof input !== "string") return input.byteLength;
  return input.length * 3 <= bytesMax || input.length > bytesMax
    ? input.length
    : new TextEncoder().encode(input).byteLength;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
    const where = isUtf16 ? "It looks like UTF-16" : `The first wrong byte is number ${firstWrongByte(bytes) + 1}`;
    const message = `The document is not UTF-8 text. ${where}: save it as UTF-8.`;
    throw new MusterError("json.malformed", message, { cause, problems: [{ path: "", message }] });
  }
}

/** Decoding puts U+FFFD for what it cannot read, so the first byte that does not survive the round trip is wrong. */
function firstWrongByte(bytes: Uint8Array): number {
  const again = new TextEncoder().encode(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
  return again.findIndex((byte, index) => byte !== bytes[index]);
}

/** `document.too-deep`, with the place where the limit was passed when it is known. */
export function tooDeep(location: Location | null): MusterError {
  const message = `The document is nested more than ${SPEC_DEPTH_MAX} levels deep`;
  const where = location === null ? "" : ` at line ${location.line}, column ${location.column}`;
  return new MusterError("document.too-deep", message + where, { problems: [{ path: "", message, ...location }] });
}

/** Keys that mean something to JavaScript itself; assigning one changes an object instead of filling it. */
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);
export const isForbiddenKey = (key: string): boolean => FORBIDDEN_KEYS.has(key);

/** Throws `document.forbidden-key` at the first such key. `value` may not be nested deeper than `SPEC_DEPTH_MAX`. */
export function refuseForbiddenKeys(value: unknown, locate: ParsedDocument["locate"]): void {
  const path = findForbiddenKey(value, []);
  if (path === null) return;
  const message = `The key "${path.at(-1)}" is not allowed in a document`;
  const location = locate(path);
  const problems = [{ path: formatPath(path), message, ...location }];
  const where = location === null ? "" : ` (line ${location.line}, column ${location.column})`;
  throw new MusterError("document.forbidden-key", `${formatPath(path)}${where}: ${message}.`, { problems });
}

function findForbiddenKey(value: unknown, path: (string | number)[]): Path | null {
  if (typeof value !== "object" || value === null) return null;
  const isList = Array.isArray(value);
  for (const [key, item] of Object.entries(value)) {
    path.push(isList ? Number(key) : key);
    if (!isList && isForbiddenKey(key)) return path;
    const found = findForbiddenKey(item, path);
    if (found !== null) return found;
    path.pop();
  }
  return null;
}
