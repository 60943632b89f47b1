/** How people say where an app may run, what is read from it, and what is refused. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { MusterError } from "../errors.ts";
import { type AffinityTerm, NO_PLACEMENT, type PlacementSpec } from "./placement.ts";
import { readApp } from "./read.ts";
import { renderApp } from "./render.ts";

type Fields = Record<string, unknown>;
const APP = { id: "/prod/web", cmd: "sleep 1" };
const show = (fields: unknown): string => JSON.stringify(fields).slice(0, 110);

const term = (more: Partial<AffinityTerm>): AffinityTerm => ({
  app: null,
  selector: null,
  over: "@hostname",
  weight: null,
  ...more,
});
const DB = term({ selector: [{ key: "tier", operator: "=", values: ["db"] }] });
const GANG = { patienceSeconds: 30, holdSeconds: 300 };
const SSD = { field: "storage", operator: "==", pattern: { type: "glob", text: "ssd" }, isSoft: false } as const;

/** `placement` as it is written, what is read from it, and where warnings are given. */
const PLACEMENTS: [written: Fields, read: Partial<PlacementSpec>, warnings?: string[]][] = [
  [{}, {}],
  [{ strategy: null, affinity: null, gang: null, priority: null, global: null, machineMetadata: null }, {}],
  [{ affinity: [], expressions: [], conflicts: [], spreadOver: [], gang: false, global: false }, {}],
  [{ strategy: "binpack" }, { strategy: "binpack" }],
  [{ strategy: "Spread" }, { strategy: "spread" }, ["/strategy"]],
  [{ spreadOver: "rack" }, { spreadOver: [{ field: "rack", weight: 50 }] }],
  [
    { spreadOver: ["@zone", { field: "rack", weight: 100 }, { field: "level" }] },
    {
      spreadOver: [
        { field: "@zone", weight: 50 },
        { field: "rack", weight: 100 },
        { field: "level", weight: 50 },
      ],
    },
  ],
  [{ expressions: "storage==ssd" }, { expressions: [SSD] }],
  [{ expressions: ["constraint:storage==ssd", "storage==~ssd"] }, { expressions: [SSD, { ...SSD, isSoft: true }] }],
  [{ affinity: "/db" }, { affinity: [term({ app: "/db" })] }],
  [{ affinity: "tier=db" }, { affinity: [DB] }],
  [
    { affinity: ["/db", { app: "../cache", over: "rack" }, { selector: "tier=db", weight: 7 }] },
    { affinity: [term({ app: "/db" }), term({ app: "/prod/cache", over: "rack" }), { ...DB, weight: 7 }] },
  ],
  [{ antiAffinity: { app: "/prod/web" } }, { antiAffinity: [term({ app: "/prod/web" })] }],
  [
    { machineId: "n7", machineOf: "/db" },
    { machineId: "n7", machineOf: "/db" },
  ],
  [{ machineOf: "./sidecar" }, { machineOf: "/prod/web/sidecar" }],
  [
    { machineMetadata: ["disk=ssd", " disk = nvme "] },
    {
      machineMetadata: [
        { key: "disk", value: "ssd" },
        { key: "disk", value: "nvme" },
      ],
    },
  ],
  [{ machineMetadata: "region=eu" }, { machineMetadata: [{ key: "region", value: "eu" }] }],
  [
    { machineMetadata: { disk: ["ssd", "nvme"], level: 3 } },
    {
      machineMetadata: [
        { key: "disk", value: "ssd" },
        { key: "disk", value: "nvme" },
        { key: "level", value: "3" },
      ],
    },
    ["/machineMetadata/level"],
  ],
  [{ conflicts: "/web*" }, { conflicts: ["/web*"] }],
  [{ conflicts: ["/a?", "../b/*"] }, { conflicts: ["/a?", "/prod/b/*"] }],
  [{ global: true }, { isGlobal: true }],
  [{ global: "true" }, { isGlobal: true }, ["/global"]],
  [
    {
      global: true,
      machineMetadata: ["disk=ssd"],
      conflicts: ["/db"],
      expressions: ["storage==ssd"],
      priority: "high",
    },
    {
      isGlobal: true,
      machineMetadata: [{ key: "disk", value: "ssd" }],
      conflicts: ["/db"],
      expressions: [SSD],
      priority: "high",
    },
  ],
  [{ global: true, affinity: [], gang: false, spreadOver: [] }, { isGlobal: true }],
  [{ global: true, strategy: "binpack" }, { isGlobal: true }, ["/strategy"]],
  [{ gang: true }, { gang: GANG }],
  [{ gang: {} }, { gang: GANG }],
  [{ gang: { patienceSeconds: 0 } }, { gang: { ...GANG, patienceSeconds: 0 } }],
  [{ priority: "LOW" }, { priority: "low" }, ["/priority"]],
  [{ Strategy: "binpack", prio: 1 }, {}, ["/Strategy", "/prio"]],
  [
    { affinity: [{ app: "/db", topologyKey: "rack" }] },
    { affinity: [term({ app: "/db" })] },
    ["/affinity(0)/topologyKey"],
  ],
  // fleet's spellings.
  [
    { MachineID: "n7", MachineOf: ["/db"], MachineMetadata: ["disk=ssd"], Conflicts: "/a*" },
    { machineId: "n7", machineOf: "/db", machineMetadata: [{ key: "disk", value: "ssd" }], conflicts: ["/a*"] },
  ],
  [{ Global: "true" }, { isGlobal: true }],
];
for (const [written, read, warnings = []] of PLACEMENTS) {
  test(`the placement ${show(written)} is read${warnings.length === 0 ? "" : ` with warnings at ${warnings.join(" ")}`}`, () => {
    const result = readApp({ ...APP, placement: written });
    assert.deepEqual(result.spec.placement, { ...NO_PLACEMENT, ...read });
    assert.deepEqual(
      result.warnings.map(({ path }) => path),
      warnings.map((path) => `/placement${path}`),
    );
    assert.deepEqual(readApp(renderApp(result.spec, { version: 0 })), { spec: result.spec, warnings: [] });
  });
}

