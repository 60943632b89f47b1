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
  const isRunningNow = stated === "running" && present?.stated !== "running";
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
          : stated === "running"
            ? (present?.healthy ?? null)
            : null,
    fact: sequence,
    startedAtMs: isRunningNow ? atMs : (present?.startedAtMs ?? null),
    sinceMs: present?.level === stated && isTaskState(fact.state) ? present.sinceMs : atMs,
    exitCode: fact.exitCode,
    signal: fact.signal,
    reason: fact.reason,
    message: fact.message,
    pid: fact.pid ?? present?.pid ?? null,
    container: fact.container ?? present?.container ?? null,
    trace,
  };
}

/** The level while the agent is silent, and again when it is heard: its last word stands. */
export function judgeSilence(present: VerdictDocument, isSilent: boolean, now: number): VerdictDocument | null {
  if (present.stated !== null && isTerminal(present.stated)) return null;
  const level: Level = isSilent ? "unreachable" : (present.stated ?? "staging");
  return level === present.level || (!isSilent && present.level !== "unreachable")
    ? null
    : { ...present, level, sinceMs: now };
}
