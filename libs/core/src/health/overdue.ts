/**
 * Instances that do not come to run. An agent that is there has `confirmMs` to take one on and then `launchMs` to start it, counted
 * from its last word about it: while it says that it pulls the image, or that others start before, the time begins anew. Of
 * an agent that is silent nothing is decided here; what it has is unreachable, and that has rules of its own.
 */
import {
  ACCEPT_WITHIN_MS,
  type Decision,
  type HealthView,
  type InstanceHead,
  type VerdictDocument,
} from "@muster/contracts";
import { nothingBut, SWEPT_MAX, unheard } from "./decide.ts";

export type LaunchTimeouts = { readonly confirmMs: number; readonly launchMs: number };

/** A record whose instance is not known to run, and for how long nothing new was heard of it. */
export type Starting = { readonly record: InstanceHead; readonly quietMs: number };

/**
 * Given up are those whose time is over: the deployer stops and replaces them. Those that were placed a while ago and not taken on
 * are shown as overdue before. `starting`: in any order. `isHeard`: false for an agent that is silent.
 */
export function decideOverdue(
  health: HealthView,
  starting: Iterable<Starting>,
  isHeard: (agent: string) => boolean,
  timeouts: LaunchTimeouts,
  now: number,
): Decision {
  const verdicts: VerdictDocument[] = [];
  for (const { record, quietMs } of starting) {
    if (verdicts.length >= SWEPT_MAX) break;
    if (record.goal !== "run" || !isHeard(record.agent)) continue;
    const present = health.kind("verdict").get(record.instance)?.value ?? null;
    const next = judgeStart(present, record, quietMs, timeouts, now);
    if (next !== null) verdicts.push(next);
  }
  return nothingBut(
    verdicts.map((value) => {
      const key = `verdict.${value.instance}`;
      return { key, value, expect: health.revision(key) };
    }),
  );
}

function judgeStart(
  present: VerdictDocument | null,
  record: InstanceHead,
  quietMs: number,
  { confirmMs, launchMs }: LaunchTimeouts,
  now: number,
): VerdictDocument | null {
  const base = present ?? unheard(record, now);
  if (base.givenUp !== null || base.level === "unreachable") return null;
  if (base.stated === null) {
    const why = `${record.agent} is there and did not take it on`;
    if (quietMs >= confirmMs) return givenUp(base, confirmMs, why, now);
    if (present !== null || now - record.placedAtMs < ACCEPT_WITHIN_MS) return null;
    return { ...base, level: "overdue", reason: "not-accepted" };
  }
  if ((base.stated !== "staging" && base.stated !== "starting") || quietMs < launchMs) return null;
  return givenUp(base, launchMs, base.message || `it is ${base.stated}`, now);
}

function givenUp(base: VerdictDocument, timeoutMs: number, why: string, now: number): VerdictDocument {
  const message = `not running after ${timeoutMs / 1_000} s: ${why}`;
  return { ...base, level: "overdue", reason: "not-running", message, givenUp: message, sinceMs: now };
}
