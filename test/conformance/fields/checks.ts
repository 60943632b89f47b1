/** Health checks and readiness checks. */
import {
  type Json,
  NEGATIVE,
  NOT_NUMBER,
  NOT_SUPPORTED,
  NOT_TEXT,
  NOT_TRUTH,
  NOT_WHOLE,
  type Row,
  refused,
  refusedBeside,
  same,
  shown,
  shownIn,
  shows,
} from "./row.ts";

const CHECK: Json = { healthChecks: [{}] };
const COMMAND: Json = { healthChecks: [{ protocol: "COMMAND", command: { value: "true" } }] };
const READY: Json = { portDefinitions: [{ name: "http-api" }], readinessChecks: [{}] };
const passes = shown("a check passes by what its port, path or command answers");
const replaces = shown("a sick task is replaced when its check gives up");
const agent = (says: string) => shownIn("services/agent/src/checks/checks.test.ts", says);
const ready = (says: string) => shownIn("services/agent/src/checks/readiness.test.ts", says);
const NO_SPAN = refused(0, /expected 0.001 to/);

const DEFAULT_CHECK = {
  protocol: "HTTP",
  path: "/",
  portIndex: 0,
  gracePeriodSeconds: 300,
  intervalSeconds: 60,
  timeoutSeconds: 20,
  maxConsecutiveFailures: 3,
  delaySeconds: 0,
  ignoreHttp1xx: false,
};
const DEFAULT_READINESS = {
  name: "readinessCheck",
  protocol: "HTTP",
  path: "/",
  portName: "http-api",
  intervalSeconds: 30,
  timeoutSeconds: 10,
  httpStatusCodesForReady: [200],
  preserveLastResponse: false,
};

