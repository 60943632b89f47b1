/** Where an app may run, and where it would rather. */
import {
  NOT_TEXT,
  NOT_TRUTH,
  none,
  type Row,
  refused,
  refusedBeside,
  same,
  shownIn,
  shows,
  UNSUPPORTED,
} from "./row.ts";

const constraint = (says: string) => shownIn("libs/core/src/rules/constraints.test.ts", says);
const rank = (says: string) => shownIn("libs/core/src/placement/rank.test.ts", says);
const gang = (says: string) => shownIn("libs/core/src/placement/gang.test.ts", says);
const rule = (says: string) => shownIn("libs/core/src/rules/rules.test.ts", says);

export const placement: readonly Row[] = [
  {
    field: "constraints",
    default: [],
    valid: [
      same([["hostname", "UNIQUE"]]),
      same([
        ["@zone", "GROUP_BY"],
        ["@region", "IS", "eu"],
        ["@hostname", "UNLIKE", "n[12]"],
      ]),
      shows([["hostname", "unique"]], [["hostname", "UNIQUE"]]),
      same([
        ["rack", "CLUSTER"],
        ["rack", "CLUSTER", "rack-2"],
      ]),
      shows([["rack", "GROUP_BY", 3]], [["rack", "GROUP_BY", "3"]], { warns: /\/constraints\(0\)\(2\)/ }),
      same([
        ["rack", "LIKE", "rack-[1-3]"],
        ["rack", "MAX_PER", "2"],
        ["level", "IS", "10"],
      ]),
    ],
    invalid: [
      refused("hostname UNIQUE", /expected a list of constraints/),
      refused(["hostname", "UNIQUE"], /constraints are lists in a list/, "/constraints(0)", "/constraints(1)"),
      refused([{ fieldName: "a", operator: "UNIQUE" }], /expected a list such as/, "/constraints(0)"),
      refused([["hostname"]], /expected a field, an operator and at most one value, got 1 item/, "/constraints(0)"),
      refused([["a", "IS", "b", "c"]], /got 4 items/, "/constraints(0)"),
      refused([["a", "NEAR", "b"]], /expected one of "UNIQUE"/, "/constraints(0)(1)"),
      refused([["", "UNIQUE"]], /expected "hostname" or the name of an attribute/, "/constraints(0)(0)"),
      refused([["@rack", "UNIQUE"]], /there is no field "@rack": expected @hostname/, "/constraints(0)(0)"),
      refused([["a", "UNIQUE", "b"]], /UNIQUE takes no value/, "/constraints(0)"),
      refused([["a", "GROUP_BY", "1.5"]], /GROUP_BY takes a whole number/, "/constraints(0)"),
      refused([["a", "LIKE"]], /LIKE and UNLIKE take a regular expression/, "/constraints(0)"),
      refused([["a", "UNLIKE", "("]], /\(/, "/constraints(0)"),
      refused([["a", "MAX_PER"]], /MAX_PER takes a whole number from 1 up/, "/constraints(0)"),
      refused([["a", "IS", "b c"]], /IS takes a value of letters/, "/constraints(0)"),
    ],
    effect: constraint("a pattern that would stall a backtracking engine answers at once"),
  },
  {
    field: "acceptedResourceRoles",
    valid: [same(["*", "web"]), shows([], undefined)], // Whatever role the operator gave an agent.
    invalid: [
      refused("*", /expected a list of roles/),
      refused([5], /expected text/, "/acceptedResourceRoles(0)"),
      refused(["*", ""], /expected "\*" or the name of a role, got the text ""/, "/acceptedResourceRoles(1)"),
      refused(["a b"], /the name of a role/, "/acceptedResourceRoles(0)"),
    ],
    effect: shownIn("test/scripts/refusals.txt", "acceptedResourceRoles"),
  },
  {
    field: "role",
    valid: [shows("*", undefined), shows("", undefined)],
    invalid: [refused("web", UNSUPPORTED)],
    effect: none("what may be said is the role of every app"),
  },
  {
    field: "placement",
    valid: [shows({}, undefined), same({ strategy: "binpack", priority: "high" })],
    invalid: [refused("binpack", /expected an object such as/)],
    effect: rank("an app's own strategy goes before the cluster's"),
  },
  {
    field: "placement.strategy",
    valid: [same("spread"), same("random"), shows("Binpack", "binpack", { warns: /was understood as "binpack"/ })],
    invalid: [refused("even", /expected one of "spread"/)],
    effect: rank("an app's own strategy goes before the cluster's"),
  },
  {
    field: "placement.spreadOver",
    valid: [
      shows("rack", [{ field: "rack", weight: 50 }]),
      shows([{ field: "rack" }], [{ field: "rack", weight: 50 }]),
    ],
    invalid: [refused(["a b"], /is no name of an attribute/, "/placement/spreadOver(0)")],
    effect: rank("spreadOver evens out the values of a field before agents are compared"),
  },
  {
    field: "placement.spreadOver[].field",
    valid: [same("@zone")],
    invalid: [refused(null, /expected a field/), refused("@rack", /there is no field "@rack"/)],
    effect: rank("spreadOver evens out the values of a field before agents are compared"),
  },
  {
    field: "placement.spreadOver[].weight",
    within: { placement: { spreadOver: [{ field: "rack" }] } },
    default: 50,
    valid: [same(1), same(100)],
    invalid: [refused(0, /expected 1 to 100/), refused(1.5, /expected a whole number/)],
    effect: rank("of two fields the heavier is evened out first"),
  },
  {
    field: "placement.expressions",
    valid: [same(["storage==ssd", "node!=n1*", "region==~/eu-.+/"]), shows("a==b", ["a==b"])],
    invalid: [refused(["storage=ssd"], /storage=ssd/, "/placement/expressions(0)")],
    effect: rule("a glob of one letter does not match two"),
  },
  ...(["affinity", "antiAffinity"] as const).flatMap((name): readonly Row[] => [
    {
      field: `placement.${name}`,
      valid: [shows("/db", [{ app: "/db" }]), shows(["tier=db,!legacy"], [{ selector: "tier=db,!legacy" }])],
      invalid: [
        refused([{}], /expected an app or a selector/, `/placement/${name}(0)`),
        refused(["a b"], /is no requirement/, `/placement/${name}(0)`),
      ],
      effect: rule(`${name}: "/`),
    },
    {
      field: `placement.${name}[].app`,
      valid: [same("/db"), shows("../db", "/fields/db")],
      invalid: [NOT_TEXT, refused("db", /expected an absolute id, got "db"; did you mean "\/fields\/db"/)],
      effect: rule(`${name}: { app: "/`),
    },
    {
      field: `placement.${name}[].selector`,
      valid: [same("tier=db"), shows("tier == db", "tier=db")],
      invalid: [
        refused("tier=(db)", /is no requirement/),
        { ...refused("a", /app and selector exclude each other/), beside: { placement: { [name]: [{ app: "/a" }] } } },
      ],
      effect: rule(`${name}: { selector: "`),
    },
    {
      field: `placement.${name}[].over`,
      within: { placement: { [name]: [{ app: "/db" }] } },
      valid: [same("rack"), shows("@hostname", undefined)],
      invalid: [refused("@host", /there is no field "@host"/)],
      effect: rule('over: "rack"'),
    },
    {
      field: `placement.${name}[].weight`,
      within: { placement: { [name]: [{ app: "/db" }] } },
      valid: [same(20)],
      invalid: [refused(101, /expected 1 to 100/)],
      effect: rank("soft terms are lost one at a time"),
    },
  ]),
  {
    field: "placement.machineId",
    valid: [same("n7"), shows(["n7"], "n7")],
    invalid: [refused("a b", /is no name of an agent/), refused(["a", "b"], /expected one value, got 2/)],
    effect: rule('placement: { machineId: "n2" }'),
  },
  {
    field: "placement.machineOf",
    valid: [same("/db"), shows("../db", "/fields/db")],
    invalid: [
      refused("db", /expected an absolute id/),
      refused("./", /cannot wait for an agent that runs the app itself/),
    ],
    effect: shownIn("test/scripts/machine-of.txt", "MachineOf follows another app to its agents"),
  },
  {
    field: "placement.machineMetadata",
    valid: [
      same(["disk=ssd", "disk=nvme"]),
      shows("disk=ssd", ["disk=ssd"]),
      shows({ disk: ["ssd", "nvme"] }, ["disk=ssd", "disk=nvme"]),
    ],
    invalid: [refused("disk", /has no "="/), refused(["a b=c"], /is no name/, "/placement/machineMetadata(0)")],
    effect: rule('machineMetadata: ["rack=r1", "storage=ssd", "rack=r2"]'),
  },
  {
    field: "placement.conflicts",
    valid: [same(["/noisy*"]), shows("/noisy*", ["/noisy*"])],
    invalid: [
      refused("noisy*", /expected a pattern of absolute ids/),
      refused(["/A_b"], /matches no id/, "/placement/conflicts(0)"),
    ],
    effect: shownIn("test/scripts/conflicts.txt", "Conflicts hold both ways"),
  },
  {
    field: "placement.global",
    valid: [
      same(true),
      shows(false, undefined),
      shows(true, 0, { at: "instances", beside: { instances: 3 }, warns: /one instance on every agent/ }),
    ],
    invalid: [
      NOT_TRUTH,
      { ...refused(true, /remove gang or global/, "/placement/gang"), beside: { placement: { gang: true } } },
    ],
    effect: shownIn("test/integration/global.test.ts", "agents that join get an instance"),
  },
  {
    field: "placement.gang",
    valid: [same(true), shows({ patienceSeconds: 30 }, true), shows(false, undefined)],
    invalid: [NOT_TRUTH, refusedBeside({ instances: 401 }, true, /at most 400 instances, got 401/, "/instances")],
    effect: gang("a gang is placed whole, in one commit"),
  },
  {
    field: "placement.gang.patienceSeconds",
    valid: [same(0)],
    invalid: [refused(-1, /got -1/)],
    effect: gang("while a gang is patient small apps flow past it"),
  },
  {
    field: "placement.gang.holdSeconds",
    valid: [same(5)],
    invalid: [refused(0, /expected more than 0/)],
    effect: gang("a hold that ran out binds nobody"),
  },
  {
    field: "placement.priority",
    valid: [same("high"), same("low"), shows("normal", undefined)],
    invalid: [refused("urgent", /expected one of "high"/)],
    effect: shownIn("libs/core/src/rollout/decide.test.ts", "placement is woken with the app's priority"),
  },
  {
    field: "X-Fleet",
    valid: [
      shows({ MachineID: "n7" }, "n7", { at: "placement.machineId" }),
      shows({ MachineOf: "/db" }, "/db", { at: "placement.machineOf" }),
      shows({ MachineMetadata: "disk=ssd" }, ["disk=ssd"], { at: "placement.machineMetadata" }),
      shows({ Conflicts: ["/noisy*"] }, ["/noisy*"], { at: "placement.conflicts" }),
      shows({ Global: "true" }, true, { at: "placement.global" }),
    ],
    invalid: [
      refused("Global=true", /expected an object of fleet's options/),
      refusedBeside({ placement: { machineId: "n1" } }, { MachineID: "n2" }, /says this already/, "/X-Fleet/MachineID"),
    ],
    effect: rule('placement: { machineId: "n2" }'),
  },
];
