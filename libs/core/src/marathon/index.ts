export { clientAddress } from "./address.ts";
export { MARATHON_EVENT_TYPES, type MarathonEvent, type PlanForm } from "./event.ts";
export { marathonEvents } from "./events.ts";
export { isSuspending, retryAfterMs, wasSuspended } from "./retry.ts";
export * from "./subscriptions.ts";
