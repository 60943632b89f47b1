/** Messages that nobody could handle: parked ones with their error, and the server's own word of those given up on. */
import { STREAM } from "@muster/contracts";
import type { Nats } from "@muster/runtime";
import { plural } from "@muster/terminal/units";
import { clean } from "@muster/terminal/width";
import { type Check, ok, warn } from "./check.ts";

const READ_MAX = 500;
const GROUPS_SHOWN_MAX = 10;

export type Dead = { readonly subject: string; readonly error: string; readonly from: string };

export async function checkDead({ jsm }: Nats): Promise<Check> {
  const { state } = await jsm.streams.info(STREAM.dead);
  if (state.messages === 0) return ok("dead messages", "none");
  const first = Math.max(state.first_seq, state.last_seq - READ_MAX + 1);
  const dead: Dead[] = [];
  for await (const message of await jsm.direct.getBatch(STREAM.dead, { seq: first, batch: READ_MAX }))
    dead.push(deadOf(message.subject, (name) => message.header.get(name), message.string()));
  return warn("dead messages", plural(state.messages, "message"), {
    advice: `read them with "nats stream view ${STREAM.dead}"; what they asked for can be asked again`,
    details: groupLines(dead),
  });
}

/** Parked messages carry headers; an advisory only says which message was given up on. */
export function deadOf(subject: string, header: (name: string) => string, body: string): Dead {
  const error = header("Muster-Error");
  if (error !== "")
    return {
      subject: header("Muster-Subject"),
      error,
      from: `${header("Muster-Stream")} ${header("Muster-Sequence")}`,
    };
  try {
    const { stream, consumer, stream_seq: sequence, deliveries } = JSON.parse(body);
    const about = `given up on after ${deliveries} deliveries`;
    return { subject: consumer, error: about, from: `${stream} ${sequence}` };
  } catch {
    return { subject, error: "no error was noted", from: "" };
  }
}

/** The same error of the same subject once, with its count and where to find the last one. */
export function groupLines(dead: readonly Dead[]): string[] {
  const groups = new Map<string, { count: number; last: Dead }>();
  for (const one of dead) {
    const key = `${one.subject}\n${one.error}`;
    groups.set(key, { count: (groups.get(key)?.count ?? 0) + 1, last: one });
  }
  const sorted = [...groups.values()].sort((a, b) => b.count - a.count);
  const shown = sorted
    .slice(0, GROUPS_SHOWN_MAX)
    .map(
      ({ count, last }) =>
        `${count}x ${clean(last.subject)}: ${clean(last.error)}${last.from === "" ? "" : ` (${last.from})`}`,
    );
  return sorted.length > shown.length ? [...shown, `and ${sorted.length - shown.length} more kinds`] : shown;
}
