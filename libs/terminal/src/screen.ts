/** A stream as a screen: what it can do, how large it is, in which colours and symbols to write to it. */
import { type Glyphs, glyphsFor } from "./glyphs.ts";
import { createPaint, type Environment, type Paint, wantsColour } from "./paint.ts";

/** What is needed of a stream: `process.stdout`, `process.stderr`, or a fake one in tests. */
export type OutputStream = {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  on?(event: "resize", listener: () => void): unknown;
  off?(event: "resize", listener: () => void): unknown;
};

export type Screen = {
  readonly stream: OutputStream;
  /** Redraws in place; otherwise one line is printed per change. */
  readonly isLive: boolean;
  readonly paint: Paint;
  readonly glyphs: Glyphs;
  /** Infinity off a terminal: what a program reads is never cut. */
  columns(): number;
  rows(): number;
  print(...lines: readonly string[]): void;
};

export type ScreenOptions = {
  readonly env?: Environment;
  /** One line per change even on a terminal. */
  readonly plain?: boolean;
  /** Set by `--no-color`; undefined leaves it to the environment and the terminal. */
  readonly colour?: boolean | undefined;
};

const NARROWEST_COLUMNS = 20;

export function screenOf(
  stream: OutputStream,
  { env = process.env, plain = false, colour }: ScreenOptions = {},
): Screen {
  const isTty = stream.isTTY === true;
  const isCi = env.CI !== undefined && env.CI !== "" && env.CI !== "false";
  return {
    stream,
    isLive: isTty && !plain && !isCi && env.TERM !== "dumb",
    paint: createPaint(wantsColour({ isTty, env, flag: colour })),
    glyphs: glyphsFor(env),
    columns: () => (isTty ? Math.max(NARROWEST_COLUMNS, stream.columns ?? 80) : Number.POSITIVE_INFINITY),
    rows: () => (isTty ? (stream.rows ?? 24) : Number.POSITIVE_INFINITY),
    print(...lines) {
      if (lines.length > 0) stream.write(`${lines.join("\n")}\n`);
    },
  };
}
