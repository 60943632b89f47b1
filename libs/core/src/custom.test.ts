import assert from "node:assert/strict";
import { test } from "node:test";
import type { CustomResources } from "@muster/contracts";
import { addCustom, subtractCustom } from "./custom.ts";

test("what is added to custom resources and taken off again leaves nothing behind, and more than is held throws", () => {
  const none: CustomResources = { scalars: {}, sets: {} };
  const share = { scalars: { fpga: 2 }, items: { disks: ["sda", "sdb"] } };
  const once = addCustom(none, share);
  assert.deepEqual(once, { scalars: { fpga: 2 }, sets: { disks: ["sda", "sdb"] } });
  assert.deepEqual(subtractCustom(once, share), none);
  assert.deepEqual(subtractCustom(addCustom(once, { scalars: { fpga: 1 }, items: { disks: ["sdc"] } }), share), {
    scalars: { fpga: 1 },
    sets: { disks: ["sdc"] },
  });
  assert.throws(() => subtractCustom(once, { scalars: { fpga: 3 }, items: {} }), /releasing 3 fpga of 2 held/);
  assert.throws(() => subtractCustom(once, { scalars: {}, items: { disks: ["sdx"] } }), /releasing sdx of disks/);
});
