/** Exit codes: what scripts decide on, documented in `--help` and the README. */
import { type ErrorCode, MusterError } from "@muster/contracts/errors";

export const EXIT = {
  reached: 0,
  failed: 1,
  usage: 2,
  notPlaced: 3,
  timedOut: 4,
  conflict: 5,
  unreachable: 6,
  changes: 10,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_MEANINGS: readonly (readonly [code: ExitCode, meaning: string])[] = [
  [EXIT.reached, "what was asked is reached; plan: nothing would change"],
  [EXIT.failed, "it failed"],
  [EXIT.usage, "the command or the document is wrong, or a name is unknown or ambiguous"],
  [EXIT.notPlaced, "instances still wait for a place when the time is over, or would have none"],
  [EXIT.timedOut, "the time is over before the deployment is"],
  [EXIT.conflict, "somebody else changes, or changed, the same app"],
  [EXIT.unreachable, "nobody answers, or the credentials are refused"],
  [EXIT.changes, "plan: something would change, and all of it has a place"],
  [EXIT.interrupted, "interrupted; a deployment goes on"],
];

/** A command line that means nothing, or more than one thing. The message says what would do. */
export class UsageError extends Error {
  override name = "UsageError";
}

export function exitCodeOf(cause: unknown): ExitCode {
  if (cause instanceof UsageError) return EXIT.usage;
  if (!(cause instanceof MusterError)) return EXIT.failed;
  return exitCodeOfCode(cause.code);
}

function exitCodeOfCode(code: ErrorCode): ExitCode {
  const [kind] = code.split(".");
  if (code.endsWith(".too-many")) return EXIT.failed;
  switch (kind) {
    case "nats":
    case "cluster":
      return EXIT.unreachable;
    case "json":
    case "document":
    case "spec":
    case "id":
    case "request":
    case "method":
    case "origin":
    case "change":
      return EXIT.usage;
    case "internal":
      return EXIT.failed;
    default:
      return code.endsWith(".unknown") ? EXIT.usage : EXIT.conflict;
  }
}
