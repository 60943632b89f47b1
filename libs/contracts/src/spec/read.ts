/**
 * Reads an app as people write it, in the spellings of any Marathon since 2014, into a full document. Nothing that is
 * given is dropped in silence: it is obeyed, warned of or refused, and all refusals are told at once.
 */
import type { Problem } from "../errors.ts";
import { APP_INSTANCES_MAX } from "../limits.ts";
import type { AppSpec } from "./app.ts";
import type { ParsedDocument } from "./document.ts";
import type { Path } from "./paths.ts";
import { readAppId, readDependencies } from "./read/app-id.ts";
import { readCheck } from "./read/check.ts";
import {
  type At,
  type Fields,
  isGiven,
  noFields,
  readBoolean,
  readInteger,
  readList,
  readNumber,
  readObject,
  readText,
  readTextMap,
  refuse,
  warn,
} from "./read/coerce.ts";
import { readCommand, readEnv } from "./read/command.ts";
import { readConstraints } from "./read/constraints.ts";
import { type ContainerReading, readContainer } from "./read/container.ts";
import { APP_DEFAULTS, CPUS_MAX, CPUS_MIN, GPUS_MAX, MEBIBYTES_MAX } from "./read/defaults.ts";
import { refuseFetch } from "./read/fetch.ts";
import { APP_FIELDS } from "./read/fields.ts";
import { readHealthChecks } from "./read/health-checks.ts";
import { readNetwork } from "./read/networks.ts";
import { readPlacement } from "./read/placement.ts";
import { readPortDefinitions, readPortMappings } from "./read/ports.ts";
import { readReadinessChecks } from "./read/readiness-checks.ts";
import { describe, Report } from "./read/report.ts";
import { readCustom, readLimits } from "./read/resources.ts";
import { readRollout } from "./read/rollout.ts";
import {
  readEnding,
  readInstances,
  readRetry,
  readUnreachableStrategy,
  readUpgradeStrategy,
  SINGLE_INSTANCE_LABEL,
} from "./read/strategies.ts";
import { refuseUnsupportedFields, warnOfLabels } from "./read/unsupported.ts";

export type ReadOptions = {
  /** The group that a relative id is below; the root when absent. */
  readonly groupPath?: string;
  /** Gives problems and warnings their line and column: `parseDocument(text).locate`. */
  readonly locate?: ParsedDocument["locate"];
  /** Where the app stands in the document: `[0]` in a list of apps, `["apps", 0]` in a group. Problems are told from there. */
  readonly at?: Path;
};

export type ReadApp = { readonly spec: AppSpec; readonly warnings: readonly Problem[] };

/** Throws `spec.type`, `spec.invalid` or `spec.unsupported`, with every problem of the spec in `problems`. */
export function readApp(input: unknown, options: ReadOptions = {}): ReadApp {
  const at = rootOf(input, options);
  const spec = readFields(readRoot(at), options.groupPath ?? "/");
  at.report.throwIfRefused();
  return { spec, warnings: at.report.warnings };
}

export const rootOf = (input: unknown, { locate, at }: ReadOptions): At => ({
  value: input ?? null,
  path: [],
  report: new Report(locate, at),
  inherited: false,
});

export const readRoot = (at: At): Fields => readObject(at, "an app, which is an object", APP_FIELDS) ?? noApp(at);

/** What is no object has no fields to miss; the one refusal says it all. */
function noApp(at: At): Fields {
  at.report.throwIfRefused();
  return noFields(at);
}

