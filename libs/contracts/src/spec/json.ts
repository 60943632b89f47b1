/** JSON documents as people send them. Values come from `JSON.parse`; positions are worked out when a message needs one. */
import { MusterError } from "../errors.ts";
import { SPEC_DEPTH_MAX } from "../limits.ts";
import {
  type DocumentOptions,
  type ParsedDocument,
  readDocumentText,
  refuseForbiddenKeys,
  tooDeep,
} from "./document.ts";
import { type DuplicateKey, offsetOf, type PositionTree, scanJson, Unexpected } from "./json-scan.ts";
import { formatPath, locator } from "./paths.ts";

/**
 * Reads one JSON document; of keys that stand twice the last wins. Throws `document.empty`, `document.too-large`,
 * `document.too-deep`, `document.forbidden-key`, and `json.malformed` that says where and what was expected.
 */
export function parseDocument(input: string | Uint8Array, options: DocumentOptions = {}): ParsedDocument {
  const text = readDocumentText(input, options);
  refuseDeep(text);
  const value = parse(text);
  const document = withPositions(text, value);
  // The names must stand in the text, plain or escaped, for a key to have one of them; nearly no document needs the walk.
  if (/__proto__|constructor|prototype|\\u/.test(text)) refuseForbiddenKeys(value, document.locate);
  return document;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Counts brackets outside strings before anything recursive sees the text, so hostile nesting costs one pass. */
function refuseDeep(text: string): void {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (isInString) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) isInString = false;
    } else if (code === QUOTE) isInString = true;
    else if (code === 0x5b || code === 0x7b) {
      depth += 1;
      if (depth > SPEC_DEPTH_MAX) throw tooDeep(locator(text)(at));
    } else if (code === 0x5d || code === 0x7d) depth -= 1;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw malformed(text, cause);
  }
}

function malformed(text: string, cause: unknown): MusterError {
  try {
    scanJson(text);
  } catch (error) {
    if (!(error instanceof Unexpected)) throw error;
    const { line, column } = locator(text)(error.offset);
    const problems = [{ path: "", message: error.message, line, column }];
    return new MusterError("json.malformed", `${error.message} at line ${line}, column ${column}`, { cause, problems });
  }
  throw new Error("JSON.parse refused a document that our own reader accepts", { cause });
}

function withPositions(text: string, value: unknown): ParsedDocument {
  const locationOf = locator(text);
  let scanned: { tree: PositionTree; duplicates: DuplicateKey[] } | null = null;
  const scan = () => {
    scanned ??= scanJson(text);
    return scanned;
  };
  return {
    value,
    locate(path) {
      const offset = offsetOf(scan().tree, path);
      return offset === null ? null : locationOf(offset);
    },
    warnings: () =>
      scan().duplicates.map(({ path, offset }) => ({
        path: formatPath(path),
        message: `"${path.at(-1)}" stands twice in this object: the last one counts`,
        ...locationOf(offset),
      })),
  };
}
