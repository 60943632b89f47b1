/** Colour by meaning. A tone only supports what a symbol and a word already say, so nothing is lost without colour. */
import { styleText } from "node:util";

export const TONES = {
  plain: [],
  strong: ["bold"],
  quiet: ["dim"],
  good: ["green"],
  moving: ["cyan"],
  warn: ["yellow"],
  bad: ["red"],
  accent: ["magenta"],
} as const satisfies Record<string, readonly Parameters<typeof styleText>[0][]>;
export type Tone = keyof typeof TONES;

export type Paint = (tone: Tone, text: string) => string;
export type Environment = Readonly<Record<string, string | undefined>>;

export const createPaint =
  (isColoured: boolean): Paint =>
  (tone, text) =>
    !isColoured || text === "" || tone === "plain"
      ? text
      : styleText([...TONES[tone]] as Parameters<typeof styleText>[0], text, { validateStream: false });

/**
 * Whether to colour. A flag wins, then `NO_COLOR` (any value but the empty one), then `FORCE_COLOR` (`0` and `false` switch
 * off), then a dumb terminal or none at all means no.
 */
export function wantsColour({
  isTty,
  env,
  flag,
}: {
  isTty: boolean;
  env: Environment;
  flag?: boolean | undefined;
}): boolean {
  if (flag !== undefined) return flag;
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== "") return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== "0" && env.FORCE_COLOR !== "false";
  return isTty && env.TERM !== "dumb";
}
