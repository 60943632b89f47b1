/** Every setting of the agent; `--help` prints them. */
import { hostname } from "node:os";
import { join } from "node:path";
import { HEARTBEAT_MS, isAgentId, MusterError, parseAttributes, parseResources, RUNTIMES } from "@muster/contracts";
import { commonSettings, numberSetting, type SettingValues, setting, switchSetting } from "@muster/runtime";
import { z } from "zod";
import { defaultSocket } from "./host/docker/engine.ts";

const DAY_MS = 24 * 3_600_000;

const defaultWorkDir = (): string =>
  process.getuid?.() === 0
    ? "/var/lib/muster/agent"
    : join(process.env.XDG_STATE_HOME ?? join(process.env.HOME ?? "/tmp", ".local/state"), "muster/agent");

const grammar = (parse: (text: string) => unknown) =>
  z
    .string()
    .default("")
    .superRefine((text, context) => {
      try {
        parse(text);
      } catch (cause) {
        if (!(cause instanceof MusterError)) throw cause;
        context.addIssue({ code: "custom", message: cause.message });
      }
    });

const runtimeList = z
  .string()
  .default(RUNTIMES.join(","))
  .transform((text) => text.split(",").map((name) => name.trim()))
  .pipe(z.array(z.enum(RUNTIMES)).min(1));

export const agentSettings = {
  natsUrl: commonSettings.natsUrl,
  otlp: commonSettings.otlp,
  agentId: setting(
    z.string().refine(isAgentId, "an agent's id has letters, digits, -, _ and inner dots").default(hostname()),
    "name of this agent, one per cluster",
  ),
  workDir: setting(z.string().default(defaultWorkDir()), "directory for tasks and memory; one agent each", "path"),
  hostname: setting(z.string().min(1).default(hostname()), "hostname that constraints and people see"),
  address: setting(z.string().min(1).default("127.0.0.1"), "address at which others reach this agent's ports"),
  role: setting(z.string().min(1).default("*"), "role that its resources are offered to"),
  region: setting(z.string().nullable().default(null), "region it stands in"),
  zone: setting(z.string().nullable().default(null), "zone it stands in"),
  resources: setting(
    grammar(parseResources),
    "what it offers, as cpus:4;mem:8192;disk:10000;ports:[31000-31099]; what is not named is detected",
  ),
  attributes: setting(grammar(parseAttributes), "what constraints may ask for, as rack:r1;ssd:1"),
  runtimes: setting(runtimeList, "ways of running tasks that it may use"),
  dockerSocket: setting(z.string().default(defaultSocket()), "where a Docker engine answers", "path"),
  dockerCheckMs: setting(numberSetting(5_000, { min: 100 }), "how often engines that come or go are looked for", "ms"),
  dockerPullMs: setting(numberSetting(600_000, { min: 1_000 }), "how long an image may take to be pulled", "ms"),
  dockerAllowPrivileged: setting(switchSetting(true), "whether specs may ask for privileged containers"),
  heartbeatMs: setting(
    // The broker counts missed beats of the usual length: slower ones would look like silence.
    numberSetting(HEARTBEAT_MS, { min: 50, max: HEARTBEAT_MS }),
    "pause between heartbeats",
    "ms",
  ),
  sandboxKeptMs: setting(numberSetting(7 * DAY_MS), "how long the sandbox of an ended task is kept", "ms"),
  sandboxesMax: setting(numberSetting(200), "how many sandboxes of ended tasks are kept", "sandboxes"),
  stopTasksOnExit: setting(switchSetting(false), "whether its tasks end with it; else they run on and are found again"),
} as const;

export type AgentConfig = SettingValues<typeof agentSettings>;
