/** What an app is called, what it runs, and with which environment. */
import { NOT_TEXT, none, type Row, refused, refusedBeside, same, shown, shownIn, shows, UNSUPPORTED } from "./row.ts";

export const identity: readonly Row[] = [
  {
    field: "id",
    isOfNewApps: true,
    valid: [
      same("/ids/plain"),
      same("/ids/a-b.c0"),
      shows("ids-relative", "/ids-relative"),
      shows("ids/./x/../relative", "/ids/relative"),
      shows("//ids//slashes/", "/ids/slashes"),
      same("/ids/restart/below"),
    ],
    invalid: [
      refused(null, /expected the app's id/),
      NOT_TEXT,
      refused("/", /cannot be the root/),
      refused("/Ids", /is no app id: .*did you mean "\/ids"/),
      refused("/a_b", /did you mean "\/a-b"/),
      refused("/a-", /is no app id/),
      refused("/a/restart", /may not end in "restart"/),
      refused("tasks", /may not end in "tasks"/),
      refused("/a/versions", /may not end in "versions"/),
      refused("../a", /steps out of the root/),
      refused("/a/../b", /mixes an absolute path with relative steps/),
      refused(`/${"a".repeat(200)}`, /200 letters at most, this one has 201/),
    ],
    effect: shown("a task finds in its environment what its spec says"),
  },
  {
    field: "cmd",
    valid: [
      same("sleep 1"),
      same("w"), // One letter, which Marathon takes for a slip, is a command like others.
      shows(null, undefined, { beside: { container: { docker: { image: "nginx" } } } }),
      same("serve", { beside: { container: { docker: { image: "nginx" } } } }),
    ],
    invalid: [
      refused(null, /expected a command: give cmd, args, or a container with an image/),
      refused(" ", /nothing but space/),
      refused(["sleep"], /expected text, got a list/),
      refused("a\0b", /NUL/),
      refusedBeside({ args: ["sleep"] }, "sleep 1", /exclude each other/, "/args"),
      refusedBeside({ container: { type: "MESOS" } }, null, /expected a command/),
    ],
    effect: shown("a shell line is read by a shell, arguments are not"),
  },
  {
    field: "args",
    within: { cmd: null },
    valid: [
      same(["sleep", "1"]),
      shows(["serve", 80], ["serve", "80"], { warns: /\/args\(1\): the number 80 was understood as the text/ }),
      shows([], undefined, { beside: { cmd: "sleep 1" } }),
      same(["-g", "daemon off;"], { beside: { container: { docker: { image: "nginx" } } } }),
    ],
    invalid: [
      refused("sleep 1", /expected a list of texts/),
      refused([], /expected a program as the first/),
      refused(["a", null], /expected a value/, "/args(1)"),
      refused(["a", {}], /expected text, got an object/, "/args(1)"),
    ],
    effect: shown("a shell line is read by a shell, arguments are not"),
  },
  {
    field: "user",
    valid: [same("nobody"), shows("", undefined), shows(null, undefined)],
    invalid: [NOT_TEXT],
    effect: shown("a task runs as the user it names"),
  },
  {
    field: "env",
    default: {},
    valid: [
      same({ LEVEL: "2", "any-name.at/all": "", ÄÖ: "ü" }),
      shows({ A: 1, B: true, C: null }, { A: "1", B: "true" }, { warns: /\/env\/A: the number 1 was understood/ }),
    ],
    invalid: [
      refused(["A=1"], /expected an object of texts, got a list/),
      refused({ "": "x" }, /name of a variable may not be empty/, "/env/"),
      refused({ "a=b": "x" }, /may not hold "="/, "/env/a=b"),
      refused({ A: ["x"] }, /expected text, got a list/, "/env/A"),
      refused({ A: { secret: "s" } }, /cannot pass on secrets/, "/env/A"),
    ],
    effect: shown("a task finds in its environment what its spec says"),
  },
  {
    field: "labels",
    default: {},
    valid: [
      same({ tier: "web", VIP_0: "/web:80" }),
      shows({ weight: 5 }, { weight: "5" }, { warns: /\/labels\/weight/ }),
    ],
    invalid: [
      refused("tier=web", /expected an object of texts/),
      refused({ a: {} }, /expected text, got an object/, "/labels/a"),
    ],
    effect: shown("a task finds in its environment what its spec says"),
  },
  {
    field: "labels.MARATHON_SINGLE_INSTANCE_APP",
    isOfNewApps: true, // Its strategy is a new app's default; one that is there has another.
    valid: [
      shows("true", { minimumHealthCapacity: 0, maximumOverCapacity: 0 }, { at: "upgradeStrategy" }),
      shows("false", { minimumHealthCapacity: 1, maximumOverCapacity: 1 }, { at: "upgradeStrategy" }),
    ],
    invalid: [
      refusedBeside({ instances: 2 }, "true", /expected 0 or 1, since the app has the label/, "/instances"),
      refusedBeside(
        { upgradeStrategy: { maximumOverCapacity: 0.5 } },
        "true",
        /expected 0, since the app has the label/,
        "/upgradeStrategy/maximumOverCapacity",
      ),
    ],
    effect: shownIn(
      "libs/core/src/rollout/plan.test.ts",
      "without over-capacity an upgrade stops first, as far as the least capacity allows",
    ),
  },
  {
    field: "labels.GPU_SCHEDULING_BEHAVIOR",
    valid: [same("unrestricted"), same("restricted", { warns: /an app without gpus may run where some are/ })],
    invalid: [],
    effect: none("kept as any label, with a warning where it asks for what nobody does"),
  },
  {
    field: "executor",
    valid: [shows("", undefined), shows("//cmd", undefined)],
    invalid: [refused("/opt/executor", UNSUPPORTED)],
    effect: none("what may be said names the executor that every app has"),
  },
];
