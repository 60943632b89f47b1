/** The same deployment for logs and pipes: one line per change, or one for many when many change at once. */

import type { DeploymentProgress } from "@muster/contracts";
import { courseLine, standingOf } from "./course.ts";
import { countsLine, DOING, subjectOf } from "./deployment.ts";
import { isReady, lookOf, whyNot } from "./instances.ts";
import type { Screen } from "./screen.ts";

const SINGLE_LINES_MAX = 20;

export function changeLines(
  before: DeploymentProgress | null,
  after: DeploymentProgress,
  screen: Pick<Screen, "paint" | "glyphs">,
): string[] {
  const { paint, glyphs } = screen;
  const lines: string[] = [];
  const { deployment } = after;
  if (deployment !== null && (before?.deployment ?? null) === null)
    lines.push(`${subjectOf(after)} ${DOING[deployment.action]} (deployment ${deployment.id})`);
  const known = new Map((before?.instances ?? []).map((instance) => [instance.id, instance]));
  const stage = stageOf(after);
  if (stage !== "" && stage !== stageOf(before)) {
    const line = courseLine(after, screen, deployment?.reachedAtMs ?? 0);
    if (line !== null) lines.push(line);
  }
  const checked = new Set(after.targets.filter(({ hasChecks }) => hasChecks).map(({ app }) => app));
  const changed = after.instances.filter((instance) => {
    const old = known.get(instance.id);
    // What stood before it began, and still stands, is no change.
    if (
      before === null &&
      isReady(instance, checked.has(instance.app)) &&
      (instance.sinceMs ?? 0) < (deployment?.startedAtMs ?? 0)
    )
      return false;
    return old === undefined || lookOf(old).word !== lookOf(instance).word || old.agent !== instance.agent;
  });
  if (changed.length > SINGLE_LINES_MAX) lines.push(countsLine(after, screen));
  else
    for (const instance of changed) {
      const { glyph, word, tone } = lookOf(instance, checked.has(instance.app));
      const where = instance.agent === null ? "" : ` on ${instance.agent}`;
      const why = whyNot(instance);
      lines.push(`${paint(tone, glyphs[glyph])} ${instance.id} ${word}${where}${why === "" ? "" : `: ${why}`}`);
    }
  if (after.why?.waiting && obstacleOf(after) !== obstacleOf(before))
    lines.push(`${paint("warn", glyphs.warn)} ${after.why.summary}`);
  return lines;
}

/** Where it is and what it waits for, as far as that is worth a line of its own. */
function stageOf(progress: DeploymentProgress | null): string {
  const { deployment, course } = progress ?? {};
  if (progress === null || deployment == null || course == null) return "";
  const standing = standingOf(progress);
  if (course.stages === 1 && course.steps === 1 && (standing === "moving" || standing === "watched")) return "";
  return `${deployment.step} ${deployment.stage} ${standing}`;
}

/** What stands in the way, without the times that its sentence tells. */
function obstacleOf(progress: DeploymentProgress | null): string {
  const waiting = progress?.why?.waiting ?? null;
  return waiting === null ? "" : JSON.stringify([waiting.count, waiting.refusals, waiting.nearest]);
}
