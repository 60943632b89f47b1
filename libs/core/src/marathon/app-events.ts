/** What becomes of apps, clients and subscriptions, as Marathon tells it. */
import { type AppSpec, type CloudEvent, EVENTS, type EventData, type EventType, renderApp } from "@muster/contracts";
import { specAt } from "../apps/current.ts";
import { isoTime } from "../apps/time.ts";
import type { MarathonJson } from "../reports/tasks.ts";
import { clientAddress } from "./address.ts";
import { deploymentOf } from "./documents.ts";
import type { Translate } from "./event.ts";

/** Something was asked for and stored: who asked is in its deployment, what was asked for in its version. */
export const appAccepted: Translate = (event, { state }) => {
  const told = dataOf(event, "muster.app.accepted");
  if (told === null) return [];
  const { app, version, instances, action } = told;
  const deployment = deploymentOf(state, told.deployment ?? "");
  const spec = specAt(state, app, version);
  const before = deployment?.fromVersion == null ? null : specAt(state, app, deployment.fromVersion);
  const appDefinition =
    spec === null ? { id: app, instances, version: isoTime(version) } : renderApp({ ...spec, instances }, { version });
  const posted = {
    eventType: "api_post_event" as const,
    clientIp: clientAddress(deployment?.by ?? null),
    uri: action === "start" ? "/v2/apps" : `/v2/apps${app}`,
    appDefinition,
  };
  return [posted, ...(action === "scale" || action === "none" ? [] : checkChanges(app, version, { before, spec }))];
};

/** Checks of a version count as new where the version before had not just the same. */
function checkChanges(
  app: string,
  version: number,
  { before, spec }: { readonly before: AppSpec | null; readonly spec: AppSpec | null },
) {
  const [old, now] = [checksOf(before), checksOf(spec)];
  const added = now.filter((check) => !old.some((other) => isSame(check, other)));
  const removed = spec === null ? [] : old.filter((check) => !now.some((other) => isSame(check, other)));
  return [
    ...added.map((healthCheck) => ({
      eventType: "add_health_check_event" as const,
      appId: app,
      healthCheck,
      version: isoTime(version),
    })),
    ...removed.map(() => ({ eventType: "remove_health_check_event" as const, appId: app })),
  ];
}

const isSame = (a: MarathonJson, b: MarathonJson): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Health checks as Marathon writes them. */
export const checksOf = (spec: AppSpec | null): readonly MarathonJson[] =>
  spec === null ? [] : (renderApp(spec, { version: 0 }).healthChecks as MarathonJson[]);

export const appDeleted: Translate = (event) => {
  const told = dataOf(event, "muster.app.deleted");
  return told === null ? [] : [{ eventType: "app_terminated_event", appId: told.app }];
};

/** A published spec may be too broken to name an app: what it would have changed is something below the root. */
export const submitRejected: Translate = (event) => {
  const told = dataOf(event, "muster.submit.rejected");
  if (told === null) return [];
  return [{ eventType: "group_change_failed", groupId: "/", version: event.time, reason: told.message }];
};

export const streamAttached: Translate = (event) => {
  const told = dataOf(event, "muster.stream.attached");
  return told === null ? [] : [{ eventType: "event_stream_attached", remoteAddress: told.remoteAddress }];
};

export const streamDetached: Translate = (event) => {
  const told = dataOf(event, "muster.stream.detached");
  return told === null ? [] : [{ eventType: "event_stream_detached", remoteAddress: told.remoteAddress }];
};

export const subscriptionAdded: Translate = (event) => {
  const told = dataOf(event, "muster.subscription.added");
  if (told === null) return [];
  return [{ eventType: "subscribe_event", clientIp: clientAddress(told.by), callbackUrl: told.callbackUrl }];
};

export const subscriptionRemoved: Translate = (event) => {
  const told = dataOf(event, "muster.subscription.removed");
  if (told === null) return [];
  return [{ eventType: "unsubscribe_event", clientIp: clientAddress(told.by), callbackUrl: told.callbackUrl }];
};

/** null: not of the shape that this release knows. */
function dataOf<T extends EventType>(event: CloudEvent, type: T): EventData<T> | null {
  const parsed = EVENTS[type].data.safeParse(event.data);
  return parsed.success ? (parsed.data as EventData<T>) : null;
}
