/** Settings of the whole cluster in one place: what `npm start` and `muster up` take. */
import { fileURLToPath } from "node:url";
import { settings as gatewaySettings } from "@muster/gateway/settings";
import { settings as healthSettings } from "@muster/health/settings";
import { settings as placementSettings } from "@muster/placement/settings";
import {
  commonSettings,
  numberSetting,
  type Settings,
  type SettingValues,
  setting,
  switchSetting,
} from "@muster/runtime";
import { z } from "zod";

/** The clone: where the examples are and, unless said otherwise, what the cluster remembers. */
export const root = fileURLToPath(new URL("../../..", import.meta.url));

export const standaloneSettings = {
  ...gatewaySettings,
  ...healthSettings,
  natsUrl: setting(z.string().nullable().default(null), "a nats-server that already runs; else one is started", "URL"),
  natsPort: setting(
    numberSetting(4222, { min: 1, max: 65_535 }).nullable().default(null),
    "port of the nats-server that is started; else 4222 or the next free one",
    "port",
  ),
  httpPort: setting(
    numberSetting(8080, { min: 1, max: 65_535 }).nullable().default(null),
    "port of the HTTP API; else 8080 or the next free one",
    "port",
  ),
  httpHost: setting(z.string().default("127.0.0.1"), "address of the HTTP API; it asks nobody who they are"),
  agents: setting(
    numberSetting(1, { min: 0, max: 50 }),
    "agents on this machine, each with its own id, hostname and ports",
    "agents",
  ),
  resources: setting(
    z.string().default(""),
    "what each agent offers, as cpus:4;mem:8192; else the machine's, shared out; {n} is the agent's number",
  ),
  attributes: setting(z.string().default(""), "attributes of each agent, as rack:rack-{n}; {n} is the agent's number"),
  ...placementSettings,
  example: setting(
    z.string().default("examples/hello.json"),
    "app that is started when the cluster has none; none starts nothing",
    "path",
  ),
  keepTasks: setting(switchSetting(false), "leave tasks running when this ends; the next start finds them again"),
  stateDir: setting(
    z.string().default(".muster"),
    "directory of everything the cluster remembers, seen from the clone",
    "path",
  ),
  otlp: commonSettings.otlp,
} as const satisfies Settings;

export type StandaloneConfig = SettingValues<typeof standaloneSettings>;
