/** What an operator may set on a gateway, beside the settings every service has. */
import { APP_INSTANCES_MAX, BODY_BYTES_MAX, SPEC_BYTES_MAX, STRATEGIES } from "@muster/contracts";
import { numberSetting, type Settings, setting } from "@muster/runtime";
import { z } from "zod";
import { CALLBACK_HOSTS } from "./events/callback-url.ts";

export const settings = {
  httpHost: setting(
    // Nothing here asks who you are, and an app is a command: whoever reaches this port owns every agent.
    z.string().min(1).default("127.0.0.1"),
    "address the HTTP API listens on; there is no authentication yet, so only this machine unless you say otherwise",
    "address",
  ),
  httpPort: setting(numberSetting(8080, { max: 65_535 }), "port of the HTTP API; 0 takes any free one", "port"),
  httpAdvertise: setting(
    z
      .string()
      .regex(/^[^/\s]+:\d+$/, "expected host:port")
      .nullable()
      .default(null),
    "where clients reach this gateway, for X-Marathon-Leader and /v2/leader; else as they asked for it",
    "host:port",
  ),
  httpMaxConcurrentRequests: setting(
    numberSetting(1_000, { min: 1 }),
    "requests answered at once; further ones get 503 with Retry-After",
    "requests",
  ),
  httpRequestTimeoutMs: setting(
    numberSetting(30_000, { min: 100, max: 3_600_000 }),
    "milliseconds until a request is answered at the latest; then 503 with Retry-After. Event streams go on",
    "ms",
  ),
  accessControlAllowOrigin: setting(
    z.string().nullable().default(null),
    "origins whose web pages may ask and change things here, separated by commas; * lets in any page of any site",
    "origins",
  ),
  maxApps: setting(
    numberSetting(0).transform((n) => (n === 0 ? null : n)),
    "apps the cluster may hold; 0: any number",
    "apps",
  ),
  maxInstancesPerApp: setting(
    numberSetting(APP_INSTANCES_MAX, { min: 1, max: APP_INSTANCES_MAX }),
    "instances an app may ask for",
    "instances",
  ),
  maxRunningDeployments: setting(
    numberSetting(10_000, { min: 1 }),
    "deployments that may run at once; Marathon allowed 100, which apps that wait for a place or are created in crowds soon pass",
    "deployments",
  ),
  maxBodyBytes: setting(
    numberSetting(SPEC_BYTES_MAX, { min: 1_000, max: BODY_BYTES_MAX }),
    "bytes of a request's body",
    "bytes",
  ),
  maxVersions: setting(
    numberSetting(50, { min: 1 }),
    "versions kept of each app; older ones go when a new one comes",
    "versions",
  ),
  eventStreams: setting(
    numberSetting(256, { min: 0, max: 100_000 }),
    "clients that events are streamed to at once; more are answered 503",
    "clients",
  ),
  callbackHosts: setting(
    z.enum(CALLBACK_HOSTS).default("loopback"),
    `where events may be posted to by /v2/eventSubscriptions: ${CALLBACK_HOSTS.join(" or ")}; who may subscribe makes the gateway send requests there`,
  ),
  strategy: setting(
    z.enum(STRATEGIES).default("spread"),
    `what placement was told of apps that name no strategy, so that plans come out as it would place: ${STRATEGIES.join(", ")}`,
  ),
} as const satisfies Settings;
