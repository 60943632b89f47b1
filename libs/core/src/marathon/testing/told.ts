/** For tests: a small world of documents, events about it, and what Marathon's clients are told of them. */
import { type CloudEvent, cloudEvent, DEPLOYMENT_BEGINNING, keys, readApp } from "@muster/contracts";
import { handmadeState } from "../../apps/testing/handmade-view.ts";
import { offerOf } from "../../testing/builders.ts";
import type { MarathonEvent } from "../event.ts";
import { marathonEvents } from "../events.ts";

const AT = Date.parse("2026-11-20T13:19:00.000Z");
export const V1 = Date.parse("2026-11-20T13:00:00.000Z");
export const V2 = Date.parse("2026-11-20T13:18:00.000Z");
export const [T, ISO1, ISO2] = ["2026-11-20T13:19:00.000Z", "2026-11-20T13:00:00.000Z", "2026-11-20T13:18:00.000Z"];
export const BY = { who: "http", from: "10.0.0.7:53211" };
const CHECK = { protocol: "TCP", portIndex: 0 };
const HTTP_CHECK = { protocol: "HTTP", path: "/health", portIndex: 0 };

export const event = (type: string, data: unknown, subject = "x"): CloudEvent =>
  cloudEvent({ type, id: "e1", subject, data }, { source: "/test", atMs: AT, traceparent: null });

/** `/prod/web` in two versions, the second with other checks, and the deployment from one to the other. */
function world() {
  const state = handmadeState();
  const spec = (checks: object[]) =>
    readApp({
      id: "/prod/web",
      cmd: "sleep 9",
      instances: 2,
      portDefinitions: [{ port: 10_001 }],
      healthChecks: checks,
    }).spec;
  state.put(keys.version("/prod/web", V1), { app: "/prod/web", version: V1, spec: spec([CHECK]), by: BY });
  state.put(keys.version("/prod/web", V2), { app: "/prod/web", version: V2, spec: spec([HTTP_CHECK]), by: BY });
  state.put(keys.deployment("d1"), {
    ...DEPLOYMENT_BEGINNING,
    id: "d1",
    app: "/prod/web",
    action: "upgrade",
    fromVersion: V1,
    version: V2,
    instances: 3,
    startedAtMs: AT,
    by: BY,
    trace: null,
  });
  state.put(keys.deployment("d7"), {
    ...DEPLOYMENT_BEGINNING,
    id: "d7",
    app: "/prod/web",
    action: "delete",
    fromVersion: V2,
    version: V2,
    instances: 0,
    steps: [
      {
        actions: [
          { app: "/prod/web", action: "delete", from: { version: V2, instances: 3 }, to: null, isStaged: true },
        ],
      },
    ],
    startedAtMs: AT,
    by: BY,
    trace: null,
  });
  state.put(keys.deployment("d8"), {
    ...DEPLOYMENT_BEGINNING,
    id: "d8",
    app: "/prod/old",
    group: "/prod",
    action: "group",
    fromVersion: V1,
    version: V2,
    instances: 0,
    steps: [
      {
        actions: [
          { app: "/prod/old", action: "delete", from: { version: V1, instances: 1 }, to: null, isStaged: true },
        ],
      },
      {
        actions: [
          {
            app: "/prod/web",
            action: "upgrade",
            from: { version: V1, instances: 5 },
            to: { version: V2, instances: 6 },
            isStaged: true,
          },
        ],
      },
    ],
    startedAtMs: AT,
    by: BY,
    trace: null,
  });
  state.put(keys.offer("n1"), offerOf("n1", { address: "10.0.0.1" }));
  return state;
}

export const told = (one: CloudEvent, form: "light" | "full" = "light"): MarathonEvent[] =>
  JSON.parse(JSON.stringify(marathonEvents(one, world(), form)));

export const STEP = { actions: [{ action: "RestartApplication", app: "/prod/web" }] };
export const PLAN = { id: "d1", steps: [STEP], version: ISO2 };
export const OLD = { id: "d1", deployment: "d1", app: "/prod/web", version: V2, action: "upgrade" };
