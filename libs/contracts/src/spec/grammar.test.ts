import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MusterError } from "../errors.ts";
import { NO_CUSTOM_RESOURCES } from "../resources.ts";
import { parseAttributes, parseOverrides, parseResources } from "./grammar.ts";

test("all resources of an agent are read", () => {
  assert.deepEqual(parseResources("cpus:4;mem:8192;disk:10000;gpus:0;ports:[31000-32000,33000-33100]"), {
    resources: { cpuMillis: 4_000, memoryMib: 8_192, diskMib: 10_000, gpus: 0 },
    ports: [
      { first: 31_000, last: 32_000 },
      { first: 33_000, last: 33_100 },
    ],
    custom: NO_CUSTOM_RESOURCES,
  });
});

test("attributes have the type that they are written in", () => {
  assert.deepEqual(parseAttributes("rack:rack-2;level:10;load:-0.5;ids:{a,b};span:[1-5];os:debian/12_x.y;none:{}"), {
    rack: { type: "text", value: "rack-2" },
    level: { type: "scalar", value: 10 },
    load: { type: "scalar", value: -0.5 },
    ids: { type: "set", value: ["a", "b"] },
    span: { type: "ranges", value: [{ first: 1, last: 5 }] },
    os: { type: "text", value: "debian/12_x.y" },
    none: { type: "set", value: [] },
  });
});

test("overrides hold resources and attributes in one text", () => {
  assert.deepEqual(parseOverrides("cpus:4;mem:8192;ports:[31000-32000];rack:rack-2"), {
    resources: { cpuMillis: 4_000, memoryMib: 8_192 },
    ports: [{ first: 31_000, last: 32_000 }],
    attributes: { rack: { type: "text", value: "rack-2" } },
  });
});

const custom = (scalars: Record<string, number>, sets: Record<string, string[]> = {}) => ({
  custom: { scalars, sets },
});
const RESOURCES: [text: string, expected: Partial<ReturnType<typeof parseResources>>][] = [
  ["", {}],
  [" cpus : 0.29 ; ", { resources: { cpuMillis: 290 } }],
  ["cpus:0.0019;mem:99.9", { resources: { cpuMillis: 1, memoryMib: 99 } }],
  ["cpus(*):2", { resources: { cpuMillis: 2_000 } }],
  ["fpga:2;disks:{sda,sdb}", custom({ fpga: 2 }, { disks: ["sda", "sdb"] })],
  ["cpus:1;acme/licence: 3.0 ", { resources: { cpuMillis: 1_000 }, ...custom({ "acme/licence": 3 }) }],
  ["fpga(*):+0;disks:{}", custom({ fpga: 0 }, { disks: [] })],
  ["disks:{sda, sda ,1}", custom({}, { disks: ["sda", "1"] })],
  ["ports:[]", { resources: {}, ports: [] }],
  ["ports:[8080]", { resources: {}, ports: [{ first: 8_080, last: 8_080 }] }],
  [
    "ports:[ 30-40 , 1-5,6-9, 35-50]",
    {
      resources: {},
      ports: [
        { first: 1, last: 9 },
        { first: 30, last: 50 },
      ],
    },
  ],
];
for (const [text, expected] of RESOURCES) {
  test(`the resources ${JSON.stringify(text)} are read`, () => {
    const nothing = { resources: {}, ports: null, custom: NO_CUSTOM_RESOURCES };
    assert.deepEqual(parseResources(text), { ...nothing, ...expected });
  });
}

const REFUSED: [text: string, message: RegExp][] = [
  ["cpus", /^"cpus": expected a name, a colon and a value/],
  ["cpus:", /^"cpus:": expected a number of cores/],
  ["mem:8g", /^"mem:8g": expected a number of mebibytes, such as mem:4/],
  ["cpus:-1", /^"cpus:-1": expected a number of cores/],
  ["gpus:0.5", /^"gpus:0.5": gpus are given whole/],
  ["cpus:9999999999999999", /expected a smaller number/],
  ["mem:1;cpus(web):4", /^"cpus\(web\):4": roles per resource are not supported/],
  ["mem:1;mem:2", /^"mem:2": "mem" stands twice/],
  ["ports:31000-32000", /expected ranges such as \[31000-32000\]/],
  ["ports:[2-1]", /the range 2-1 ends before it begins/],
  ["ports:[0-5]", /ports go from 1 to 65535/],
  ["ports:[1-70000]", /ports go from 1 to 65535/],
  ["ports:[a-b]", /"a-b" is no range/],
  ["ports:[1-2,]", /"" is no range/],
  ["ids:{a,,b}", /got nothing/],
  ["ids:{a", /expected a set such as \{a,b\}/],
  ["rack:", /got nothing/],
  ["rack:a b", /got "a b"/],
  ["ra ck:a", /a name holds letters/],
  [":a", /a name holds letters/],
  ["rack(web):a", /roles per resource are not supported/],
  ["__proto__:a", /the name "__proto__" is not allowed/],
  ['[{"name":"cpus"}]', /a name holds letters/],
];
for (const [text, message] of REFUSED) {
  test(`${text} is refused by name`, () => {
    assert.throws(
      () => parseOverrides(text),
      (error) => error instanceof MusterError && error.code === "spec.invalid" && message.test(error.message),
    );
  });
}

const NOT_CUSTOM: [text: string, message: RegExp][] = [
  ["fpga:[1-2]", /^"fpga:\[1-2\]": of the resources only ports has ranges: give a number such as fpga:2/],
  ["rack:r1", /^"rack:r1": expected whole units such as rack:2, or a set such as rack:\{a,b\}/],
  ["fpga:", /expected whole units/],
  ["fpga:-1", /expected whole units/],
  ["fpga:0.5", /^"fpga:0.5": fpga is given whole/],
  ["fpga:99999999999999999", /expected a smaller number of fpga/],
  ["disks:{a b}", /got "a b"/],
  ["fpga:1;fpga:{a}", /"fpga" stands twice/],
  ["constructor:1", /the name "constructor" is not allowed/],
  ["toString:1", /the name "toString" is not allowed/],
  ["cpu:4", /^"cpu:4": "cpu" is no resource; did you mean "cpus"\?/],
  ["memory:512", /did you mean "mem"\?/],
  ["gpu:{0,1}", /did you mean "gpus"\?/],
];
for (const [text, message] of NOT_CUSTOM) {
  test(`among resources ${text} is refused by name`, () => assert.throws(() => parseResources(text), { message }));
}

test("a resource among attributes is an attribute, and so is an operator's own among overrides", () => {
  assert.deepEqual(parseAttributes("mem:5"), { mem: { type: "scalar", value: 5 } });
  assert.deepEqual(parseOverrides("mem:5;fpga:2"), {
    resources: { memoryMib: 5 },
    ports: null,
    attributes: { fpga: { type: "scalar", value: 2 } },
  });
});

test("no text makes the grammar throw anything but an error from the catalogue", () => {
  const noise = fc.array(
    fc.constantFrom(..."cpus mem ports rack : ; , - ( ) [ ] { } 1 2.5 -3 a * \n".split(" "), " "),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        noise.map((parts) => parts.join("")),
        fc.string(),
      ),
      (text) => {
        for (const parse of [parseResources, parseAttributes, parseOverrides]) {
          try {
            parse(text);
          } catch (error) {
            assert.ok(error instanceof MusterError, `threw ${error}`);
          }
        }
      },
    ),
    { numRuns: 2_000 },
  );
});
