/** Lines at the bottom of a terminal that are redrawn in place, with lines that stay printed above them. */
import type { Screen } from "./screen.ts";
import { textWidth, truncate } from "./width.ts";

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const ERASE_LINE_END = "\u001b[K";
const ERASE_BELOW = "\u001b[J";
// Terminals that know it show the frame at once; the others ignore it.
const BEGIN_FRAME = "\u001b[?2026h";
const END_FRAME = "\u001b[?2026l";
const up = (rows: number): string => (rows > 0 ? `\u001b[${rows}A\r` : "\r");

/** Draws on a live screen; on any other it only prints what is to stay. */
export class LiveRegion {
  readonly #screen: Screen;
  #drawn: readonly string[] = [];
  #isOpen = false;
  #pending = "";
  readonly #onResize = () => this.#redraw(this.#drawn, []);
  readonly #onExit = () => this.#screen.stream.write(SHOW_CURSOR);

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** Replaces the region; does nothing when nothing has changed. */
  draw(lines: readonly string[]): void {
    if (!this.#screen.isLive) return;
    const fitting = this.#fit(lines);
    const pending = fitting.join("\n");
    if (this.#isOpen && pending === this.#pending) return;
    this.#open();
    this.#redraw(fitting, []);
  }

  /** Prints lines that stay, above the region. */
  print(...lines: readonly string[]): void {
    if (this.#isOpen) this.#redraw(this.#drawn, lines);
    else this.#screen.print(...lines);
  }

  /** Ends the region. What it shows stays, or `lines` in its place, as tall as they like. */
  end(lines?: readonly string[]): void {
    if (this.#isOpen) {
      if (lines !== undefined) this.#redraw([], lines);
      this.#screen.stream.write(SHOW_CURSOR);
      this.#screen.stream.off?.("resize", this.#onResize);
      process.off("exit", this.#onExit);
      this.#isOpen = false;
      this.#drawn = [];
      this.#pending = "";
    } else if (lines !== undefined) this.#screen.print(...lines);
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#screen.stream.write(HIDE_CURSOR);
    this.#screen.stream.on?.("resize", this.#onResize);
    process.on("exit", this.#onExit);
  }

  #fit(lines: readonly string[]): string[] {
    const rowsMax = Math.max(1, this.#screen.rows() - 1);
    return lines.slice(0, rowsMax).map((line) => this.#cut(line));
  }

  #cut(line: string): string {
    return truncate(line, this.#screen.columns(), this.#screen.glyphs.ellipsis);
  }

  #redraw(lines: readonly string[], above: readonly string[]): void {
    const fitting = this.#fit(lines);
    const text = [...above, ...fitting].map((line) => `${line}${ERASE_LINE_END}\n`).join("");
    this.#screen.stream.write(`${BEGIN_FRAME}${up(this.#height())}${text}${ERASE_BELOW}${END_FRAME}`);
    this.#drawn = fitting;
    this.#pending = fitting.join("\n");
  }

  /** Rows the region takes now: a terminal that became narrower has folded its lines. */
  #height(): number {
    const columns = this.#screen.columns();
    const rows = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(textWidth(line) / columns)), 0);
    return Math.min(rows, Math.max(1, this.#screen.rows() - 1));
  }
}

/** What to show of a list that may be taller than the screen. Lower `urgency` goes first; the order is kept otherwise. */
export function mostUrgent<T>(
  items: readonly T[],
  rowsMax: number,
  urgency: (item: T) => number,
): { shown: T[]; hidden: T[] } {
  if (items.length <= rowsMax) return { shown: [...items], hidden: [] };
  const kept = items
    .map((item, index) => ({ item, index }))
    .sort((a, b) => urgency(a.item) - urgency(b.item) || a.index - b.index)
    .slice(0, Math.max(0, rowsMax - 1));
  const keptIndexes = new Set(kept.map(({ index }) => index));
  return { shown: kept.map(({ item }) => item), hidden: items.filter((_, index) => !keptIndexes.has(index)) };
}
