/** A plan as a terminal shows it: one sentence, the difference, the agents, what stops, and what has no place and why. */
import type { Plan, PlanChange, Spot } from "@muster/contracts";
import type { Tone } from "@muster/terminal/paint";
import type { Screen } from "@muster/terminal/screen";
import { pairLines } from "@muster/terminal/table";
import { duration, plural } from "@muster/terminal/units";
import { clean, pad, textWidth, truncate, wrap } from "@muster/terminal/width";
import { funnelLines, helpPairs } from "./waiting-lines.ts";

const SENTENCE_COLUMNS_MAX = 100;
const CHANGES_SHOWN_MAX = 200;
const AGENTS_SHOWN_MAX = 12;
const PATH_COLUMNS_MAX = 40;

const MARKS: Readonly<Record<PlanChange["op"], { mark: string; tone: Tone }>> = {
  add: { mark: "+", tone: "good" },
  remove: { mark: "-", tone: "bad" },
  change: { mark: "~", tone: "warn" },
};

const OUTCOMES: Readonly<Record<Plan["outcome"], { tone: Tone; word: string }>> = {
  unchanged: { tone: "quiet", word: "no change" },
  fits: { tone: "good", word: "" },
  unplaced: { tone: "warn", word: "" },
  refused: { tone: "bad", word: "" },
};

export function planLines(plan: Plan, screen: Screen, nowMs: number): string[] {
  const { paint, glyphs } = screen;
  const { tone, word } = OUTCOMES[plan.outcome];
  const mark = { unchanged: glyphs.ok, fits: glyphs.ok, unplaced: glyphs.warn, refused: glyphs.bad }[plan.outcome];
  const head = `${paint(tone, `${mark} ${word || plan.action}`)}  ${paint("strong", plan.app)}`;
  const width = Math.min(SENTENCE_COLUMNS_MAX, screen.columns() - 2);
  const sentence = wrap(clean(plan.summary), width).map((line) => `  ${line}`);
  const sections = [
    changeLines(plan.changes, screen),
    pairLines(placePairs(plan, nowMs), screen, { indent: "  " }),
    plan.waiting === null ? [] : funnelLines(plan.waiting, screen),
    plan.waiting === null ? [] : pairLines(helpPairs(plan.waiting), screen, { indent: "  " }),
  ];
  return [head, ...sentence, ...sections.flatMap((lines) => (lines.length === 0 ? [] : ["", ...lines]))];
}

export function changeLines(changes: readonly PlanChange[], screen: Screen): string[] {
  const shown = changes.slice(0, CHANGES_SHOWN_MAX);
  const width = Math.min(PATH_COLUMNS_MAX, Math.max(0, ...shown.map(({ path }) => textWidth(clean(path)))));
  const lines = shown.map((change) => {
    const { mark, tone } = MARKS[change.op];
    const line = `${mark} ${pad(clean(change.path), width)}  ${valuesOf(change, screen)}`;
    return `  ${screen.paint(tone, truncate(line, screen.columns() - 2, screen.glyphs.ellipsis))}`;
  });
  const left = changes.length - shown.length;
  return left > 0 ? [...lines, screen.paint("quiet", `  and ${plural(left, "more difference")}: see -o json`)] : lines;
}

function valuesOf({ op, old, new: now }: PlanChange, { glyphs }: Screen): string {
  return op === "change" ? `${valueText(old)} ${glyphs.arrow} ${valueText(now)}` : valueText(op === "add" ? now : old);
}

/** As YAML would have it where that is plain, else as JSON. */
const valueText = (value: unknown): string =>
  clean(typeof value === "string" && /^[^\s"'\\]+$/.test(value) ? value : (JSON.stringify(value) ?? ""));

function placePairs(plan: Plan, nowMs: number): (readonly [string, string])[] {
  const { places, stops, first, keeps, rehearsed, delayedUntilMs, action } = plan;
  if (action === "none") return [];
  const pairs: (readonly [string, string])[] = [];
  const starts = total(places);
  const [soon, ending] = [total(first.places), total(first.stops)];
  if (starts > 0) pairs.push(["starts", spotsText(places)]);
  if (total(stops) > 0) pairs.push(["stops", spotsText(stops)]);
  if (keeps > 0) pairs.push(["stays", plural(keeps, "instance")]);
  if (soon < starts || ending < total(stops)) {
    const starting = soon === 0 ? "nothing starts" : `starts ${spotsText(first.places)}`;
    pairs.push(["at once", `${starting}${ending === 0 ? "" : `; stops ${spotsText(first.stops)}`}`]);
  }
  if (delayedUntilMs !== null)
    pairs.push(["delayed", `for ${duration(Math.max(0, delayedUntilMs - nowMs))}, after failures`]);
  if (!rehearsed.isWhole)
    pairs.push(["worked out", `step by step for ${rehearsed.steps} steps, then as if all old instances had made way`]);
  return pairs;
}

const total = (spots: readonly Spot[]): number => spots.reduce((sum, { count }) => sum + count, 0);

/** `5: 3 on n1, 2 on n2`. */
function spotsText(spots: readonly Spot[]): string {
  const shown = spots.slice(0, AGENTS_SHOWN_MAX).map(({ agent, count }) => `${count} on ${agent}`);
  const left = spots.slice(AGENTS_SHOWN_MAX);
  const rest = left.length === 0 ? [] : [`${total(left)} on ${plural(left.length, "more agent", "more agents")}`];
  const told = [...shown, ...rest].join(", ");
  return spots.length === 1 ? told : `${total(spots).toLocaleString("en")}: ${told}`;
}
