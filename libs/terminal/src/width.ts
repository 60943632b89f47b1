/** Text as a terminal shows it: how many columns it takes, cut and filled to fit, escape sequences left whole. */
import { stripVTControlCharacters } from "node:util";

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
const ESCAPE = /\u001b\[[0-9;?]*[ -/]*[@-~]/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]+/g;
const NOT_ASCII = /[^\u0020-\u007e]/;
const RESET = "\u001b[0m";
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

let segmenter: Intl.Segmenter | null = null;
const graphemes = (text: string): string[] => {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return [...segmenter.segment(text)].map(({ segment }) => segment);
};
const graphemeWidth = (grapheme: string): number =>
  /^\p{Mark}|^\u200b|^\u200d/u.test(grapheme) ? 0 : WIDE.test(grapheme) || grapheme.includes("\ufe0f") ? 2 : 1;

/** Columns that `text` takes. */
export function textWidth(text: string): number {
  const bare = text.includes("\u001b") ? stripVTControlCharacters(text) : text;
  if (!NOT_ASCII.test(bare)) return bare.length;
  return graphemes(bare).reduce((sum, grapheme) => sum + graphemeWidth(grapheme), 0);
}

/** One line without anything that moves a cursor or changes a colour: what tasks say goes through here. */
export const clean = (text: string): string => stripVTControlCharacters(text).replace(CONTROL, " ").trimEnd();

/** Cuts `text` to at most `width` columns; the last one is `ellipsis` where something was cut. */
export function truncate(text: string, width: number, ellipsis = "…"): string {
  if (textWidth(text) <= width) return text;
  const room = Math.max(0, width - textWidth(ellipsis));
  let result = "";
  let used = 0;
  for (const part of pieces(text)) {
    if (part.isEscape) result += part.text;
    else {
      const partWidth = graphemeWidth(part.text);
      if (used + partWidth > room) break;
      result += part.text;
      used += partWidth;
    }
  }
  return `${result}${width > 0 ? ellipsis : ""}${text.includes("\u001b") ? RESET : ""}`;
}

function* pieces(text: string): Generator<{ text: string; isEscape: boolean }> {
  for (let at = 0; at < text.length; ) {
    ESCAPE.lastIndex = at;
    const sequence = ESCAPE.exec(text)?.[0];
    if (sequence !== undefined) {
      yield { text: sequence, isEscape: true };
      at += sequence.length;
      continue;
    }
    const next = text.indexOf("\u001b", at + 1);
    const run = text.slice(at, next === -1 ? undefined : next);
    for (const grapheme of graphemes(run)) yield { text: grapheme, isEscape: false };
    at += run.length;
  }
}

/** Fills `text` with spaces to `width` columns; longer text stays as it is. */
export function pad(text: string, width: number, align: "left" | "right" = "left"): string {
  const space = " ".repeat(Math.max(0, width - textWidth(text)));
  return align === "left" ? text + space : space + text;
}

/** Breaks text into lines of at most `width` columns at its spaces; a longer word stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter((part) => part !== "")) {
    if (line !== "" && textWidth(line) + 1 + textWidth(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, line];
}
