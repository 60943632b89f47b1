/** Health checks, with Marathon's defaults and the ports they may name. */
import { CHECK_PROTOCOLS, type HealthCheck } from "../app.ts";
import {
  type At,
  type Fields,
  isGiven,
  readBoolean,
  readInteger,
  readList,
  readNumber,
  readObject,
  readOneOf,
  readText,
  refuse,
  warn,
} from "./coerce.ts";
import { HEALTH_CHECK_DEFAULTS as DEFAULTS, SECONDS_MAX } from "./defaults.ts";
import { readSeconds } from "./strategies.ts";
import { refuseCannot } from "./unsupported.ts";

const FIELDS = [
  "protocol",
  "path",
  "portIndex",
  "port",
  "command",
  "gracePeriodSeconds",
  "intervalSeconds",
  "timeoutSeconds",
  "maxConsecutiveFailures",
  "delaySeconds",
  "ignoreHttp1xx",
  "ipProtocol",
];
const SECONDS_MIN = 0.001;

export const isHttp = (protocol: HealthCheck["protocol"]): boolean => protocol.includes("HTTP");

/** `portCount`: how many ports the app has, since a check names one by its place among them. */
export function readHealthChecks(at: At, portCount: number): HealthCheck[] | undefined {
  return readList(at, "a list of health checks")?.flatMap((item) => readHealthCheck(item, portCount) ?? []);
}

function readHealthCheck(at: At, portCount: number): HealthCheck | undefined {
  const field = readObject(at, "an object", FIELDS);
  if (field === undefined) return undefined;
  const protocol = readProtocol(field);
  if (readOneOf(field("ipProtocol"), ["IPv4", "IPv6"]) === "IPv6") refuseCannot(field("ipProtocol"), "check over IPv6");
  const target = protocol === "COMMAND" ? readCommandTarget(field) : readPortTarget(field, protocol, portCount);
  return { protocol, ...target, ...readTimes(field, protocol) };
}

/** A check with a command and no protocol can only mean one thing. */
function readProtocol(field: Fields): HealthCheck["protocol"] {
  const protocol = readOneOf(field("protocol"), CHECK_PROTOCOLS);
  if (protocol !== undefined || isGiven(field("protocol")) || !isGiven(field("command")))
    return protocol ?? DEFAULTS.protocol;
  warn(field("command"), 'the check was understood to be of protocol "COMMAND"');
  return "COMMAND";
}

type Target = Pick<HealthCheck, "path" | "portIndex" | "port" | "command" | "ignoreHttp1xx">;

function readCommandTarget(field: Fields): Target {
  for (const name of ["path", "portIndex", "port", "ignoreHttp1xx"]) warnUnused(field(name), "COMMAND");
  const command = readCommand(field("command"));
  return { path: null, portIndex: null, port: null, command, ignoreHttp1xx: DEFAULTS.ignoreHttp1xx };
}

/** Marathon has `{"value": "…"}`; the bare text is accepted too. */
function readCommand(at: At): string | null {
  const valueAt = isGiven(at) && typeof at.value !== "string" ? readObject(at, "a command", ["value"])?.("value") : at;
  if (valueAt === undefined) return null;
  const command = readText(valueAt) ?? null;
  if (!isGiven(valueAt) || command?.trim() === "") refuse(valueAt, "expected a command to check with");
  return command;
}

function readPortTarget(field: Fields, protocol: HealthCheck["protocol"], portCount: number): Target {
  warnUnused(field("command"), protocol);
  if (!isHttp(protocol)) for (const name of ["path", "ignoreHttp1xx"]) warnUnused(field(name), protocol);
  return {
    path: isHttp(protocol) ? readUrlPath(field("path")) : null,
    ...readPorts(field, portCount),
    command: null,
    ignoreHttp1xx: (isHttp(protocol) ? readBoolean(field("ignoreHttp1xx")) : undefined) ?? DEFAULTS.ignoreHttp1xx,
  };
}

export function readPorts(field: Fields, portCount: number): Pick<Target, "port" | "portIndex"> {
  const portAt = field("port");
  const indexAt = field("portIndex");
  const port = readInteger(portAt, { min: 1, max: 65_535 }) ?? null;
  if (isGiven(portAt) && isGiven(indexAt)) refuse(indexAt, "port and portIndex exclude each other: keep one of them");
  if (isGiven(portAt)) return { port, portIndex: null };
  const portIndex = readInteger(indexAt) ?? 0;
  if (portIndex >= portCount) refuse(indexAt, portIndexFault(portIndex, portCount));
  return { port, portIndex };
}

function portIndexFault(portIndex: number, portCount: number): string {
  if (portCount === 0) return "the app has no ports to check: give port a number, or give the app a port";
  return `there is no port ${portIndex}: the app has ${portCount}, counted from 0`;
}

export function readUrlPath(at: At): string {
  const path = readText(at) ?? "/";
  if (path.startsWith("/")) return path;
  if (path !== "") warn(at, `the path was understood as "/${path}"`);
  return `/${path}`;
}

function warnUnused(at: At, protocol: string): void {
  if (isGiven(at) && at.value !== false) warn(at, `ignored: it means nothing to a check of protocol "${protocol}"`);
}

type Times = Omit<HealthCheck, keyof Target | "protocol">;

/** Marathon's default delay is for checks its agents ran; a plain HTTP or TCP check was made from afar, without one. */
const delayOf = (protocol: HealthCheck["protocol"]): number =>
  protocol === "COMMAND" || protocol.startsWith("MESOS_") ? DEFAULTS.delaySeconds : 0;

const readTimes = (field: Fields, protocol: HealthCheck["protocol"]): Times => ({
  gracePeriodSeconds: readSeconds(field("gracePeriodSeconds")) ?? DEFAULTS.gracePeriodSeconds,
  intervalSeconds: readSpan(field("intervalSeconds")) ?? DEFAULTS.intervalSeconds,
  timeoutSeconds: readSpan(field("timeoutSeconds")) ?? DEFAULTS.timeoutSeconds,
  maxConsecutiveFailures: readInteger(field("maxConsecutiveFailures")) ?? DEFAULTS.maxConsecutiveFailures,
  delaySeconds: readSeconds(field("delaySeconds")) ?? delayOf(protocol),
});

/** An interval of nothing would probe without end. */
export const readSpan = (at: At): number | undefined => readNumber(at, { min: SECONDS_MIN, max: SECONDS_MAX });