/** Reads a spec field by field. What it refuses is in the report of the fields. */
export function readFields(field: Fields, groupPath: string): AppSpec {
  const id = readAppId(field("id"), groupPath);
  const labels = readTextMap(field("labels")) ?? {};
  const reading = readContainer(field("container"));
  warnOfLabels(field("labels"), labels);
  refuseFetch(field);
  refuseUnsupportedFields(field);
  const spec = {
    id,
    ...readCommand(field, reading.isImageGiven),
    user: readText(field("user")) || null,
    env: readEnv(field("env")) ?? {},
    labels,
    instances: readInstances(field("instances"), labels, APP_INSTANCES_MAX),
    ...readQuantities(field),
    custom: readCustom(field("resources")),
    constraints: readConstraints(field("constraints")) ?? [],
    acceptedResourceRoles: readRoles(field("acceptedResourceRoles")),
    ...readNetworking(field, reading),
    ...readRetry(field),
    upgradeStrategy: readUpgradeStrategy(field("upgradeStrategy"), labels),
    ...readEnding(field),
    unreachableStrategy: readUnreachableStrategy(field("unreachableStrategy")),
    dependencies: readDependencies(field("dependencies"), id) ?? [],
  };
  const limits = readLimits(field("resourceLimits"), spec);
  const placement = readPlacement(field, spec);
  const rollout = readRollout(field("rollout"), placement, labels[SINGLE_INSTANCE_LABEL] === "true");
  return { ...spec, limits, placement, rollout, instances: placement.isGlobal ? 1 : spec.instances };
}

type Quantities = Pick<AppSpec, "cpus" | "mem" | "disk" | "gpus">;

const readQuantities = (field: Fields): Quantities => ({
  cpus: readNumber(field("cpus"), { min: CPUS_MIN, max: CPUS_MAX }) ?? APP_DEFAULTS.cpus,
  mem: readMemory(field("mem"), field("memory")) ?? APP_DEFAULTS.mem,
  disk: readNumber(field("disk"), { max: MEBIBYTES_MAX }) ?? APP_DEFAULTS.disk,
  gpus: readInteger(field("gpus"), { max: GPUS_MAX }) ?? APP_DEFAULTS.gpus,
});

/** Tutorials of 2014 say `memory`; the Marathon of the day ignored it and gave the app its default. */
function readMemory(memAt: At, memoryAt: At): number | undefined {
  const mem = readNumber(memAt, { max: MEBIBYTES_MAX });
  if (!isGiven(memoryAt)) return mem;
  warn(memoryAt, '"memory" was understood as "mem"');
  const memory = readNumber(memoryAt, { max: MEBIBYTES_MAX });
  if (memAt.inherited) return memory;
  if (mem !== undefined && memory !== undefined && mem !== memory) {
    refuse(memoryAt, `memory is ${memory} and mem is ${mem}: keep mem`);
  }
  return mem ?? memory;
}

const readRoles = (at: At): string[] => (readList(at, "a list of roles") ?? []).flatMap((item) => readRole(item) ?? []);

/** An agent's role is free text; what no agent could be started with as one word is a slip. */
function readRole(at: At): string | undefined {
  const role = readText(at);
  return role === undefined || /^\S+$/.test(role)
    ? role
    : refuse(at, `expected "*" or the name of a role, got ${describe(role)}`);
}

type Networking = Pick<
  AppSpec,
  "container" | "network" | "portDefinitions" | "requirePorts" | "healthChecks" | "readinessChecks" | "check"
>;

function readNetworking(field: Fields, reading: ContainerReading): Networking {
  const network = readNetwork(field("networks"), reading.oldNetwork, field("ipAddress"));
  if (network !== "host" && !reading.isImageGiven) {
    const at = [reading.oldNetwork, field("ipAddress")].find(isGiven) ?? field("networks");
    refuse(at, "only a container with an image can be on another network than the host's");
  }
  const requirePorts = readRequirePorts(field("requirePorts"), network);
  const portDefinitions = readPortDefinitions(field, network, requirePorts);
  const portMappings = readPortMappings(reading.portMappings, reading.oldPortMappings, network);
  const healthChecks = readHealthChecks(field("healthChecks"), portDefinitions.length + portMappings.length) ?? [];
  const check = readCheck(field("check"), portDefinitions.length + portMappings.length);
  const readinessChecks = readReadinessChecks(field("readinessChecks"), [...portDefinitions, ...portMappings]) ?? [];
  const container = reading.container === null ? null : { ...reading.container, portMappings };
  return { container, network, portDefinitions, requirePorts, healthChecks, readinessChecks, check };
}

/** Host ports behind a bridge are fixed by their mappings, so the flag means nothing there. */
function readRequirePorts(at: At, network: AppSpec["network"]): boolean {
  const requirePorts = readBoolean(at) ?? false;
  if (network === "host") return requirePorts;
  if (requirePorts && !at.inherited) warn(at, "ignored: it means something on the host's network only");
  return false;
}
