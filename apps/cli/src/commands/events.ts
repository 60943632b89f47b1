/** `muster events`: the public feed, stored and live. */
import { type FeedEvent, readEvents } from "@muster/client";
import type { Tone } from "@muster/terminal/paint";
import type { Screen } from "@muster/terminal/screen";
import { clean, pad, truncate } from "@muster/terminal/width";
import { readFrom } from "../arguments.ts";
import { isForPrograms } from "../context.ts";
import { EXIT } from "../exit.ts";
import { findApp } from "../find.ts";
import { printNext } from "../output.ts";
import type { Run } from "../program.ts";
import { withSession } from "../session.ts";

const SHOWN_BACK_MS = 3_600_000;

export const run: Run = (context, _args, { from, app, follow }) => {
  const now = Date.now();
  const start =
    typeof from === "string"
      ? readFrom(from, now)
      : follow === true
        ? ({ type: "new" } as const)
        : ({ type: "time", atMs: now - SHOWN_BACK_MS } as const);
  return withSession(context, async ({ client, nats }) => {
    const about = typeof app === "string" ? await findApp(client, app) : null;
    let count = 0;
    const feed = readEvents(nats, { from: start, app: about, follow: follow === true, signal: context.signal });
    for await (const one of feed) {
      count += 1;
      if (isForPrograms(context)) printNext(context, { sequence: one.sequence, ...one.event });
      else if (context.output === "name") context.out.print(one.event.id);
      else context.out.print(eventLine(one, context.out));
    }
    if (count === 0 && follow !== true)
      context.err.print(`no events${typeof from === "string" ? ` since ${from}` : " in the last hour"}`);
    return EXIT.reached;
  });
};

/** Time, sequence, what, about what, and what is worth knowing of it. */
export function eventLine({ sequence, event }: FeedEvent, { paint, glyphs, columns }: Screen): string {
  const type = event.type.replace(/^muster\./, "");
  const time = localTime(event.time);
  const line = [
    paint("quiet", `${time} ${pad(String(sequence), 6, "right")}`),
    paint(toneOf(type), pad(type, 20)),
    paint("strong", clean(event.subject)),
    paint("quiet", clean(essence(event))),
  ];
  return truncate(line.join("  ").trimEnd(), columns(), glyphs.ellipsis);
}

function localTime(time: string): string {
  const date = new Date(time);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

function toneOf(type: string): Tone {
  if (/failed|error|rejected|unhealthy/.test(type)) return "bad";
  if (/waiting|gate/.test(type)) return "warn";
  if (/running|healthy|ended|finished/.test(type)) return "good";
  return "moving";
}

/** The few fields that tell the most, of any event: unknown ones are shown as far as they go. */
function essence({ type, subject, data }: FeedEvent["event"]): string {
  if (typeof data !== "object" || data === null) return "";
  const record = data as Readonly<Record<string, unknown>>;
  const text = (name: string): string => {
    const value = record[name];
    return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
  };
  const rows = Array.isArray(record.rows) ? `${record.rows.length} ${type.split(".").at(-1)}` : "";
  const gate = typeof record.open === "boolean" ? `${record.open ? "open" : "closed"}: ${text("reason")}` : "";
  const exit = typeof record.exitCode === "number" && record.exitCode !== 0 ? `exit ${record.exitCode}` : "";
  const message = text("message").split("\n")[0] ?? "";
  const waiting = Array.isArray(record.refusals) ? `${text("count")} wait, ${text("agentsSeen")} agents seen` : "";
  const state = type.endsWith(`.${text("state")}`) ? "" : text("state");
  const app = type.startsWith("muster.deployment.") && text("app") !== subject ? text("app") : "";
  const about = [
    app,
    text("agent") && gate === "" ? `on ${text("agent")}` : "",
    gate,
    rows,
    waiting,
    text("action"),
    state,
    exit,
  ];
  return [...new Set([...about, message || (gate === "" ? text("reason") : "")])]
    .filter((part) => part !== "")
    .join("  ");
}