const FLEETS: [fleet: Fields, read: Partial<PlacementSpec>, warnings?: string[]][] = [
  [{}, {}],
  [
    { MachineID: ["n7"], MachineOf: "/db", MachineMetadata: "disk=ssd", Conflicts: ["/a", "/b"] },
    { machineId: "n7", machineOf: "/db", machineMetadata: [{ key: "disk", value: "ssd" }], conflicts: ["/a", "/b"] },
  ],
  [{ Global: "true" }, { isGlobal: true }],
  [
    { Global: ["True"], MachineMetadata: ["a=b"] },
    { isGlobal: true, machineMetadata: [{ key: "a", value: "b" }] },
  ],
  [{ Global: "false" }, {}],
  [{ Conflict: "/a", Replaces: "/b" }, {}, ["/X-Fleet/Conflict", "/X-Fleet/Replaces"]],
];
for (const [fleet, read, warnings = []] of FLEETS) {
  test(`X-Fleet ${show(fleet)} means the same in placement`, () => {
    const result = readApp({ ...APP, "X-Fleet": fleet });
    assert.deepEqual(result.spec.placement, { ...NO_PLACEMENT, ...read });
    assert.deepEqual(
      result.warnings.map(({ path }) => path),
      warnings,
    );
  });
}

test("X-Fleet adds to placement", () => {
  const { spec } = readApp({ ...APP, placement: { strategy: "random" }, "X-Fleet": { Conflicts: "/a" } });
  assert.deepEqual(spec.placement, { ...NO_PLACEMENT, strategy: "random", conflicts: ["/a"] });
});

test("a global app has one instance on each agent, whatever instances says", () => {
  const { spec, warnings } = readApp({ ...APP, instances: 5, placement: { global: true } });
  assert.equal(spec.instances, 1);
  assert.deepEqual(warnings, [
    { path: "/instances", message: "ignored: a global app has one instance on every agent that may run it" },
  ]);
  assert.deepEqual(readApp({ ...APP, instances: 1, placement: { global: true } }).warnings, []);
});

const global = (more: Fields): Fields => ({ placement: { global: true, ...more } });
const many = (count: number, item: unknown): unknown[] => Array(count).fill(item);

