/** How a deployment ends that has reached its goal. */
import {
  type Circumstances,
  DEPLOYMENT_HISTORY_MS,
  type EventDraft,
  keys,
  type StateView,
  type Write,
} from "@muster/contracts";
import { drawEventId } from "../draw.ts";

export function closed(state: StateView, id: string, now: number): Write[] {
  const deployment = state.kind("deployment").get(id);
  if (deployment === undefined || deployment.value.state !== "running") return [];
  const value = { ...deployment.value, state: "succeeded" as const, endedAtMs: now, message: null };
  return [{ key: keys.deployment(id), value, expect: deployment.revision, ttlMs: DEPLOYMENT_HISTORY_MS }];
}

export function endedEvents(
  state: StateView,
  id: string,
  trace: string | null,
  circumstances: Circumstances,
): EventDraft[] {
  const deployment = state.kind("deployment").get(id)?.value;
  if (deployment === undefined) return [];
  const { app, version, action } = deployment;
  return [
    {
      type: "muster.deployment.ended",
      subject: id,
      id: drawEventId(circumstances),
      data: { app, version, deployment: id, id, action, state: "succeeded", message: null },
      trace,
    },
  ];
}
