/** How far a deployment is, in a line, and what it set out to do, in another. */
import type { Course, DeploymentDocument } from "@muster/contracts";
import type { Screen } from "./screen.ts";
import { duration, plural } from "./units.ts";

type Known = { readonly deployment: DeploymentDocument | null; readonly course: Course | null };

/** `paused`, `waits`: a person must say something; `watched`: all of the stage stands, and must stay so for a while. */
export type Standing = "moving" | "watched" | "waits" | "paused" | "over";

export function standingOf({ deployment, course }: Known): Standing {
  if (deployment === null) return "moving";
  if (deployment.state !== "running") return "over";
  if (deployment.isPaused) return "paused";
  if (deployment.reachedAtMs === null) return "moving";
  if (course?.waits === true && !deployment.isPromoted) return "waits";
  return "watched";
}

/** `step 1 of 2, stage 2 of 3: 4 new, 6 old, watched for 30s`; null for one that goes in one go and is not held up. */
export function courseLine(known: Known, { paint }: Pick<Screen, "paint">, nowMs: number): string | null {
  const { deployment, course } = known;
  const standing = standingOf(known);
  if (deployment === null || course === null || standing === "over") return null;
  const where = placeText(course);
  const then = thenText(known, nowMs);
  if (where === "" && standing === "moving") return null;
  if (where === "") return then;
  const asked = course.stages > 1 ? `: ${course.fresh} new, ${course.kept} old` : "";
  const tone = standing === "moving" ? "quiet" : "plain";
  return `${paint(tone, `${where}${asked}`)}${then === "" ? "" : `, ${paint(standing === "watched" ? "moving" : "warn", then)}`}`;
}

/** `step 1 of 2, stage 2 of 3`; empty where there is but one of each. */
export function placeText({ step, steps, stage, stages }: Course): string {
  const parts = [
    steps > 1 ? `step ${step} of ${steps}` : "",
    stages > 1 ? `stage ${Math.min(stage, stages)} of ${stages}` : "",
  ];
  return parts.filter((part) => part !== "").join(", ");
}

function thenText({ deployment, course }: Known, nowMs: number): string {
  if (deployment === null || course === null) return "";
  switch (standingOf({ deployment, course })) {
    case "paused":
      return `paused: goes on with \`muster resume ${deployment.id}\``;
    case "waits":
      return `waits for \`muster promote ${deployment.id}\``;
    case "watched":
      return `watched for another ${duration(Math.max(0, (deployment.reachedAtMs ?? nowMs) + course.watchMs - nowMs))}`;
    default:
      return course.stages > 1 && course.watchMs > 0 ? `watched for ${duration(course.watchMs)}` : "";
  }
}

/** `version 2026-11-20T12:00:00.000Z, canary, 1 step, 2 stages, fails after 10m00s without progress`; null before anything is known. */
export function planLine({ deployment, course }: Known): string | null {
  if (deployment === null || course === null) return null;
  const { strategy, steps, stages, timeoutSeconds, rollbackOnFailure } = course;
  const isOld = deployment.steps.length === 0;
  const parts = [
    deployment.action === "delete" ? "" : `version ${new Date(deployment.version).toISOString()}`,
    stages > 1 ? strategy : "rolling",
    plural(steps, "step"),
    stages > 1 ? plural(stages, "stage") : "",
    isOld
      ? ""
      : timeoutSeconds === null
        ? "no deadline"
        : `fails after ${duration(timeoutSeconds * 1_000)} without progress`,
    rollbackOnFailure ? "then rolls back" : "",
  ];
  return parts.filter((part) => part !== "").join(", ");
}
