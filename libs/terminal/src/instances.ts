/** How an instance looks: symbol, word, tone, and how urgently it wants to be seen. The same everywhere. */
import type { InstanceView } from "@muster/contracts";
import { unreachable } from "@muster/contracts/errors";
import type { Glyphs } from "./glyphs.ts";
import type { Tone } from "./paint.ts";
import { clean } from "./width.ts";

/** 0 went wrong, 1 is on its way, 2 is where it should be. */
export type Urgency = 0 | 1 | 2;
export type Look = {
  readonly glyph: Exclude<keyof Glyphs, "spinner">;
  readonly word: string;
  readonly tone: Tone;
  readonly urgency: Urgency;
};

type Seen = Pick<InstanceView, "state" | "healthy" | "ready">;

/** @param hasChecks the app has health checks, so running is not yet all that is wanted */
export function lookOf({ state, healthy, ready }: Seen, hasChecks = false): Look {
  switch (state) {
    case "waiting":
      return { glyph: "waiting", word: "waiting", tone: "warn", urgency: 1 };
    case "placed":
    case "staging":
    case "starting":
      return { glyph: "moving", word: state, tone: "moving", urgency: 1 };
    case "running":
      if (healthy === false) return { glyph: "bad", word: "unhealthy", tone: "bad", urgency: 0 };
      if (ready === false) return { glyph: "moving", word: "not ready", tone: "moving", urgency: 1 };
      if (healthy === null && hasChecks) return { glyph: "moving", word: "running", tone: "moving", urgency: 1 };
      return { glyph: "ok", word: healthy === true ? "healthy" : "running", tone: "good", urgency: 2 };
    case "killing":
      return { glyph: "moving", word: "stopping", tone: "quiet", urgency: 1 };
    case "unreachable":
    case "overdue":
      return { glyph: "warn", word: state, tone: "warn", urgency: 0 };
    case "failed":
    case "error":
      return { glyph: "bad", word: state, tone: "bad", urgency: 0 };
    case "finished":
    case "killed":
      return { glyph: "ended", word: state, tone: "quiet", urgency: 2 };
    default:
      return unreachable(state);
  }
}

export const hasEnded = ({ state }: Pick<InstanceView, "state">): boolean =>
  state === "failed" || state === "error" || state === "finished" || state === "killed";
/** Ended although nobody asked it to: apps are expected to go on, so finishing counts too. */
export const endedUnasked = ({ state }: Pick<InstanceView, "state">): boolean =>
  state === "failed" || state === "error" || state === "finished";
export const isReady = ({ state, healthy, ready }: Seen, hasChecks = false): boolean =>
  state === "running" && ready !== false && (healthy === true || (healthy === null && !hasChecks));

/** `✗ failed`, for a column of a table. */
export const stateCell = (instance: Seen, glyphs: Glyphs): { text: string; tone: Tone } => {
  const { glyph, word, tone } = lookOf(instance);
  return { text: `${glyphs[glyph]} ${word}`, tone };
};

/** Why it is not where it should be, one line: the sentence, else the reason word; empty for one that is well. */
export function whyNot(
  instance: Pick<InstanceView, "state" | "healthy" | "ready" | "exitCode" | "reason" | "message">,
): string {
  const isTold = instance.healthy === false || (instance.ready === false && instance.reason === "not-ready");
  if (instance.state === "killing" || (instance.state === "running" && !isTold)) return "";
  const sentence = sentenceOf(instance.message) || instance.reason;
  const exit = instance.exitCode === null || instance.exitCode === 0 ? "" : `exit ${instance.exitCode}`;
  if (exit === "" || sentence.includes(String(instance.exitCode))) return sentence;
  return sentence === "" || sentence === "exited" ? exit : `${exit}: ${sentence}`;
}

/** The first line, without a clause at its end that only announces the lines of output below it. */
function sentenceOf(message: string): string {
  const [first = "", ...more] = message.split("\n");
  const sentence = clean(first).trim();
  return more.length > 0 ? sentence.replace(/;[^;]*:$/, "") : sentence;
}

/** Last lines of output that its agent sent along with its end. */
export const outputOf = (instance: Pick<InstanceView, "message">): string[] =>
  instance.message
    .split("\n")
    .slice(1)
    .filter((line) => line.trim() !== "");

/** `10.0.0.5:31002,31003`; empty while it has no ports. */
export const addressOf = ({ host, ports }: Pick<InstanceView, "host" | "ports">): string =>
  ports.length === 0 ? "" : `${host ?? ""}:${ports.join(",")}`;
