/** Marathon's check, with its defaults: one of `http`, `tcp` and `exec`, and when it is made. */
import { CHECK_SCHEMES, type Check } from "../check.ts";
import {
  type At,
  type Fields,
  isGiven,
  noFields,
  readList,
  readNumber,
  readObject,
  readOneOf,
  readText,
  refuse,
} from "./coerce.ts";
import { CHECK_DEFAULTS as DEFAULTS, SECONDS_MAX } from "./defaults.ts";
import { readPorts, readSpan, readUrlPath } from "./health-checks.ts";
import { readSeconds } from "./strategies.ts";
import { asksNothing } from "./unsupported.ts";

const KINDS = ["http", "tcp", "exec"] as const;
const TIMES = ["intervalSeconds", "timeoutSeconds", "delaySeconds"];
/** What each question finds is told when it is another one: more often than this, that would be a flood. */
const INTERVAL_MIN_SECONDS = 1;

/** Null where none is asked for; `{}` asks for none. `portCount`: how many ports the app has. */
export function readCheck(at: At, portCount: number): Check | null {
  if (asksNothing(at)) return null;
  const field = readObject(at, "a check, which is an object", [...KINDS, ...TIMES]);
  if (field === undefined) return null;
  const given = KINDS.filter((kind) => isGiven(field(kind)));
  if (given.length !== 1) refuse(at, kindFault(given));
  const intervalSeconds =
    readNumber(field("intervalSeconds"), { min: INTERVAL_MIN_SECONDS, max: SECONDS_MAX }) ?? DEFAULTS.intervalSeconds;
  return {
    probe: readProbe(field, given[0] ?? "tcp", portCount),
    intervalSeconds,
    timeoutSeconds: readSpan(field("timeoutSeconds")) ?? DEFAULTS.timeoutSeconds,
    delaySeconds: readSeconds(field("delaySeconds")) ?? DEFAULTS.delaySeconds,
  };
}

const kindFault = (given: readonly string[]): string =>
  given.length === 0
    ? 'expected one of "http", "tcp" and "exec": say how it is checked'
    : `${given.join(" and ")} exclude each other: keep one of them`;

function readProbe(field: Fields, kind: (typeof KINDS)[number], portCount: number): Check["probe"] {
  const at = field(kind);
  switch (kind) {
    case "http": {
      const http = readObject(at, "an object", ["path", "portIndex", "port", "scheme"]) ?? noFields(at);
      return {
        type: "http",
        ...readPorts(http, portCount),
        path: readUrlPath(http("path")),
        scheme: readOneOf(http("scheme"), CHECK_SCHEMES, { isQuiet: true }) ?? DEFAULTS.scheme,
      };
    }
    case "tcp":
      if (!isGiven(at)) return { type: "tcp", portIndex: 0, port: null };
      return {
        type: "tcp",
        ...readPorts(readObject(at, "an object", ["portIndex", "port"]) ?? noFields(at), portCount),
      };
    case "exec": {
      const exec = readObject(at, "an object", ["command"]) ?? noFields(at);
      return { type: "exec", command: readCommand(exec("command")) };
    }
  }
}

/** `{"shell": "…"}`, `{"argv": ["…"]}`, or what health checks have, `{"value": "…"}` and the bare text. */
function readCommand(at: At): string | string[] {
  if (typeof at.value === "string") return readLine(at);
  const field = readObject(at, "a command, which is an object", ["shell", "argv", "value"]);
  if (field === undefined) {
    if (!isGiven(at)) refuse(at, "expected a command to check with");
    return "";
  }
  const given = ["shell", "argv", "value"].filter((name) => isGiven(field(name)));
  if (given.length > 1) refuse(at, `${given.join(" and ")} exclude each other: keep one of them`);
  const argvAt = field("argv");
  if (!isGiven(argvAt)) return readLine(isGiven(field("value")) ? field("value") : field("shell"));
  const argv = (readList(argvAt, "a list of texts") ?? []).flatMap((item) => readText(item, { isLoose: true }) ?? []);
  if (Array.isArray(argvAt.value) && !argv[0]) refuse(argvAt, "expected a program as the first of argv");
  return argv;
}

function readLine(at: At): string {
  const line = readText(at) ?? "";
  if (!isGiven(at) || (at.value === line && line.trim() === "")) refuse(at, "expected a command to check with");
  return line;
}
