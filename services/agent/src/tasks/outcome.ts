/** How an ending is called: the same exit status is a failure, a success or an obeyed order. */
import type { TerminalState } from "@muster/contracts";
import type { Ending, Reason } from "../host/runtime.ts";

/** Why the agent ends a task. */
export const KILL_REASONS = ["killed-on-request", "health-check", "agent-stopping"] as const;
export type KillReason = (typeof KILL_REASONS)[number];
export const killReasonOf = (text: string | null): KillReason | null =>
  KILL_REASONS.find((reason) => reason === text) ?? null;

export type Outcome = { readonly state: TerminalState; readonly reason: Reason; readonly message: string };

/** @param killing why it was being ended, with the sentence that says so; null when it ended by itself. */
export function outcomeOf(killing: { reason: KillReason; message: string } | null, ending: Ending): Outcome {
  if (killing === null)
    return { state: ending.exitCode === 0 ? "finished" : "failed", reason: ending.reason, message: ending.message };
  const message = `${killing.message}; ${ending.message}`;
  if (killing.reason === "health-check") return { state: "failed", reason: "health-check", message };
  return { state: "killed", reason: killing.reason, message };
}
