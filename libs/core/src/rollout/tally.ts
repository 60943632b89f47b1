/** How often instances of a version have failed since its deployment began: what the deployment is judged by. */
import { type DeploymentDocument, type EndedRow, FATAL_REASONS, type Tally, type Version } from "@muster/contracts";
import type { Row } from "./rows.ts";

/**
 * The tally with the rows that are dropped now. They are dropped once, in the batch that stores it: each ending counts exactly once.
 * What ended as it was asked to is no failure, nor is what ended before the deployment began. Null: nothing has failed, or there is
 * nothing to be judged.
 */
export function tallied(
  before: Tally | null,
  deployment: DeploymentDocument | undefined,
  version: Version,
  dropped: readonly Row[],
): Tally | null {
  if (deployment === undefined) return null;
  const { id, startedAtMs } = deployment;
  const failed = dropped.flatMap(({ wish, ended }) =>
    wish.goal === "run" && wish.version === version && ended !== null && isFailure(ended) && ended.atMs >= startedAtMs
      ? [ended]
      : [],
  );
  const known = before?.deployment === id && before.version === version ? before : null;
  const last = failed.at(-1);
  if (last === undefined) return known;
  return {
    deployment: id,
    version,
    failures: (known?.failures ?? 0) + failed.length,
    fatal: (known?.fatal ?? 0) + failed.filter(({ reason }) => FATAL_REASONS.has(reason)).length,
    last: `${last.agent}: ${endingText(last)}`,
  };
}

const isFailure = ({ state }: EndedRow): boolean => state !== "killed";

function endingText({ reason, exitCode, signal, message }: EndedRow): string {
  const how = signal !== null ? `ended by ${signal}` : exitCode === null ? reason : `exited with status ${exitCode}`;
  return message === "" ? how : message.startsWith(how) ? message : `${how}: ${message}`;
}