const REFUSED: [fields: Fields, code: string, ...paths: string[]][] = [
  [{ placement: "spread" }, "spec.type", "/placement"],
  [{ placement: [] }, "spec.type", "/placement"],
  [{ placement: { strategy: "best" } }, "spec.invalid", "/placement/strategy"],
  [{ placement: { priority: 5 } }, "spec.type", "/placement/priority"],
  [{ placement: { spreadOver: 5 } }, "spec.type", "/placement/spreadOver"],
  [{ placement: { spreadOver: [{ weight: 5 }] } }, "spec.invalid", "/placement/spreadOver(0)/field"],
  [{ placement: { spreadOver: ["a", { field: "a", weight: 1 }] } }, "spec.invalid", "/placement/spreadOver(1)/field"],
  [
    { placement: { spreadOver: ["a b", "@rack"] } },
    "spec.invalid",
    "/placement/spreadOver(0)",
    "/placement/spreadOver(1)",
  ],
  [{ placement: { spreadOver: [{ field: "a", weight: 0 }] } }, "spec.invalid", "/placement/spreadOver(0)/weight"],
  [{ placement: { spreadOver: [{ field: "a", weight: 1.5 }] } }, "spec.type", "/placement/spreadOver(0)/weight"],
  [{ placement: { expressions: ["a=b", 5] } }, "spec.type", "/placement/expressions(0)", "/placement/expressions(1)"],
  [{ placement: { expressions: many(33, "a==b") } }, "spec.invalid", "/placement/expressions"],
  [{ placement: { affinity: 5 } }, "spec.type", "/placement/affinity"],
  [{ placement: { affinity: ["db in"] } }, "spec.invalid", "/placement/affinity(0)"],
  [{ placement: { affinity: ["../db"] } }, "spec.invalid", "/placement/affinity(0)"],
  [{ placement: { affinity: ["/Db"] } }, "spec.invalid", "/placement/affinity(0)"],
  [{ placement: { affinity: [{}] } }, "spec.invalid", "/placement/affinity(0)"],
  [{ placement: { affinity: [{ app: "/a", selector: "a" }] } }, "spec.invalid", "/placement/affinity(0)/selector"],
  [
    { placement: { antiAffinity: [{ app: "db", weight: 101, over: "@host" }, { selector: "a=b/c" }] } },
    "spec.invalid",
    "/placement/antiAffinity(0)/over",
    "/placement/antiAffinity(0)/weight",
    "/placement/antiAffinity(0)/app",
    "/placement/antiAffinity(1)/selector",
  ],
  [{ placement: { machineId: "n 7" } }, "spec.invalid", "/placement/machineId"],
  [{ placement: { machineId: ["n7", "n8"] } }, "spec.invalid", "/placement/machineId"],
  [{ placement: { machineOf: "/prod/web" } }, "spec.invalid", "/placement/machineOf"],
  [{ placement: { machineOf: "db" } }, "spec.invalid", "/placement/machineOf"],
  [
    { placement: { machineMetadata: ["disk", "a=", "=b", "a==b"] } },
    "spec.invalid",
    ...[0, 1, 2, 3].map((i) => `/placement/machineMetadata(${i})`),
  ],
  [{ placement: { machineMetadata: '"disk=ssd" "disk=nvme"' } }, "spec.invalid", "/placement/machineMetadata"],
  [{ placement: { machineMetadata: { disk: ["a", "b c"] } } }, "spec.invalid", "/placement/machineMetadata/disk(1)"],
  [{ placement: { machineMetadata: { disk: { a: 1 } } } }, "spec.type", "/placement/machineMetadata/disk"],
  [
    { placement: { machineMetadata: { a: many(20, "x"), b: many(20, "x") } } },
    "spec.invalid",
    "/placement/machineMetadata",
  ],
  [
    { placement: { conflicts: ["web*", "/Web", "../../../a"] } },
    "spec.invalid",
    ...[0, 1, 2].map((i) => `/placement/conflicts(${i})`),
  ],
  [{ placement: { conflicts: `/${"*".repeat(4_096)}` } }, "spec.invalid", "/placement/conflicts"],
  [{ placement: { gang: 5 } }, "spec.type", "/placement/gang"],
  [
    { placement: { gang: { patienceSeconds: -1, holdSeconds: 0 } } },
    "spec.invalid",
    "/placement/gang/patienceSeconds",
    "/placement/gang/holdSeconds",
  ],
  [{ instances: 401, placement: { gang: true } }, "spec.invalid", "/instances"],
  // Given in two spellings.
  [{ placement: { machineId: "a", MachineID: "a" } }, "spec.invalid", "/placement/MachineID"],
  [{ placement: { conflicts: "/a" }, "X-Fleet": { Conflicts: "/b" } }, "spec.invalid", "/X-Fleet/Conflicts"],
  [{ "X-Fleet": "Global=true" }, "spec.type", "/X-Fleet"],
  [{ "X-Fleet": { MachineOf: "db.service" } }, "spec.invalid", "/X-Fleet/MachineOf"],
  // What a global app cannot have.
  [global({ affinity: "/a", antiAffinity: "/b" }), "spec.invalid", "/placement/affinity", "/placement/antiAffinity"],
  [global({ spreadOver: "rack", gang: true }), "spec.invalid", "/placement/spreadOver", "/placement/gang"],
  [global({ MachineID: "a", machineOf: "/b" }), "spec.invalid", "/placement/MachineID", "/placement/machineOf"],
  [{ "X-Fleet": { Global: "true", MachineID: "a" } }, "spec.invalid", "/X-Fleet/MachineID"],
  [{ ...global({}), labels: { MARATHON_SINGLE_INSTANCE_APP: "true" } }, "spec.invalid", "/placement/global"],
];
for (const [fields, code, ...paths] of REFUSED) {
  test(`${show(fields)} is refused as ${code} at ${paths.join(" ")}`, () => {
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
  [
    { placement: { conflicts: "web*" } },
    '/placement/conflicts: expected a pattern of absolute ids such as "/web*", got "web*"',
  ],
  [
    { placement: { machineOf: "db" } },
    '/placement/machineOf: expected an absolute id, got "db"; did you mean "/prod/db"?',
  ],
  [
    global({ affinity: "/db" }),
    "/placement/affinity: a global app runs on every agent that may run it: remove affinity or global",
  ],
  [
    { placement: { MachineID: "a" }, "X-Fleet": { MachineID: "b" } },
    "/X-Fleet/MachineID: /placement/MachineID says this already: keep one of them",
  ],
  [
    { instances: 500, placement: { gang: true } },
    "/instances: a gang is placed in one commit of at most 400 instances, got 500",
  ],
  [{ placement: { affinity: many(40, "/a") } }, "/placement/affinity: expected at most 32 items, got 40"],
];
for (const [fields, message] of TOLD) {
  test(`${show(fields)} is told as ${JSON.stringify(message)}`, () => {
    assert.throws(() => readApp({ ...APP, ...fields }), { message });
  });
}

const RENDERED: [written: Fields, rendered: Fields | undefined][] = [
  [{ priority: "normal", gang: false }, undefined],
  [
    { spreadOver: "rack", expressions: "constraint:region==~/eu-.+/", affinity: "tier=db,env in (a,b)", gang: true },
    {
      spreadOver: [{ field: "rack", weight: 50 }],
      expressions: ["region==~/eu-.+/"],
      affinity: [{ selector: "tier=db,env in (a,b)" }],
      gang: true,
    },
  ],
  [
    { MachineMetadata: { disk: ["a", "b"] }, antiAffinity: { app: "/db", over: "rack", weight: 3 }, priority: "high" },
    {
      antiAffinity: [{ app: "/db", over: "rack", weight: 3 }],
      machineMetadata: ["disk=a", "disk=b"],
      priority: "high",
    },
  ],
  [{ gang: { holdSeconds: 5 } }, { gang: { patienceSeconds: 30, holdSeconds: 5 } }],
];
for (const [written, rendered] of RENDERED) {
  test(`the placement ${show(written)} is shown without what is not set`, () => {
    assert.deepEqual(renderApp(readApp({ ...APP, placement: written }).spec, { version: 0 }).placement, rendered);
  });
}

const PAGE = readFileSync(new URL("../../../../docs/placement.md", import.meta.url), "utf8");
const EXAMPLES = [...PAGE.matchAll(/^```json\n(.*?)^```$/gms)].map(([, text]) => JSON.parse(text as string) as Fields);

test("every example of docs/placement.md is read without a warning and shown as it is read", () => {
  assert.ok(EXAMPLES.length >= 10, `saw only ${EXAMPLES.length} examples`);
  for (const example of EXAMPLES) {
    const { spec, warnings } = readApp({ ...APP, ...example });
    assert.deepEqual(warnings, [], show(example));
    assert.deepEqual(readApp(renderApp(spec, { version: 0 })).spec, spec);
  }
});

test("docs/placement.md names every field of placement", () => {
  const named = Object.keys({ ...NO_PLACEMENT, isGlobal: undefined, global: true }).filter(
    (name) => name !== "isGlobal",
  );
  assert.deepEqual(
    named.filter((name) => !PAGE.includes(`\`${name}\``) && !PAGE.includes(`placement.${name}\``)),
    [],
  );
});
