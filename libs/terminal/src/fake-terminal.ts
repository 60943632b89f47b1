/** A terminal for tests: understands what we write to one, and shows what would stand on its screen. */
import type { OutputStream } from "./screen.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is read
const SEQUENCE = /\u001b\[(\??)([0-9;]*)([A-Za-z])/y;

export class FakeTerminal implements OutputStream {
  readonly isTTY = true;
  columns: number;
  rows: number;
  isCursorShown = true;
  /** Everything written, as it came. */
  written = "";
  /** Rows that were scrolled out at the top. */
  readonly scrolled: string[] = [];
  #lines: string[] = [""];
  #row = 0;
  #column = 0;
  readonly #listeners = new Set<() => void>();

  constructor({ columns = 80, rows = 24 }: { columns?: number; rows?: number } = {}) {
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): void {
    this.written += text;
    for (let at = 0; at < text.length; ) {
      SEQUENCE.lastIndex = at;
      const sequence = SEQUENCE.exec(text);
      if (sequence !== null) {
        this.#obey(sequence[1] === "?", sequence[2] as string, sequence[3] as string);
        at += sequence[0].length;
      } else {
        this.#put(text[at] as string);
        at += 1;
      }
    }
  }

  /** What stands on the screen now, without trailing blank rows. */
  screen(): string[] {
    const lines = this.#lines.map((line) => line.trimEnd());
    while (lines.at(-1) === "") lines.pop();
    return lines;
  }

  on(_event: "resize", listener: () => void): void {
    this.#listeners.add(listener);
  }
  off(_event: "resize", listener: () => void): void {
    this.#listeners.delete(listener);
  }

  /** Folds long rows as terminals do when they become narrower. */
  resize(columns: number, rows = this.rows): void {
    this.columns = columns;
    this.rows = rows;
    const folded: string[] = [];
    let cursorRow = 0;
    for (const [row, line] of this.#lines.entries()) {
      if (row === this.#row) cursorRow = folded.length + Math.floor(this.#column / columns);
      const text = row === this.#row ? line : line.trimEnd();
      for (let at = 0; at === 0 || at < text.length; at += columns) folded.push(text.slice(at, at + columns));
    }
    this.#lines = folded;
    this.#row = cursorRow;
    this.#scroll();
    for (const listener of this.#listeners) listener();
  }

  #put(letter: string): void {
    if (letter === "\r") this.#column = 0;
    else if (letter === "\n") {
      this.#row += 1;
      this.#column = 0;
      if (this.#lines.length <= this.#row) this.#lines.push("");
      this.#scroll();
    } else {
      if (this.#column >= this.columns) this.#put("\n");
      const line = (this.#lines[this.#row] as string).padEnd(this.#column);
      this.#lines[this.#row] = line.slice(0, this.#column) + letter + line.slice(this.#column + 1);
      this.#column += 1;
    }
  }

  #obey(isPrivate: boolean, argument: string, letter: string): void {
    if (isPrivate) {
      if (argument === "25") this.isCursorShown = letter === "h";
      return;
    }
    const line = this.#lines[this.#row] as string;
    if (letter === "A") this.#row = Math.max(0, this.#row - Number(argument || "1"));
    else if (letter === "K") this.#lines[this.#row] = line.slice(0, this.#column);
    else if (letter === "J") {
      this.#lines[this.#row] = line.slice(0, this.#column);
      this.#lines.length = this.#row + 1;
    }
  }

  #scroll(): void {
    while (this.#lines.length > this.rows) {
      this.scrolled.push((this.#lines.shift() as string).trimEnd());
      this.#row = Math.max(0, this.#row - 1);
    }
  }
}
