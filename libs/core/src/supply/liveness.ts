/** Who was heard lately. Silence while we ourselves were away says nothing. */
import { SUSPECT_AFTER_BEATS, UNREACHABLE_AFTER_BEATS } from "@muster/contracts";

export type Liveness = "alive" | "suspect" | "unreachable";

/** @param silentMs how long nothing was heard, our own absence taken off. @param beatMs the agents' heartbeat interval. */
export function livenessOf(silentMs: number, beatMs: number): Liveness {
  if (silentMs >= UNREACHABLE_AFTER_BEATS * beatMs) return "unreachable";
  return silentMs >= SUSPECT_AFTER_BEATS * beatMs ? "suspect" : "alive";
}
