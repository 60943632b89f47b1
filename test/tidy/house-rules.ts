// Rules about the text of our files, each with the reason that it gives to whoever breaks it.

import { lineAt } from "./source.ts";
import { isCode, isTest } from "./tree.ts";

interface Rule {
  readonly pattern: RegExp;
  readonly why: string;
  readonly appliesTo: (path: string) => boolean;
}

// Every pattern is put together from pieces, so that the rules do not find themselves.
const pattern = (...pieces: readonly string[]) => new RegExp(pieces.join(""), "g");
const host = (...labels: readonly string[]) => labels.join("\\.");

/** Other people's text, kept as they wrote it. */
const isQuoted = (path: string) => path === "LICENSE" || path.includes("/as-published/");
const always = (path: string) => !isQuoted(path);

const HOSTS = [
  host("npmjs", "(?:org|com)"),
  host("yarnpkg", "com"),
  host("debian", "org"),
  host("ubuntu", "com"),
  host("pypi", "org"),
  host("docker", "io(?=/)"), // Without the slash it is the name of a Debian package.
  host("ghcr", "io"),
  host("quay", "io"),
  host("gcr", "io"),
];

const RULES: readonly Rule[] = [
  {
    pattern: pattern("\\b(?:test|it|describe|suite)\\.", "(?:only|skip|todo)\\b"),
    why: "hides tests: delete the test, or mend it",
    appliesTo: isTest,
  },
  {
    pattern: pattern("\\b(?:only|skip|todo): ", "true\\b"),
    why: "hides tests: skip only with a condition and a reason",
    appliesTo: isTest,
  },
  {
    pattern: pattern("@ts-", "(?:ignore|nocheck)\\b"),
    why: "silences the compiler: say it in types",
    appliesTo: isCode,
  },
  {
    pattern: pattern("\\b(?:TO", "DO|FIX", "ME)\\b"),
    why: "is a promise that nobody keeps: open an issue, or do it",
    appliesTo: always,
  },
  {
    pattern: pattern("(?<![\\w.~-])/(?:wo", "rk|ro", "ot)/"),
    why: "is a path of one machine",
    appliesTo: always,
  },
  {
    pattern: pattern("(?:^|[^\\w-])(?:[\\w-]+\\.)*(?:", HOSTS.join("|"), ")(?![\\w-])"),
    why: "names a registry or mirror: use what the machine is set up for",
    appliesTo: always,
  },
];

const MOST_LINES = 400;

/** Sentences about every rule that the file breaks. */
export function faults(path: string, text: string): string[] {
  if (text.includes("\0")) return []; // A picture or the like.
  const lines = text.split("\n").length;
  const found = RULES.filter((rule) => rule.appliesTo(path)).flatMap((rule) =>
    [...text.matchAll(rule.pattern)].map(
      (match) => `${path}:${lineAt(text, match.index + 1)} ${match[0].trim()} ${rule.why}`,
    ),
  );
  const tooLong = isCode(path) && lines > MOST_LINES;
  return tooLong ? [...found, `${path} has ${lines} lines: a file has one reason to be opened`] : found;
}