export const checks: readonly Row[] = [
  {
    field: "healthChecks",
    default: [],
    // Several of any protocol: an instance is healthy when all of them pass.
    valid: [shows([{}], [DEFAULT_CHECK]), shows([{}, { protocol: "HTTP" }], [DEFAULT_CHECK, DEFAULT_CHECK])],
    invalid: [
      refused({}, /expected a list of health checks/),
      refused(["tcp"], /expected an object/, "/healthChecks(0)"),
    ],
    effect: agent("all checks must pass for a task to be healthy"),
  },
  {
    field: "healthChecks[].protocol",
    within: CHECK,
    default: "HTTP",
    valid: [
      same("HTTPS"),
      same("TCP"),
      same("MESOS_HTTP"),
      same("MESOS_HTTPS"),
      same("MESOS_TCP"),
      same("COMMAND", { beside: COMMAND }),
      shows("tcp", "TCP", { warns: /understood as "TCP"/ }),
    ],
    invalid: [refused("GRPC", /expected one of "HTTP"/)],
    effect: passes,
  },
  {
    field: "healthChecks[].path",
    within: CHECK,
    default: "/",
    valid: [
      same("/up?full=1"),
      shows("up", "/up", { warns: /the path was understood as "\/up"/ }),
      shows("/x", undefined, { beside: { healthChecks: [{ protocol: "TCP" }] }, warns: /means nothing to a check of/ }),
    ],
    invalid: [NOT_TEXT],
    effect: passes,
  },
  {
    field: "healthChecks[].portIndex",
    within: CHECK,
    default: 0,
    valid: [same(1, { beside: { ports: [0, 0] } })],
    invalid: [
      refused(1, /there is no port 1: the app has 1, counted from 0/),
      NOT_WHOLE,
      refusedBeside({ ports: [] }, 0, /the app has no ports to check/),
    ],
    effect: passes,
  },
  {
    field: "healthChecks[].port",
    within: CHECK,
    valid: [same(8080), shows(8080, undefined, { at: "healthChecks[].portIndex" })],
    invalid: [
      refused(0, /expected 1 to 65535/),
      {
        ...refused(80, /port and portIndex exclude each other/, "/healthChecks(0)/portIndex"),
        beside: { healthChecks: [{ portIndex: 0 }] },
      },
    ],
    effect: passes,
  },
  {
    field: "healthChecks[].command",
    valid: [
      same({ value: "test -f ok" }, { beside: { healthChecks: [{ protocol: "COMMAND" }] } }),
      shows("true", { value: "true" }, { warns: /understood to be of protocol "COMMAND"/ }),
      shows({ value: "true" }, undefined, { beside: { healthChecks: [{ protocol: "TCP" }] }, warns: /means nothing/ }),
    ],
    invalid: [
      { ...refused(null, /expected a command to check with/), beside: { healthChecks: [{ protocol: "COMMAND" }] } },
      { ...refused(5, /expected a command/), beside: { healthChecks: [{ protocol: "COMMAND" }] } },
    ],
    effect: passes,
  },
  {
    field: "healthChecks[].command.value",
    within: COMMAND,
    default: "true",
    valid: [same("false")],
    invalid: [
      refused("", /expected a command to check with/),
      refused(null, /expected a command to check with/),
      NOT_TEXT,
    ],
    effect: passes,
  },
  {
    field: "healthChecks[].gracePeriodSeconds",
    within: CHECK,
    default: 300,
    valid: [same(0), shows("5", 5, { warns: /number 5/ })],
    invalid: [NEGATIVE, NOT_NUMBER],
    effect: replaces,
  },
  {
    field: "healthChecks[].intervalSeconds",
    within: CHECK,
    default: 60,
    valid: [same(0.5), same(10)],
    invalid: [NO_SPAN, NOT_NUMBER],
    effect: agent("at the pace of its interval"),
  },
  {
    field: "healthChecks[].timeoutSeconds",
    within: CHECK,
    default: 20,
    valid: [same(90)], // Longer than the interval, as in Marathon: the next probe waits for it.
    invalid: [NO_SPAN, NOT_NUMBER],
    effect: agent("an HTTP check that gets no answer in time fails and says so"),
  },
  {
    field: "healthChecks[].maxConsecutiveFailures",
    within: CHECK,
    default: 3,
    valid: [same(0)],
    invalid: [NEGATIVE, NOT_WHOLE],
    effect: replaces,
  },
  {
    field: "healthChecks[].delaySeconds",
    within: COMMAND,
    default: 15,
    valid: [
      same(0),
      shows(null, 15, { beside: { healthChecks: [{ protocol: "MESOS_TCP" }] } }),
      shows(null, 0, { beside: CHECK }), // Marathon made these from afar, without a delay.
    ],
    invalid: [NEGATIVE],
    effect: replaces,
  },
  {
    field: "healthChecks[].ignoreHttp1xx",
    within: CHECK,
    default: false,
    valid: [
      same(true),
      shows(true, undefined, { beside: { healthChecks: [{ protocol: "TCP" }] }, warns: /means nothing/ }),
    ],
    invalid: [NOT_TRUTH],
    effect: agent("an HTTP 1xx is a failure, or nothing when it is to be ignored"),
  },
  {
    field: "healthChecks[].ipProtocol",
    within: CHECK,
    valid: [shows("IPv4", undefined)],
    invalid: [refused("IPv6", /cannot check over IPv6/), refused("IPX", /expected one of "IPv4"/)],
    effect: NOT_SUPPORTED,
  },
  {
    field: "readinessChecks",
    within: { portDefinitions: [{ name: "http-api" }] },
    valid: [shows([{}], [DEFAULT_READINESS]), shows([], undefined)],
    invalid: [
      refused({}, /expected a list of one readiness check/),
      refused([{}, {}], /expected one readiness check at most, got 2/),
    ],
    effect: shownIn("test/e2e/readiness.test.ts", "loses no request where the app has a readiness check"),
  },
  {
    field: "readinessChecks[].name",
    within: READY,
    default: "readinessCheck",
    valid: [same("warm")],
    invalid: [refused(" ", /expected a name/), NOT_TEXT],
    effect: shownIn("test/e2e/readiness.test.ts", 'name: "warm"'),
  },
  {
    field: "readinessChecks[].protocol",
    within: READY,
    default: "HTTP",
    valid: [same("HTTPS")],
    invalid: [refused("TCP", /expected one of "HTTP", "HTTPS"/)],
    effect: shown("an instance is ready when its check is answered in its protocol"),
  },
  {
    field: "readinessChecks[].path",
    within: READY,
    default: "/",
    valid: [same("/ready"), shows("ready", "/ready", { warns: /understood as "\/ready"/ })],
    invalid: [NOT_TEXT],
    effect: shownIn("test/e2e/readiness.test.ts", "HTTP \\/ready on port"),
  },
  {
    field: "readinessChecks[].portName",
    within: READY,
    default: "http-api",
    valid: [same("admin", { beside: { portDefinitions: [{ name: "http-api" }, { name: "admin" }] } })],
    invalid: [
      refused("web", /no port of the app is named "web": name one of "http-api"/),
      refusedBeside({ portDefinitions: [] }, null, /give a port of the app this name/),
    ],
    effect: shownIn("libs/core/src/placement/run-document.test.ts", "is made at the host port that its name leads to"),
  },
  {
    field: "readinessChecks[].intervalSeconds",
    within: READY,
    default: 30,
    valid: [same(15)],
    invalid: [
      NO_SPAN,
      refused(5, /10, its default, is not less than intervalSeconds \(5\)/, "/readinessChecks(0)/timeoutSeconds"),
    ],
    effect: ready("from then on it is asked once an interval"),
  },
  {
    field: "readinessChecks[].timeoutSeconds",
    within: READY,
    default: 10,
    valid: [same(29.5)],
    invalid: [NO_SPAN, refused(30, /30 is not less than intervalSeconds \(30\)/)],
    effect: ready("timeoutSeconds"),
  },
  {
    field: "readinessChecks[].httpStatusCodesForReady",
    within: READY,
    default: [200],
    valid: [same([200, 204])],
    invalid: [
      refused([], /expected at least one status code/),
      refused(200, /expected a list of status codes/),
      refused([99], /expected 100 to 999/, "/readinessChecks(0)/httpStatusCodesForReady(0)"),
    ],
    effect: ready("the status codes of the check count, and nothing else"),
  },
  {
    field: "readinessChecks[].preserveLastResponse",
    within: READY,
    default: false,
    valid: [same(true)],
    invalid: [NOT_TRUTH],
    effect: ready("with the answer where it is kept"),
  },
];
