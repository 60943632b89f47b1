// Just enough reading of TypeScript to know what a module imports and mentions. No parser: our code is formatted by one tool.

export interface Import {
  readonly specifier: string;
  readonly line: number;
}

const IMPORTS = [
  /\b(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"'\n]+)["']/g,
  /\bimport\s*["']([^"'\n]+)["']/g,
  /\b(?:import|require)\s*\(\s*["'`]([^"'`\n]+)["'`]/g,
];

/** Every module that `source` imports, in whatever form. */
export function importsOf(source: string): Import[] {
  const code = withoutComments(source);
  return IMPORTS.flatMap((pattern) =>
    [...code.matchAll(pattern)].map((match) => ({
      specifier: match[1]!,
      line: lineAt(code, match.index + match[0].length),
    })),
  );
}

export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

const COMMENT_OR_STRING = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;

/** Blanks comments out and keeps the lines where they are. Strings are stepped over: one may contain two slashes. */
export function withoutComments(source: string): string {
  return source.replace(COMMENT_OR_STRING, (found) => (found.startsWith("/") ? found.replace(/[^\n]/g, " ") : found));
}
