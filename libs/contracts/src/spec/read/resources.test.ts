import assert from "node:assert/strict";
import { test } from "node:test";
import { MusterError } from "../../errors.ts";
import { type CustomAsk, type Limits, NO_CUSTOM_ASK, NO_LIMITS } from "../placement.ts";
import { readApp } from "../read.ts";
import { renderApp } from "../render.ts";

type Fields = Record<string, unknown>;
const APP = { id: "/web", cmd: "sleep 1", cpus: 2, mem: 100 };

const LIMITS: [written: unknown, limits: Partial<Limits>, warnings?: string[]][] = [
  [null, {}],
  [{}, {}],
  [{ cpus: null }, {}],
  [
    { cpus: 2, mem: 100 },
    { cpus: 2, mem: 100 },
  ],
  [{ cpus: 2.5 }, { cpus: 2.5 }],
  [
    { cpus: "unlimited", mem: "unlimited" },
    { cpus: "unlimited", mem: "unlimited" },
  ],
  [{ mem: "512" }, { mem: 512 }, ["/resourceLimits/mem"]],
  [{ mem: "Unlimited" }, { mem: "unlimited" }, ["/resourceLimits/mem"]],
];
for (const [written, limits, warnings = []] of LIMITS) {
  test(`the limits ${JSON.stringify(written)} are read and shown`, () => {
    const { spec, warnings: given } = readApp({ ...APP, resourceLimits: written });
    assert.deepEqual(spec.limits, { ...NO_LIMITS, ...limits });
    assert.deepEqual(
      given.map(({ path }) => path),
      warnings,
    );
    const shown = Object.keys(limits).length === 0 ? undefined : limits;
    assert.deepEqual(renderApp(spec, { version: 0 }).resourceLimits, shown);
  });
}

const ASKS: [written: unknown, custom: Partial<CustomAsk>, warnings?: string[]][] = [
  [null, {}],
  [{}, {}],
  [{ fpga: null }, {}],
  [{ fpga: 1, "acme/token": 0 }, { scalars: { fpga: 1, "acme/token": 0 } }],
  [{ fpga: "2" }, { scalars: { fpga: 2 } }, ["/resources/fpga"]],
  [{ licences: ["a", "b"] }, { sets: { licences: ["a", "b"] } }],
  [{ slots: [1] }, { sets: { slots: ["1"] } }, ["/resources/slots(0)"]],
  [{ disks: { any: 2 } }, { sets: { disks: 2 } }],
  [{ disks: { any: 2, of: 5 } }, { sets: { disks: 2 } }, ["/resources/disks/of"]],
];
for (const [written, custom, warnings = []] of ASKS) {
  test(`the resources ${JSON.stringify(written)} are read and shown`, () => {
    const { spec, warnings: given } = readApp({ ...APP, resources: written });
    assert.deepEqual(spec.custom, { ...NO_CUSTOM_ASK, ...custom });
    assert.deepEqual(
      given.map(({ path }) => path),
      warnings,
    );
    assert.deepEqual(readApp(renderApp(spec, { version: 0 })), { spec, warnings: [] });
  });
}

const REFUSED: [fields: Fields, code: string, ...paths: string[]][] = [
  [{ resourceLimits: 5 }, "spec.type", "/resourceLimits"],
  [{ resourceLimits: { cpus: 1.9, mem: 99 } }, "spec.invalid", "/resourceLimits/cpus", "/resourceLimits/mem"],
  [{ resourceLimits: { disk: 5, cpu: 5 } }, "spec.invalid", "/resourceLimits/disk", "/resourceLimits/cpu"],
  [{ resourceLimits: { cpus: "much", mem: true } }, "spec.type", "/resourceLimits/cpus", "/resourceLimits/mem"],
  [{ mem: 0, resourceLimits: { mem: 0 } }, "spec.invalid", "/resourceLimits/mem"],
  [{ resourceLimits: { cpus: 1e9 } }, "spec.invalid", "/resourceLimits/cpus"],
  [{ resources: ["fpga"] }, "spec.type", "/resources"],
  [
    { resources: { fpga: -1, tpu: 0.5, x: "many", y: true } },
    "spec.type",
    ...["fpga", "tpu", "x", "y"].map((name) => `/resources/${name}`),
  ],
  [
    { resources: { cpus: 1, mem: 2, disk: 3, gpus: 4, ports: [5], cpu: 1, memory: 2 } },
    "spec.invalid",
    ...["cpus", "mem", "disk", "gpus", "ports", "cpu", "memory"].map((name) => `/resources/${name}`),
  ],
  [
    { resources: { "a b": 1, toString: 1, "": 1 } },
    "spec.invalid",
    "/resources/a b",
    "/resources/toString",
    "/resources/",
  ],
  [{ resources: { disks: [] } }, "spec.invalid", "/resources/disks"],
  [{ resources: { disks: ["a", "a", "b c"] } }, "spec.invalid", "/resources/disks(1)", "/resources/disks(2)"],
  [{ resources: { disks: {} } }, "spec.invalid", "/resources/disks/any"],
  [{ resources: { disks: { any: 0 } } }, "spec.invalid", "/resources/disks/any"],
  [{ resources: { disks: { any: ["a"] } } }, "spec.type", "/resources/disks/any"],
  [{ resources: { disks: Array.from({ length: 33 }, (_, i) => `d${i}`) } }, "spec.invalid", "/resources/disks"],
  [{ resources: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`r${i}`, 1])) }, "spec.invalid", "/resources"],
];
for (const [fields, code, ...paths] of REFUSED) {
  test(`${JSON.stringify(fields).slice(0, 90)} is refused as ${code}`, () => {
    assert.throws(
      () => readApp({ ...APP, ...fields }),
      (error) => {
        assert.ok(error instanceof MusterError, `threw ${error}`);
        assert.equal(error.code, code);
        assert.deepEqual(
          error.problems.map(({ path }) => path),
          paths,
        );
        return true;
      },
    );
  });
}

const TOLD: [fields: Fields, message: string][] = [
  [{ resourceLimits: { cpus: 1 } }, "/resourceLimits/cpus: expected 2 or more, since cpus is 2, got 1"],
  [{ resourceLimits: { disk: 1 } }, "/resourceLimits/disk: only cpus and mem have limits: remove the field"],
  [{ resourceLimits: { cpu: 1 } }, '/resourceLimits/cpu: only cpus and mem have limits; did you mean "cpus"?'],
  [{ resources: { mem: 1 } }, '/resources/mem: "mem" is built in: ask for it with the app\'s own field "mem"'],
  [{ resources: { gpu: 1 } }, '/resources/gpu: "gpu" is built in: ask for it with the app\'s own field "gpus"'],
  [
    { resources: { ports: 1 } },
    '/resources/ports: "ports" is built in: ask for ports with portDefinitions or portMappings',
  ],
];
for (const [fields, message] of TOLD) {
  test(`${JSON.stringify(fields)} is told as ${JSON.stringify(message)}`, () => {
    assert.throws(() => readApp({ ...APP, ...fields }), { message });
  });
}
