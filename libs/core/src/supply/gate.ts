/**
 * Whether an agent may take new instances: the operator's word first, then whether it is heard, then whether it was reconciled.
 * A closed gate refuses new records only; stops and releases pass.
 */
import type { AgentReport, AgentVerdict, AgentWord, Gate } from "@muster/contracts";
import type { Liveness } from "./liveness.ts";

export type GateInput = {
  readonly report: Pick<AgentReport, "incarnation">;
  readonly word: AgentWord | null;
  readonly verdict: AgentVerdict | null;
  readonly liveness: Liveness;
};

export function gateReason({ report, word, verdict, liveness }: GateInput): Gate["reason"] {
  if (word?.goal === "remove") return "removed";
  if (liveness === "unreachable") return "unreachable";
  if (word?.goal === "drain") return "drain";
  if (word?.goal === "cordon") return "cordon";
  if (liveness === "suspect") return "suspect";
  if (verdict?.reconciledIncarnation !== report.incarnation) return "joining";
  return "open";
}

/** The gate to write, or null when the present one says the same. */
export function nextGate(present: Gate | null, input: GateInput, now: number): Gate | null {
  const reason = gateReason(input);
  const { incarnation } = input.report;
  if (present !== null && present.reason === reason && present.incarnation === incarnation) return null;
  const sinceMs = present !== null && present.reason === reason ? present.sinceMs : now;
  return { open: reason === "open", reason, sinceMs, incarnation };
}
