/** systemd units and environment files as data. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./compose.ts";

export type Unit = ReadonlyMap<string, readonly string[]>;

const linesOf = (path: string): string[] =>
  readFileSync(join(ROOT, path), "utf8")
    .split("\n")
    .map((line) => line.trim());

/** Every `Key=value`, whatever its section; comments and headings are left out. */
export function readUnit(path: string): Unit {
  const unit = new Map<string, string[]>();
  for (const line of linesOf(path)) {
    if (line === "" || line.startsWith("#") || /^\[\w+\]$/.test(line)) continue;
    const at = line.indexOf("=");
    if (at < 1) throw new Error(`${path}: "${line}" is no setting`);
    unit.set(line.slice(0, at), [...(unit.get(line.slice(0, at)) ?? []), line.slice(at + 1)]);
  }
  return unit;
}

/** The command as systemd would run it for `instance`: `%i` and `%%` and `$$` are replaced, quotes are read. */
export function commandOf(unit: Unit, instance: string): string[] {
  const [line = ""] = unit.get("ExecStart") ?? [];
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map((word) => word[1] ?? word[2] ?? "");
  return words.map((word) =>
    word.replaceAll(/%(.)/g, (_, letter) => (letter === "i" ? instance : letter)).replaceAll("$$", "$"),
  );
}

/** Variables of an environment file. Those that stand in it as comments are examples, and must be right too. */
export function readEnvironment(path: string): Record<string, string> {
  const entries = linesOf(path).flatMap((line) => {
    const match = /^#?([A-Z][A-Z_]*)=(.*)$/.exec(line);
    return match === null ? [] : [[match[1] as string, match[2] as string] as const];
  });
  return Object.fromEntries(entries);
}
