/** `muster why APP|INSTANCE`: one sentence, then the funnel behind it. */
import type { WaitingDocument, Why } from "@muster/contracts";
import { addressOf, outputOf, whyNot } from "@muster/terminal/instances";
import type { Tone } from "@muster/terminal/paint";
import type { Screen } from "@muster/terminal/screen";
import { pairLines } from "@muster/terminal/table";
import { age, duration, plural } from "@muster/terminal/units";
import { clean, wrap } from "@muster/terminal/width";
import { isForPrograms } from "../context.ts";
import { EXIT } from "../exit.ts";
import { findTarget } from "../find.ts";
import { printDocument } from "../output.ts";
import type { Run } from "../program.ts";
import { withSession } from "../session.ts";
import { funnelLines, helpPairs } from "../waiting-lines.ts";

export const run: Run = (context, [text = ""]) =>
  withSession(context, async ({ client }) => {
    const target = await findTarget(client, text);
    const why = await client.why(target.type === "app" ? { app: target.app } : { instance: target.instance.id });
    if (isForPrograms(context)) printDocument(context, why);
    else if (context.output === "name") context.out.print(why.status);
    else context.out.print(...whyLines(why, context.out, Date.now()));
    return EXIT.reached;
  });

const TONES: Readonly<Record<Why["status"], Tone>> = {
  running: "good",
  stopped: "quiet",
  deploying: "moving",
  delayed: "warn",
  waiting: "warn",
  unhealthy: "bad",
};

const CURE_WORDS = {
  "agent.offer": "an agent joins or grows",
  "agent.gate": "an agent opens again",
  "instance.released": "an instance ends",
  "app.placed": "another app is placed",
  "spec.changed": "the app asks for less",
} as const;

const HELD_SHOWN_MAX = 6;

export function whyLines(why: Why, screen: Screen, nowMs: number): string[] {
  const { paint, glyphs } = screen;
  const mark = { good: glyphs.ok, bad: glyphs.bad, warn: glyphs.warn, moving: glyphs.moving }[
    TONES[why.status] as string
  ];
  const head = `${paint(TONES[why.status], `${mark ?? glyphs.ended} ${why.status}`)}  ${paint("strong", why.app)}`;
  const sentence = wrap(clean(why.summary), Math.min(100, screen.columns() - 2)).map((line) => `  ${line}`);
  const funnel = why.waiting === null ? [] : funnelLines(why.waiting, screen);
  const sections = [funnel, factLines(why, screen, nowMs), failureLines(why, screen)];
  return [head, ...sentence, ...sections.flatMap((lines) => (lines.length === 0 ? [] : ["", ...lines]))];
}

function factLines(why: Why, screen: Screen, nowMs: number): string[] {
  const { waiting, hold, delay, deployment } = why;
  const pairs: (readonly [string, string])[] = [["instances", instancesOf(why)]];
  if (waiting !== null) {
    pairs.push(...helpPairs(waiting));
    const held = holdText(waiting, hold, nowMs);
    if (held !== null) pairs.push(["held", held]);
    pairs.push(["waiting", `${plural(waiting.count, "instance")}, for ${age(waiting.sinceMs, nowMs)}`]);
    const cures = waiting.cures.map((cure) => CURE_WORDS[cure]);
    if (cures.length > 0)
      pairs.push(["tried again", `when ${new Intl.ListFormat("en", { type: "disjunction" }).format(cures)}`]);
    pairs.push(["last tried", `${age(waiting.decidedAtMs, nowMs)} ago`]);
  }
  if (delay !== null) {
    const next = delay.untilMs <= nowMs ? "now" : `in ${duration(delay.untilMs - nowMs)}`;
    pairs.push(["next try", `${next}, after ${plural(delay.failures, "failure")} in a row`]);
  }
  if (deployment !== null && deployment.state === "running")
    pairs.push([
      "deployment",
      `${deployment.id}, ${deployment.action} by ${deployment.by.from || deployment.by.who}, ${age(deployment.startedAtMs, nowMs)} ago`,
    ]);
  return pairLines(pairs, screen, { indent: "  " });
}

/** What a gang holds of what is free, this app or another, or from when on this one may. */
function holdText({ app, holdFromMs }: WaitingDocument, hold: Why["hold"], nowMs: number): string | null {
  if (hold !== null) {
    const spots = Object.entries(hold.members).map(([agent, count]) => `${count} on ${agent}`);
    const whose = hold.app === app ? "for its members" : `for ${hold.app}`;
    return `${spots.slice(0, HELD_SHOWN_MAX).join(", ")}${spots.length > HELD_SHOWN_MAX ? " ..." : ""}, ${whose}, for another ${duration(hold.untilMs - nowMs)}`;
  }
  return holdFromMs === null || holdFromMs <= nowMs ? null : `nothing yet; from in ${duration(holdFromMs - nowMs)} on`;
}

const instancesOf = ({ wanted, running, healthy }: Why): string =>
  `${wanted} wanted, ${running} running${healthy > 0 ? `, ${healthy} healthy` : ""}`;

function failureLines({ lastFailure, status }: Why, screen: Screen): string[] {
  if (lastFailure === null || status === "running") return [];
  const { paint, glyphs } = screen;
  const where = [lastFailure.agent, addressOf(lastFailure)].filter((part) => part !== null && part !== "")[0];
  const head = `  ${paint("quiet", "last failure")}  ${lastFailure.id}${where === undefined ? "" : ` on ${where}`}: ${whyNot(lastFailure)}`;
  return [head, ...outputOf(lastFailure).map((line) => `    ${paint("quiet", glyphs.bar)} ${clean(line)}`)];
}
