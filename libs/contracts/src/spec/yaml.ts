/** YAML documents. Apart from `json.ts`, so that only who reads YAML loads the `yaml` package. */
import { isNode, isScalar, Lexer, LineCounter, parseDocument as parse, visit, type YAMLError } from "yaml";
import { MusterError, type Problem } from "../errors.ts";
import { SPEC_DEPTH_MAX } from "../limits.ts";
import {
  type DocumentOptions,
  type ParsedDocument,
  readDocumentText,
  refuseForbiddenKeys,
  tooDeep,
} from "./document.ts";
import { type Location, locator, shorten } from "./paths.ts";

const YAML_OPTIONS = {
  // The package's own check compares every pair of keys, which takes half a minute on a hostile document.
  uniqueKeys: false,
  stringKeys: true,
  merge: true,
  prettyErrors: false,
  logLevel: "error",
} as const;

/** Reads one YAML 1.2 document. Throws what `parseDocument` throws; keys that stand twice are refused, as YAML demands. */
export function parseYaml(input: string | Uint8Array, options: DocumentOptions = {}): ParsedDocument {
  const text = readDocumentText(input, options);
  refuseDeepSyntax(text);
  const lineCounter = new LineCounter();
  const document = parse(text, { ...YAML_OPTIONS, lineCounter });
  const locationAt = (offset: number): Location => {
    const { line, col } = lineCounter.linePos(offset);
    return { line, column: col };
  };
  refuseErrors(document.errors, locationAt);
  const value = shallow(() => {
    refuseDuplicateKeys(document, locationAt);
    return toValue(document);
  });
  refuseDeepValue(value, 1);
  const locate: ParsedDocument["locate"] = (path) => {
    const node = path.length === 0 ? document.contents : document.getIn(path, true);
    return isNode(node) && node.range ? locationAt(node.range[0]) : null;
  };
  refuseForbiddenKeys(value, locate);
  return { value, locate, warnings: () => [] };
}

/** Tokens the lexer puts in by itself: a document begins, a flow ends, a scalar follows. */
const LEXER_MARKS: ReadonlySet<string> = new Set(["\u0002", "\u0018", "\u001f"]);

/** Brackets and `- - -` can nest as fast as they can be typed; the lexer sees them without recursion. */
function refuseDeepSyntax(text: string): void {
  let offset = 0;
  let flowDepth = 0;
  let indicatorsInLine = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === "[" || token === "{") flowDepth += 1;
    else if (token === "]" || token === "}") flowDepth -= 1;
    else if (token === "-" || token === "?" || token === ":") indicatorsInLine += 1;
    else if (token.includes("\n")) indicatorsInLine = 0;
    if (flowDepth > SPEC_DEPTH_MAX || (flowDepth === 0 && indicatorsInLine > SPEC_DEPTH_MAX)) {
      throw tooDeep(locator(text)(offset));
    }
    offset += LEXER_MARKS.has(token) ? 0 : token.length;
  }
}

/** Walks that recurse end in a RangeError where indentation nests a thousand levels deep. */
function shallow<T>(walk: () => T): T {
  try {
    return walk();
  } catch (error) {
    throw error instanceof RangeError ? tooDeep(null) : error;
  }
}

/** Indentation nests only as deep as lines are long, so it may be parsed before it is refused. */
function refuseDeepValue(value: unknown, depth: number): void {
  if (typeof value !== "object" || value === null) return;
  if (depth > SPEC_DEPTH_MAX) throw tooDeep(null);
  for (const item of Object.values(value)) refuseDeepValue(item, depth + 1);
}

function malformed(message: string, location: Location, cause?: unknown): MusterError {
  const text = `${message} at line ${location.line}, column ${location.column}`;
  const problems: Problem[] = [{ path: "", message, ...location }];
  return new MusterError("json.malformed", text, { cause, problems });
}

function refuseErrors(errors: readonly YAMLError[], locationAt: (offset: number) => Location): void {
  const first = errors[0];
  if (first === undefined) return;
  if (first.code === "RESOURCE_EXHAUSTION") throw tooDeep(locationAt(first.pos[0]));
  if (first.code === "MULTIPLE_DOCS") {
    throw malformed("Expected one document, another begins", locationAt(first.pos[0]), first);
  }
  throw malformed(shorten(first.message, 200), locationAt(first.pos[0]), first);
}

function refuseDuplicateKeys(document: ReturnType<typeof parse>, locationAt: (offset: number) => Location): void {
  visit(document, {
    Map(_key, map) {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        const name = isScalar(key) ? key.value : key;
        if (seen.has(name) && isNode(key) && key.range) {
          throw malformed(`The key "${shorten(String(name), 80)}" stands twice`, locationAt(key.range[0]));
        }
        seen.add(name);
      }
    },
  });
}

function toValue(document: ReturnType<typeof parse>): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    if (cause instanceof RangeError) throw cause;
    const message = `The document's anchors and aliases do not work: ${shorten((cause as Error).message, 200)}`;
    throw new MusterError("json.malformed", message, { cause, problems: [{ path: "", message }] });
  }
}
