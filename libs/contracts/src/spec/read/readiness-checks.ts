/** Readiness checks, with Marathon's defaults and the port they must name. */
import { READINESS_PROTOCOLS, type ReadinessCheck } from "../app.ts";
import {
  type At,
  isGiven,
  readBoolean,
  readInteger,
  readList,
  readObject,
  readOneOf,
  readText,
  refuse,
} from "./coerce.ts";
import { READINESS_CHECK_DEFAULTS as DEFAULTS, readyStatusCodes } from "./defaults.ts";
import { readSpan, readUrlPath } from "./health-checks.ts";

const FIELDS = [
  "name",
  "protocol",
  "path",
  "portName",
  "intervalSeconds",
  "timeoutSeconds",
  "httpStatusCodesForReady",
  "preserveLastResponse",
];
const STATUS_RANGE = { min: 100, max: 999 } as const;

/** `ports`: those of the app, of which a check names one. */
export function readReadinessChecks(
  at: At,
  ports: readonly { readonly name: string | null }[],
): ReadinessCheck[] | undefined {
  const items = readList(at, "a list of one readiness check");
  if (items !== undefined && items.length > 1)
    refuse(at, `expected one readiness check at most, got ${items.length}: keep one of them`);
  const names = ports.flatMap(({ name }) => name ?? []);
  return items?.flatMap((item) => readReadinessCheck(item, names) ?? []);
}

function readReadinessCheck(at: At, portNames: readonly string[]): ReadinessCheck | undefined {
  const field = readObject(at, "an object", FIELDS);
  if (field === undefined) return undefined;
  return {
    name: readName(field("name")),
    protocol: readOneOf(field("protocol"), READINESS_PROTOCOLS) ?? DEFAULTS.protocol,
    path: readUrlPath(field("path")),
    portName: readPortName(field("portName"), portNames),
    ...readTimes(field("intervalSeconds"), field("timeoutSeconds")),
    httpStatusCodesForReady: readStatusCodes(field("httpStatusCodesForReady")),
    preserveLastResponse: readBoolean(field("preserveLastResponse")) ?? DEFAULTS.preserveLastResponse,
  };
}

function readName(at: At): string {
  const name = readText(at) ?? DEFAULTS.name;
  if (name.trim() === "") refuse(at, "expected a name, or nothing");
  return name;
}

function readPortName(at: At, portNames: readonly string[]): string {
  const portName = readText(at) ?? DEFAULTS.portName;
  if (!portNames.includes(portName)) {
    const known = portNames.map((name) => JSON.stringify(name)).join(", ");
    const cure = known === "" ? "give a port of the app this name" : `name one of ${known}`;
    refuse(at, `no port of the app is named ${JSON.stringify(portName)}: ${cure}`);
  }
  return portName;
}

function readTimes(intervalAt: At, timeoutAt: At): Pick<ReadinessCheck, "intervalSeconds" | "timeoutSeconds"> {
  const intervalSeconds = readSpan(intervalAt) ?? DEFAULTS.intervalSeconds;
  const timeoutSeconds = readSpan(timeoutAt) ?? DEFAULTS.timeoutSeconds;
  if (timeoutSeconds >= intervalSeconds) {
    const given = isGiven(timeoutAt) ? "" : ", its default,";
    refuse(timeoutAt, `${timeoutSeconds}${given} is not less than intervalSeconds (${intervalSeconds})`);
  }
  return { intervalSeconds, timeoutSeconds };
}

function readStatusCodes(at: At): number[] {
  const items = readList(at, "a list of status codes such as [200]");
  if (items === undefined) return readyStatusCodes();
  if (items.length === 0) refuse(at, "expected at least one status code");
  return items.flatMap((item) => readInteger(item, STATUS_RANGE) ?? []);
}
