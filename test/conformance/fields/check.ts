/** The check that ends nothing, and whose result tasks show. */
import {
  type Json,
  NEGATIVE,
  NOT_TEXT,
  NOT_WHOLE,
  type Row,
  refused,
  refusedBeside,
  same,
  shownIn,
  shows,
} from "./row.ts";

const HTTP: Json = { portDefinitions: [{}, {}], check: { http: {} } };
const TCP: Json = { portDefinitions: [{}, {}], check: { tcp: {} } };
const EXEC: Json = { check: { exec: { command: { shell: "true" } } } };
const agent = (says: string) => shownIn("services/agent/src/checks/result.test.ts", says);
const port = shownIn("libs/core/src/placement/run-document.test.ts", "a place among the host's ports");
const NOT_BOTH = /port and portIndex exclude each other/;

const portsOf = (kind: "http" | "tcp", within: Json): readonly Row[] => [
  {
    field: `check.${kind}.portIndex`,
    within,
    default: 0,
    valid: [same(1)],
    invalid: [NOT_WHOLE, NEGATIVE, refused(2, /there is no port 2: the app has 2/)],
    effect: port,
  },
  {
    field: `check.${kind}.port`,
    within,
    valid: [same(8_080)],
    invalid: [
      NOT_WHOLE,
      refused(0, /expected 1 to 65535/),
      refusedBeside({ check: { [kind]: { portIndex: 0 } } }, 80, NOT_BOTH, `/check/${kind}/portIndex`),
    ],
    effect: port,
  },
];

export const check: readonly Row[] = [
  {
    field: "check",
    valid: [
      shows({}, undefined),
      shows({ tcp: { port: 80 } }, { tcp: { port: 80 }, intervalSeconds: 60, timeoutSeconds: 20, delaySeconds: 15 }),
    ],
    invalid: [
      refused("soon", /expected a check, which is an object/),
      refused({ delaySeconds: 5 }, /expected one of "http", "tcp" and "exec"/),
      refused({ tcp: {}, exec: { command: { shell: "true" } } }, /tcp and exec exclude each other/),
    ],
    effect: shownIn("libs/core/src/reports/tasks.test.ts", "is shown as"),
  },
  {
    field: "check.http",
    within: { portDefinitions: [{}] },
    valid: [shows({}, { portIndex: 0, path: "/", scheme: "HTTP" })],
    invalid: [refused(80, /expected an object/)],
    effect: agent("an HTTP check finds a status code"),
  },
  ...portsOf("http", HTTP),
  {
    field: "check.http.path",
    within: HTTP,
    default: "/",
    valid: [same("/up?deep=1"), shows("up", "/up", { warns: /the path was understood as "\/up"/ })],
    invalid: [NOT_TEXT],
    effect: agent("of its path and whatever it is"),
  },
  {
    field: "check.http.scheme",
    within: HTTP,
    default: "HTTP",
    valid: [same("HTTPS"), shows("https", "HTTPS")],
    invalid: [refused("FTP", /expected one of "HTTP", "HTTPS"/)],
    effect: agent('scheme: "HTTPS"'),
  },
  {
    field: "check.tcp",
    within: { portDefinitions: [{}] },
    valid: [shows({}, { portIndex: 0 })],
    invalid: [refused(80, /expected an object/)],
    effect: agent("a TCP check finds whether somebody listens"),
  },
  ...portsOf("tcp", TCP),
  {
    field: "check.exec",
    valid: [same({ command: { shell: "true" } })],
    invalid: [refused({}, /expected a command to check with/, "/check/exec/command")],
    effect: agent("is found with exit code"),
  },
  {
    field: "check.exec.command",
    within: EXEC,
    default: { shell: "true" },
    valid: [shows("test -f up", { shell: "test -f up" }), shows({ value: "true" }, { shell: "true" })],
    invalid: [
      refused({ shell: "a", argv: ["a"] }, /shell and argv exclude each other/),
      refused(5, /expected a command/),
    ],
    effect: agent("is found with exit code"),
  },
  {
    field: "check.exec.command.shell",
    within: EXEC,
    default: "true",
    valid: [same('test "$PORT" = 1')],
    invalid: [refused(" ", /expected a command to check with/), NOT_TEXT],
    effect: shownIn("services/agent/src/host/docker/docker.test.ts", "a command beside a container runs inside it"),
  },
  {
    field: "check.exec.command.argv",
    within: { check: { exec: { command: {} } } },
    valid: [same(["test", "-e", "a b"])],
    invalid: [refused([], /expected a program as the first of argv/), refused("true", /expected a list of texts/)],
    effect: shownIn("services/agent/src/host.test.ts", "finds is told when it changes"),
  },
  {
    field: "check.intervalSeconds",
    within: EXEC,
    default: 60,
    valid: [same(1)],
    invalid: [refused(0.5, /expected 1 to/)],
    effect: agent("then once an interval"),
  },
  {
    field: "check.timeoutSeconds",
    within: EXEC,
    default: 20,
    valid: [same(0.5)],
    invalid: [refused(0, /expected 0.001 to/)],
    effect: agent("that takes too long"),
  },
  {
    field: "check.delaySeconds",
    within: EXEC,
    default: 15,
    valid: [same(0)],
    invalid: [NEGATIVE],
    effect: agent("a check is made after its delay"),
  },
];
