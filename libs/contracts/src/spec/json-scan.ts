/**
 * A strict JSON reader that keeps positions instead of values. `JSON.parse` reads every document; this runs only when
 * somebody asks where something stands or what was expected, and its answers are the same in every engine.
 */

/** Where a value begins and, in objects and lists, where its members do. */
export type PositionTree = { readonly offset: number; readonly items: Map<string | number, PositionTree> | null };

export type DuplicateKey = { readonly path: (string | number)[]; readonly offset: number };

/** The first place where a text stops being JSON. */
export class Unexpected extends Error {
  readonly offset: number;
  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORD = /true|false|null/y;
const SPACE = /[ \t\r\n]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** Reads `text`, whose nesting is known to be shallow. Throws `Unexpected`. */
export function scanJson(text: string): { tree: PositionTree; duplicates: DuplicateKey[] } {
  const duplicates: DuplicateKey[] = [];
  const path: (string | number)[] = [];
  let at = 0;

  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return null;
    at += match[0].length;
    return match[0];
  };
  const peek = (): string => {
    take(SPACE);
    return text.charAt(at);
  };
  const expect = (allowed: string, message: string): string => {
    const found = peek();
    if (found === "" || !allowed.includes(found)) throw new Unexpected(at, message);
    at += 1;
    return found;
  };

  function value(): PositionTree {
    const first = peek();
    const offset = at;
    if (first === "{") return { offset, items: members() };
    if (first === "[") return { offset, items: elements() };
    if (first === '"') string();
    else if (first === "-" || (first >= "0" && first <= "9")) number();
    else if (take(WORD) === null) throw new Unexpected(at, `Expected a value, got ${found(text, at)}`);
    return { offset, items: null };
  }

  function members(): Map<string | number, PositionTree> {
    const items = new Map<string | number, PositionTree>();
    at += 1;
    if (peek() === "}") at += 1;
    else {
      for (
        let separator = "{";
        separator !== "}";
        separator = expect(",}", "Expected ',' or '}' after property value")
      ) {
        if (peek() !== '"') {
          throw new Unexpected(
            at,
            separator === "{" ? "Expected property name or '}'" : "Expected double-quoted property name",
          );
        }
        const offset = at;
        const name = string();
        expect(":", "Expected ':' after property name");
        path.push(name);
        if (items.has(name)) duplicates.push({ path: [...path], offset });
        items.set(name, value());
        path.pop();
      }
    }
    return items;
  }

  function elements(): Map<string | number, PositionTree> {
    const items = new Map<string | number, PositionTree>();
    at += 1;
    if (peek() === "]") at += 1;
    else {
      for (
        let separator = "[";
        separator !== "]";
        separator = expect(",]", "Expected ',' or ']' after array element")
      ) {
        path.push(items.size);
        items.set(items.size, value());
        path.pop();
      }
    }
    return items;
  }

  function string(): string {
    const start = at;
    for (at += 1; text.charAt(at) !== '"'; ) {
      if (at >= text.length) throw new Unexpected(start, "Unterminated string");
      if (text.charCodeAt(at) < 0x20)
        throw new Unexpected(at, "Line breaks and control characters in strings must be escaped");
      if (text.charAt(at) !== "\\") at += 1;
      else if (take(ESCAPE) === null) throw new Unexpected(at, "Bad escape sequence in string");
    }
    at += 1;
    return JSON.parse(text.slice(start, at));
  }

  function number(): void {
    const start = at;
    if (take(NUMBER) === null || /[0-9.eE+-]/.test(text.charAt(at))) throw new Unexpected(start, "Malformed number");
  }

  const tree = value();
  if (peek() !== "") throw new Unexpected(at, `Expected the end of the document, got ${found(text, at)}`);
  return { tree, duplicates };
}

const found = (text: string, at: number): string =>
  at >= text.length ? "the end of the document" : `'${String.fromCodePoint(text.codePointAt(at) as number)}'`;

/** The offset of the value at `path`, or null. */
export function offsetOf(tree: PositionTree, path: readonly (string | number)[]): number | null {
  let node: PositionTree | undefined = tree;
  for (const part of path) node = node?.items?.get(part);
  return node?.offset ?? null;
}
