// The import law: who may import whom. It keeps decisions pure and services apart, and with that everything testable.
//
//   contracts <- core <- services        contracts <- runtime <- services        runtime never imports core
//   a service never imports a service, except the composition root        apps speak through contracts and runtime
//   for apps only: client <- contracts, runtime (asks the cluster); terminal <- contracts (draws what there is to show)

import { dirname, join, normalize } from "node:path";
import { importsOf, lineAt, withoutComments } from "./source.ts";
import { isForTests } from "./tree.ts";

export interface Module {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  readonly source: string;
}

/** Our packages: the folder that each name stands for. */
export type Packages = ReadonlyMap<string, string>;

/** Other people's packages that core may use: they compute, and know neither time nor world. */
const PURE = new Set(["re2js"]);

/** The one service that may import the others: it starts them all in one process, and greets whoever started it as an app does. */
const COMPOSITION_ROOT = "services/standalone";

const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  "libs/contracts": [],
  "libs/core": ["libs/contracts"],
  "libs/runtime": ["libs/contracts"],
  "libs/client": ["libs/contracts", "libs/runtime"],
  "libs/terminal": ["libs/contracts"],
  "libs/testkit": ["libs/contracts", "libs/core", "libs/runtime"],
};

const FOR_APPS: readonly string[] = ["libs/contracts", "libs/runtime", "libs/client", "libs/terminal"];

/** Sentences about everything in `module` that breaks the law; none for a lawful one. */
export function breaches(module: Module, packages: Packages): string[] {
  const home = packageOf(module.path);
  const at = (line: number, text: string) => `${module.path}:${line} ${text}`;
  const found = importsOf(module.source).flatMap(({ specifier, line }) => {
    const text = specifier.startsWith(".")
      ? relativeBreach(module.path, home, specifier)
      : isForTests(module.path)
        ? null // Tests may import anything, by its name.
        : namedBreach(home, specifier, packages);
    return text === null ? [] : [at(line, text)];
  });
  const impure = home === "libs/core" && !isForTests(module.path) ? impurities(module.source) : [];
  return [...found, ...impure.map(({ line, text }) => at(line, text))];
}

/** The package that a file belongs to; everything outside of libs, services and apps is the root's. */
export function packageOf(path: string): string {
  return /^(?:libs|services|apps)\/[^/]+/.exec(path)?.[0] ?? "";
}

function relativeBreach(path: string, home: string, specifier: string): string | null {
  const file = normalize(join(dirname(path), specifier));
  const target = packageOf(file);
  if (target !== home) return `reaches into ${target || "the root"} by a relative path: import it by its name`;
  return home !== "" && isForTests(file) && !isForTests(path) ? `imports ${file}, which is for tests` : null;
}

function namedBreach(home: string, specifier: string, packages: Packages): string | null {
  const name = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
  const target = packages.get(name);
  if (target === undefined) return externalBreach(home, specifier);
  if (target === home || mayImport(home, target)) return null;
  return `${home} may not import ${target}`;
}

function externalBreach(home: string, specifier: string): string | null {
  const breach = `${home} may not import ${specifier}`;
  if (home === "libs/core") return PURE.has(specifier) ? null : `${breach}: it imports contracts, and what is as pure`;
  const touchesWorld = specifier.startsWith("node:") || specifier.startsWith("@nats-io/");
  return home === "libs/contracts" && touchesWorld ? `${breach}: the runtime touches the world` : null;
}

function mayImport(home: string, target: string): boolean {
  if (home === "") return true;
  const libraries = LIBRARIES[home];
  if (libraries !== undefined) return libraries.includes(target);
  if (home.startsWith("apps/")) return FOR_APPS.includes(target);
  if (home === COMPOSITION_ROOT && (target.startsWith("services/") || FOR_APPS.includes(target))) return true;
  return home.startsWith("services/") && ["libs/contracts", "libs/core", "libs/runtime"].includes(target);
}

/** What makes the same decision come out differently the second time. */
const IMPURE: readonly (readonly [what: string, pattern: RegExp])[] = [
  // Turning a given time into text is pure, so `new Date(atMs)` may stand.
  ["the clock", /\bnew Date\b(?!\((?!\)))|(?<![.\w])(?<!new )Date\(|(?<![.\w])Date\.now\b/g],
  ["dice of its own", /\bMath\.random\b|(?<![.\w])crypto\./g],
  ["the process", /(?<![.\w])process\./g],
  ["the clock", /(?<![.\w])performance\./g],
  ["timers", /(?<![.\w])(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b/g],
  ["the outer world", /(?<![.\w])(?:globalThis\b|fetch\(|console\.)/g],
];

function impurities(source: string): { line: number; text: string }[] {
  const code = withoutComments(source);
  return IMPURE.flatMap(([what, pattern]) =>
    [...code.matchAll(pattern)].map((match) => ({
      line: lineAt(code, match.index),
      text: `uses ${what} (${match[0]}): time and dice are arguments in core`,
    })),
  );
}
