/** Our events as Marathon's clients know them. One of ours may be several of theirs, always in the same order. */
import type { CloudEvent, EventType, StateView } from "@muster/contracts";
import {
  appAccepted,
  appDeleted,
  streamAttached,
  streamDetached,
  submitRejected,
  subscriptionAdded,
  subscriptionRemoved,
} from "./app-events.ts";
import { deploymentEnded, deploymentStarted, deploymentStep } from "./deployment-events.ts";
import type { MarathonEvent, PlanForm, Translate } from "./event.ts";
import { taskStated } from "./task-events.ts";

/** What is not named here is of no interest to Marathon's clients, such as gates and why something waits. */
const TRANSLATIONS: Readonly<Partial<Record<EventType | "muster.deployment.step", Translate>>> = {
  "muster.app.accepted": appAccepted,
  "muster.app.deleted": appDeleted,
  "muster.submit.rejected": submitRejected,
  "muster.deployment.started": deploymentStarted,
  "muster.deployment.step": deploymentStep,
  "muster.deployment.ended": deploymentEnded,
  "muster.stream.attached": streamAttached,
  "muster.stream.detached": streamDetached,
  "muster.subscription.added": subscriptionAdded,
  "muster.subscription.removed": subscriptionRemoved,
};

const TASK = "muster.task.";

/**
 * None for an event that Marathon has nothing like, or whose data this release cannot read. `state`: read at least as far as
 * the event's own batch; of an old event some documents may be gone, and with them what they would have told.
 */
export function marathonEvents(event: CloudEvent, state: StateView, form: PlanForm): MarathonEvent[] {
  const translate = event.type.startsWith(TASK)
    ? taskStated
    : (TRANSLATIONS as Readonly<Record<string, Translate | undefined>>)[event.type];
  const told = translate?.(event, { state, form }) ?? [];
  return told.map((one) => ({ ...one, timestamp: event.time }));
}
