/** How an app is replaced, retried, ended and waited for, and what it waits for itself. */
import {
  NEGATIVE,
  NOT_NUMBER,
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

const grows = shown("a delay grows with the failures, up to its most");
const share = (says: string) => shownIn("libs/core/src/deployment/deploying.property.test.ts", says);
const NEVER_FEWER = "an upgrade never has fewer instances up than its least, nor more than its most";
const lost = (says: string) => shownIn("libs/core/src/rollout/plan.test.ts", says);
const told = (file: string, says: string) => shownIn(`test/scripts/deployments/${file}.txt`, says);
const NOBODY = /nothing has the id \/fields\/db: nobody waits for it/;
const TOO_MUCH = refused(1.1, /expected 0 to 1, got 1.1/);

export const rollout: readonly Row[] = [
  { field: "backoffSeconds", default: 1, valid: [same(0), same(2.5)], invalid: [NEGATIVE, NOT_NUMBER], effect: grows },
  {
    field: "backoffFactor",
    default: 1.15,
    valid: [same(1), same(2)],
    invalid: [refused(0.5, /expected 1 to/), NOT_NUMBER],
    effect: grows,
  },
  {
    field: "maxLaunchDelaySeconds",
    default: 300,
    valid: [same(3_600)],
    invalid: [NEGATIVE, NOT_NUMBER],
    effect: grows,
  },
  {
    field: "upgradeStrategy",
    default: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
    valid: [shows({ minimumHealthCapacity: 0.5 }, { minimumHealthCapacity: 0.5, maximumOverCapacity: 1 })],
    invalid: [refused("rolling", /expected an object with minimumHealthCapacity/)],
    effect: share(NEVER_FEWER),
  },
  {
    field: "upgradeStrategy.minimumHealthCapacity",
    default: 1,
    valid: [same(0), same(0.25)],
    invalid: [TOO_MUCH, NEGATIVE, NOT_NUMBER],
    effect: share(NEVER_FEWER),
  },
  {
    field: "upgradeStrategy.maximumOverCapacity",
    default: 1,
    valid: [same(0), same(0.25)],
    invalid: [TOO_MUCH, NEGATIVE, NOT_NUMBER],
    effect: share(NEVER_FEWER),
  },
  {
    field: "rollout",
    valid: [shows({}, undefined), shows({ strategy: "rolling" }, undefined)],
    invalid: [refused("canary", /expected an object with strategy/)],
    effect: told("canary", "A canary is tried beside the old version"),
  },
  {
    field: "rollout.strategy",
    valid: [same("batches"), same("canary"), same("blueGreen"), shows("rolling", undefined)],
    invalid: [
      refused("bluegreens", /expected one of "rolling"/),
      refusedBeside({ placement: { global: true } }, "canary", /an app with one instance on every agent has no stages/),
      refusedBeside({ placement: { gang: true } }, "canary", /a gang, which is replaced as a whole, has no stages/),
      refusedBeside(
        { labels: { MARATHON_SINGLE_INSTANCE_APP: "true" } },
        "canary",
        /may never run twice has no stages/,
      ),
    ],
    effect: share('"rolling", "batches", "canary", "blueGreen"'),
  },
  {
    field: "rollout.batches",
    within: { rollout: { strategy: "batches" } },
    valid: [
      same([1, 5]),
      shows(3, [3]),
      shows([2], undefined, { beside: { rollout: {} }, warns: /it says nothing about the strategy "rolling"/ }),
    ],
    invalid: [
      refused([], /expected 1 to \d+ sizes/),
      refused([0], /expected 1 to/, "/rollout/batches(0)"),
      refused("all", /expected a whole number/),
    ],
    effect: told("steering", '"batches":[1,2]'),
  },
  {
    field: "rollout.canary",
    within: { rollout: { strategy: "canary" } },
    valid: [
      same(2),
      shows(1, undefined),
      shows(2, undefined, { beside: { rollout: { strategy: "blueGreen" } }, warns: /says nothing about the strategy/ }),
    ],
    invalid: [refused(0, /expected 1 to/), NOT_WHOLE],
    effect: told("canary", "canary"),
  },
  {
    field: "rollout.watchSeconds",
    valid: [same(60), shows(0, undefined)],
    invalid: [NEGATIVE, NOT_NUMBER],
    effect: told("steering", '"watchSeconds":10'),
  },
  {
    field: "rollout.waitsForPromotion",
    within: { rollout: { strategy: "canary" } },
    valid: [
      same(false),
      shows(true, undefined), // A canary waits unless it is told not to.
      same(true, { beside: { rollout: { strategy: "batches" } } }),
      shows(true, undefined, { beside: { rollout: {} }, warns: /says nothing about the strategy "rolling"/ }),
    ],
    invalid: [NOT_TRUTH],
    effect: told("canary", "waits for a word"),
  },
  {
    field: "rollout.timeoutSeconds",
    valid: [same(30), shows(0, 0), shows(600, undefined)],
    invalid: [NEGATIVE, NOT_NUMBER],
    effect: told("failing", "timeoutSeconds"),
  },
  {
    field: "rollout.maxFailures",
    valid: [same(0), same("unlimited"), shows(2, undefined)],
    invalid: [NEGATIVE, NOT_WHOLE, refused("many", /expected a whole number/)],
    effect: told("orders", "maxFailures"),
  },
  {
    field: "rollout.rollbackOnFailure",
    valid: [same(true), shows(false, undefined)],
    invalid: [NOT_TRUTH],
    effect: shownIn("test/e2e/deployments.test.ts", "goes back by itself, and the old one serves all the time"),
  },
  {
    field: "killSelection",
    default: "YOUNGEST_FIRST",
    valid: [same("OLDEST_FIRST"), shows("oldest_first", "OLDEST_FIRST", { warns: /understood as "OLDEST_FIRST"/ })],
    invalid: [refused("RANDOM", /expected one of "YOUNGEST_FIRST"/)],
    effect: shown("the youngest goes first, or the oldest"),
  },
  {
    field: "taskKillGracePeriodSeconds",
    valid: [same(0), same(30), shows("5", 5, { warns: /number 5/ })],
    invalid: [NEGATIVE, NOT_NUMBER],
    effect: shown("a grace period is waited for, and no longer"),
  },
  {
    field: "unreachableStrategy",
    default: { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
    valid: [same("disabled"), shows({}, { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 })],
    invalid: [refused("enabled", /expected "disabled" or an object/), refused(5, /or "disabled"/)],
    effect: lost("a lost instance is replaced when its time is over"),
  },
  {
    field: "unreachableStrategy.inactiveAfterSeconds",
    default: 0,
    valid: [same(60), shows(60, { inactiveAfterSeconds: 60, expungeAfterSeconds: 60 }, { at: "unreachableStrategy" })],
    invalid: [
      NEGATIVE,
      {
        ...refused(60, /expected inactiveAfterSeconds \(60\) or more/, "/unreachableStrategy/expungeAfterSeconds"),
        beside: { unreachableStrategy: { expungeAfterSeconds: 30 } },
      },
    ],
    effect: shownIn("test/integration/liveness.test.ts", "a silent agent is suspect, then unreachable"),
  },
  {
    field: "unreachableStrategy.expungeAfterSeconds",
    default: 0,
    valid: [same(600)],
    invalid: [NEGATIVE, NOT_NUMBER],
    effect: lost("may come back until its time is forgotten"),
  },
  {
    field: "dependencies",
    default: [],
    valid: [
      same(["/ids/plain"]),
      shows(["/ids/plain", "../../ids/plain"], ["/ids/plain"]),
      same(["/db"], { warns: /nothing has the id \/db: nobody waits for it/ }),
      shows(["db", "log/main"], ["/fields/db", "/fields/log/main"], { warns: NOBODY }),
      shows(["../db", "../../mail"], ["/fields/db", "/mail"], { warns: NOBODY }),
    ],
    invalid: [
      refused("/db", /expected a list of app ids/),
      refused([5], /expected text/, "/dependencies(0)"),
      refused(["/Db"], /is no app id: .*did you mean "\/db"/, "/dependencies(0)"),
      refused(["../../../db"], /steps out of the root/, "/dependencies(0)"),
      refusedBeside({ id: "/g/self" }, ["self"], /an app cannot depend on itself/, "/dependencies(0)"),
    ],
    effect: shownIn("test/conformance/groups.test.ts", "three tiers go up, change and go down in the order"),
  },
];
