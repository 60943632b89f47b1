/** What every command is given: the global options, two screens, and a signal that ends it. */
import { type Screen, screenOf } from "@muster/terminal/screen";

export const OUTPUTS = ["table", "wide", "json", "yaml", "name"] as const;
export type Output = (typeof OUTPUTS)[number];

export type Context = {
  readonly server: string | undefined;
  readonly natsContext: string | undefined;
  readonly output: Output;
  /** Somebody asked for text, with `-o table` or `--plain`, wherever it goes. */
  readonly isText?: boolean;
  /** Data goes here and nothing else. */
  readonly out: Screen;
  /** Progress, warnings, advice. */
  readonly err: Screen;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
};

/** Global options as the parser leaves them. */
export type GlobalOptions = {
  readonly server?: string;
  readonly context?: string;
  readonly output?: Output;
  readonly color?: boolean;
  readonly plain?: boolean;
};

export function screensOf(options: { plain: boolean; colour: boolean | undefined }): { out: Screen; err: Screen } {
  return { out: screenOf(process.stdout, options), err: screenOf(process.stderr, options) };
}

export function contextOf(options: GlobalOptions, signal: AbortSignal): Context {
  const screens = screensOf({ plain: options.plain === true, colour: options.color === false ? false : undefined });
  return {
    server: options.server,
    natsContext: options.context,
    output: options.output ?? "table",
    isText: options.output !== undefined || options.plain === true,
    ...screens,
    signal,
  };
}

export const isForPrograms = ({ output }: Pick<Context, "output">): boolean => output === "json" || output === "yaml";

/** The same for commands that tell programs what they tell a terminal: JSON lines where nobody looks on. */
export function streamed(context: Context): Context {
  const isWatched = context.out.stream.isTTY === true || context.isText === true || context.output !== "table";
  return isWatched ? context : { ...context, output: "json" };
}
