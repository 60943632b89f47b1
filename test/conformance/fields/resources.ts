/** How many instances there are, and what each takes of its agent. */
import {
  NEGATIVE,
  NOT_NUMBER,
  NOT_WHOLE,
  none,
  type Row,
  refused,
  refusedBeside,
  same,
  shown,
  shownIn,
  shows,
  UNSUPPORTED,
} from "./row.ts";

const waits = shown("what fits nowhere waits and says why");
const limits = shownIn("libs/core/src/placement/run-document.test.ts", "of an app are");

export const resources: readonly Row[] = [
  {
    field: "instances",
    default: 1,
    valid: [same(0), same(3), shows("2", 2, { warns: /the text "2" was understood as the number 2/ })],
    invalid: [NEGATIVE, NOT_WHOLE, refused(5_001, /expected 0 to 5000/), refused(true, /expected a whole number/)],
    effect: shown("the youngest goes first, or the oldest"),
  },
  {
    field: "cpus",
    default: 1,
    valid: [same(0.001), same(2.5), shows("0.25", 0.25, { warns: /understood as the number 0.25/ })],
    invalid: [NEGATIVE, NOT_NUMBER, refused(0.0001, /expected 0.001 to/)],
    effect: waits,
  },
  {
    field: "mem",
    default: 128,
    valid: [same(0), same(64.5), shows("256", 256, { warns: /understood as the number 256/ })],
    invalid: [NEGATIVE, refused("256m", /expected a number, got the text "256m"/)],
    effect: waits,
  },
  { field: "disk", default: 0, valid: [same(10)], invalid: [NEGATIVE, NOT_NUMBER], effect: waits },
  {
    field: "gpus",
    default: 0,
    valid: [same(1), shows("2", 2, { warns: /number 2/ })], // Any agent may have them, whatever runs the task.
    invalid: [NEGATIVE, refused(0.5, /expected a whole number/)],
    effect: waits,
  },
  {
    field: "resourceLimits",
    valid: [same({ cpus: 2, mem: "unlimited" }), shows({}, undefined)],
    invalid: [
      refused(2, /expected an object such as/),
      refused({ disk: 5 }, /only cpus and mem have limits/, "/resourceLimits/disk"),
    ],
    effect: limits,
  },
  {
    field: "resourceLimits.cpus",
    valid: [same(1), same("unlimited"), shows("Unlimited", "unlimited", { warns: /understood as "unlimited"/ })],
    invalid: [
      refused(0.5, /expected 1 or more, since cpus is 1, got 0.5/),
      refused("all", /expected a number or "unlim/),
    ],
    effect: limits,
  },
  {
    field: "resourceLimits.mem",
    valid: [same(128), same(256.5), same("unlimited")],
    invalid: [refused(64, /expected 128 or more, since mem is 128/), refused([], /expected a number/)],
    effect: shownIn("services/agent/src/host/docker/docker.test.ts", "limits reach the kernel"),
  },
  {
    field: "resources",
    valid: [same({ fpga: 1 }), same({ disks: ["sda", "sdb"] }), same({ disks: { any: 2 } }), shows({}, undefined)],
    invalid: [
      refused([], /expected an object such as/),
      refused({ fpga: 0.5 }, /expected a whole number/, "/resources/fpga"),
      refused({ cpus: 1 }, /is built in: ask for it with the app's own field "cpus"/, "/resources/cpus"),
      refused({ disks: [] }, /expected the items that are needed/, "/resources/disks"),
      refused({ disks: ["a", "a"] }, /stands twice/, "/resources/disks(1)"),
      refused({ disks: { any: 0 } }, /expected 1 to/, "/resources/disks/any"),
      refused({ disks: {} }, /expected how many/, "/resources/disks/any"),
    ],
    effect: shownIn("test/scripts/custom-resources.txt", "any items of a set"),
  },
  {
    field: "executorResources",
    valid: [shows({}, undefined)],
    invalid: [refused({ cpus: 0.1 }, UNSUPPORTED)],
    effect: none("refused: an agent runs tasks itself, and what it takes for that is not the app's"),
  },
  {
    field: "memory",
    within: { mem: null },
    valid: [
      shows(64, 64, { at: "mem", warns: /"memory" was understood as "mem"/ }),
      shows("64", 64, { at: "mem", beside: { mem: 64 }, warns: /the text "64" was understood/ }),
    ],
    invalid: [NEGATIVE, refusedBeside({ mem: 1 }, 2, /memory is 2 and mem is 1: keep mem/)],
    effect: waits,
  },
];
