/** Symbols, each always followed by a word; plain letters where a terminal cannot draw them. */
import type { Environment } from "./paint.ts";

const UNICODE = {
  ok: "✓",
  bad: "✗",
  warn: "!",
  moving: "●",
  waiting: "○",
  ended: "-",
  bar: "│",
  arrow: "→",
  dot: "·",
  ellipsis: "…",
  caret: "^",
  spinner: ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"],
} as const;

export type Glyphs = { readonly [K in keyof typeof UNICODE]: K extends "spinner" ? readonly string[] : string };

const ASCII: Glyphs = {
  ok: "+",
  bad: "x",
  warn: "!",
  moving: "*",
  waiting: "o",
  ended: "-",
  bar: "|",
  arrow: "->",
  dot: "-",
  ellipsis: "~",
  caret: "^",
  spinner: ["|", "/", "-", "\\"],
};

/** Letters only where the terminal says that it draws nothing else: many a container sets no locale and draws all. */
export function glyphsFor(env: Environment): Glyphs {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || "";
  const isPlain = env.TERM === "dumb" || env.TERM === "linux" || locale === "C" || locale === "POSIX";
  return isPlain ? ASCII : UNICODE;
}
