/** Marathon's events: their types, and what they are made from. */
import type { CloudEvent, StateView } from "@muster/contracts";
import type { MarathonJson } from "../reports/tasks.ts";

/**
 * Every type that something in Muster can cause. Left out, because nothing can: `scheduler_registered_event`,
 * `scheduler_reregistered_event` and `scheduler_disconnected_event` (there is no master to register with),
 * `framework_message_event` (there are no executors), `pod_created_event`, `pod_updated_event` and `pod_deleted_event` (there are
 * no pods), `unknown_instance_terminated_event` (agents state nothing of tasks that nobody knows).
 */
export const MARATHON_EVENT_TYPES = [
  "add_health_check_event",
  "api_post_event",
  "app_terminated_event",
  "deployment_failed",
  "deployment_info",
  "deployment_step_failure",
  "deployment_step_success",
  "deployment_success",
  "event_stream_attached",
  "event_stream_detached",
  "failed_health_check_event",
  "group_change_failed",
  "group_change_success",
  "health_status_changed_event",
  "instance_changed_event",
  "instance_health_changed_event",
  "remove_health_check_event",
  "status_update_event",
  "subscribe_event",
  "unhealthy_instance_kill_event",
  "unsubscribe_event",
] as const;
export type MarathonEventType = (typeof MARATHON_EVENT_TYPES)[number];

/** As clients read it; `timestamp` as `2026-11-20T13:19:00.000Z`. */
export type MarathonEvent = { readonly eventType: MarathonEventType; readonly timestamp: string } & MarathonJson;

/** `full`: plans of deployments with the apps before and after, as before Marathon 1.7. */
export type PlanForm = "light" | "full";

/** Makes events of one of our own. Documents that are gone by now are missing in them, or the events that consist of them. */
export type Translate = (event: CloudEvent, about: { readonly state: StateView; readonly form: PlanForm }) => Told[];

/** An event without its time, which is the same for all that are made of one of ours. */
export type Told = { readonly eventType: MarathonEventType } & MarathonJson;
