/** How a deployment came out for the one who waited for it. */
import { type DeploymentProgress, FATAL_FAILURES_MAX, FATAL_REASONS, type InstanceView } from "@muster/contracts";
import { countsOf, DOING, slotLines, subjectOf, wantedOf } from "@muster/terminal/deployment";
import { whyNot } from "@muster/terminal/instances";
import { plural } from "@muster/terminal/units";
import { EXIT, type ExitCode } from "./exit.ts";

/** Why waiting ended before the deployment did. */
export type Impatience = "timeout" | "interrupt" | "hopeless" | null;

export type Verdict = {
  readonly outcome:
    | "succeeded"
    | "failed"
    | "aborted"
    | "superseded"
    | "hopeless"
    | "not-placed"
    | "timed-out"
    | "interrupted";
  readonly exitCode: ExitCode;
  readonly message: string;
};

const FAILURES_MAX = 3;

/**
 * The server says itself when the deployment has failed; one from before there were steps never does. Of what happens after a
 * deployment has succeeded it says no more.
 */
const isJudged = ({ deployment }: DeploymentProgress): boolean =>
  deployment !== null && deployment.steps.length > 0 && deployment.state !== "succeeded";

/**
 * The failure that makes waiting pointless: a slot that failed again and again, or once more for a reason that stays. Null where the
 * server's own verdict is there or still to come.
 */
export function hopelessFailure(progress: DeploymentProgress): { instance: InstanceView; failures: number } | null {
  if (progress.deployment === null || progress.deployment.action === "delete" || isJudged(progress)) return null;
  for (const { failures, lastFailure, isOld, isReady } of slotLines(progress)) {
    if (lastFailure === null || isReady || isOld) continue;
    const limit = FATAL_REASONS.has(lastFailure.reason) ? FATAL_FAILURES_MAX : FAILURES_MAX;
    if (failures >= limit) return { instance: lastFailure, failures };
  }
  return null;
}

/** @param isPast it had ended before anybody looked: what stands now says nothing of how it came out */
export function verdictOf(
  progress: DeploymentProgress | null,
  impatience: Impatience,
  timeoutSeconds: number,
  { isPast = false }: { isPast?: boolean } = {},
): Verdict {
  const deployment = progress?.deployment ?? null;
  if (impatience === "hopeless" && progress !== null) return hopeless(progress);
  if (
    progress !== null &&
    deployment !== null &&
    deployment.state !== "running" &&
    (impatience === null || isPast || isTrue(progress))
  ) {
    const said = deployment.message === null || deployment.message === "" ? "" : `: ${deployment.message}`;
    const name = `${subjectOf(progress)} ${DOING[deployment.action]}`;
    if (!isPast && !isTrue(progress)) {
      const { ready, wanted } = countsOf(progress);
      const message = `${name} succeeded, and was then changed by somebody else or does not stay up: ${ready} of ${wanted} ready`;
      return { outcome: "superseded", exitCode: EXIT.conflict, message };
    }
    switch (deployment.state) {
      case "succeeded":
        return {
          outcome: "succeeded",
          exitCode: EXIT.reached,
          message: isPast ? `${name} succeeded` : success(progress),
        };
      case "failed":
        return { outcome: "failed", exitCode: EXIT.failed, message: `${name} failed${said}` };
      case "aborted":
        return { outcome: "aborted", exitCode: EXIT.conflict, message: `${name} was stopped half way${said}` };
      case "superseded":
        return {
          outcome: "superseded",
          exitCode: EXIT.conflict,
          message: `${name} was overtaken by a newer change${said}`,
        };
    }
  }
  const counts = progress === null ? null : countsOf(progress);
  const soFar = counts === null ? "" : ` with ${counts.ready} of ${counts.wanted} ready`;
  if (impatience === "interrupt")
    return { outcome: "interrupted", exitCode: EXIT.interrupted, message: `detached${soFar}: the deployment goes on` };
  if (counts !== null && counts.waiting > 0) {
    const message = `${plural(counts.waiting, "instance")} not placed after ${timeoutSeconds} s`;
    return { outcome: "not-placed", exitCode: EXIT.notPlaced, message };
  }
  const message = `not done after ${timeoutSeconds} s${soFar}: the deployment goes on`;
  return { outcome: "timed-out", exitCode: EXIT.timedOut, message };
}

/** What the deployment says of itself still holds: it succeeded, and its instances have not ended since. */
function isTrue(progress: DeploymentProgress): boolean {
  const { wanted, ready } = countsOf(progress);
  return progress.deployment?.state !== "succeeded" || progress.deployment.action === "delete" || ready >= wanted;
}

function hopeless(progress: DeploymentProgress): Verdict {
  const failure = hopelessFailure(progress);
  const slot = failure === null ? "an instance" : failure.instance.id.replace(/\.\d+$/, "");
  const why = failure === null ? "" : `, ${whyNot(failure.instance) || failure.instance.reason}`;
  const times = failure === null ? "" : ` ${failure.failures} times`;
  const message = `${progress.app} does not stay up: ${slot} ended${times}${why}`;
  return { outcome: "hopeless", exitCode: EXIT.failed, message };
}

function success(progress: DeploymentProgress): string {
  const name = subjectOf(progress);
  // Where all that it changes is to be gone, it is: also what a rollback had to undo.
  const { action, steps = [] } = progress.deployment ?? {};
  if (action === "delete" || (steps.length > 0 && progress.targets.length === 0)) return `${name} is gone`;
  const wanted = wantedOf(progress);
  if (wanted === 0) return `${name} is stopped`;
  const ready = slotLines(progress).filter((line) => line.isReady && !line.isOld);
  const areHealthy = ready.length > 0 && ready.every(({ instance }) => instance.healthy === true);
  return `${name} runs: ${plural(wanted, "instance")}${areHealthy ? ", healthy" : ""}`;
}
