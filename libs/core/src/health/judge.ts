/** What a fact makes of an instance's verdict. Old news is refused by number. */
import {
  type Fact,
  type Level,
  TASK_STATES,
  type TaskState,
  TERMINAL_STATES,
  type TerminalState,
  type VerdictDocument,
} from "@muster/contracts";

const isTaskState = (state: Fact["state"]): state is TaskState => (TASK_STATES as readonly string[]).includes(state);
export const isTerminal = (state: string): state is TerminalState =>
  (TERMINAL_STATES as readonly string[]).includes(state);

/** The next verdict, or null when the fact says nothing new. `sequence` numbers facts over all agents. */
export function judgeFact(
  present: VerdictDocument | null,
  fact: Fact,
  sequence: number,
  atMs: number,
  trace: string | null,
): VerdictDocument | null {
  if (present !== null && (sequence <= present.fact || (present.stated !== null && isTerminal(present.stated))))
    return null;
  const stated: TaskState = isTaskState(fact.state) ? fact.state : (present?.stated ?? "running");
  const isRunning = stated === "running";
  const isRunningNow = isRunning && present?.stated !== "running";
  return {
    instance: fact.instance,
    agent: fact.agent,
    version: fact.version,
    level: stated,
    stated,
    healthy:
      fact.state === "healthy"
        ? true
        : fact.state === "unhealthy"
          ? false
          : isRunning
            ? (present?.healthy ?? null)
            : null,
    health:
      fact.state === "healthy" || fact.state === "unhealthy"
        ? fact.health
        : isRunning
          ? (present?.health ?? null)
          : null,
    ready:
      fact.state === "ready" ? true : fact.state === "unready" ? false : isRunning ? (present?.ready ?? null) : null,
    response:
      fact.state === "ready" || fact.state === "unready"
        ? fact.response
        : isRunning
          ? (present?.response ?? null)
          : null,
    checkResult: fact.state === "checked" ? fact.checkResult : isRunning ? (present?.checkResult ?? null) : null,
    givenUp: stated === "killing" || isTerminal(stated) ? (present?.givenUp ?? null) : null,
    fact: sequence,
    startedAtMs: isRunningNow ? atMs : (present?.startedAtMs ?? null),
    sinceMs: present?.level === stated && !isTurn(present, fact) ? present.sinceMs : atMs,
    exitCode: fact.exitCode,
    signal: fact.signal,
    // What a check finds is news of the check alone.
    ...(fact.state === "checked" && present !== null ? wordsOf(present) : wordsOf(fact)),
    pid: fact.pid ?? present?.pid ?? null,
    container: fact.container ?? present?.container ?? null,
    trace,
  };
}

const wordsOf = ({ reason, message }: Pick<Fact, "reason" | "message">) => ({ reason, message });

/** A health or readiness check has changed its mind. That an instance is still not ready is told again with each other answer. */
const isTurn = (present: VerdictDocument, { state }: Fact): boolean =>
  !isTaskState(state) && state !== "checked" && !(state === "unready" && present.ready === false);

/** The level while the agent is silent, and again when it is heard: its last word stands. */
export function judgeSilence(present: VerdictDocument, isSilent: boolean, now: number): VerdictDocument | null {
  if (present.stated !== null && isTerminal(present.stated)) return null;
  const level: Level = isSilent ? "unreachable" : (present.stated ?? "staging");
  return level === present.level || (!isSilent && present.level !== "unreachable")
    ? null
    : { ...present, level, sinceMs: now, givenUp: null };
}
