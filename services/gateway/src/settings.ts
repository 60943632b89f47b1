/** What an operator may set on a gateway, beside the settings every service has. */
import { STRATEGIES } from "@muster/contracts";
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
