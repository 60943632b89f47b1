import assert from "node:assert/strict";
import { test } from "node:test";
import { MusterError } from "../errors.ts";
import type { AppSpec } from "./app.ts";
import { NO_CUSTOM_ASK, NO_LIMITS, NO_PLACEMENT, type PlacementSpec } from "./placement.ts";
import { readApp } from "./read.ts";
import { mergeAppUpdate } from "./update.ts";

type Fields = Record<string, unknown>;
const PLAIN: Fields = { id: "/prod/web", cmd: "sleep 1", instances: 3, env: { A: "1", B: "2" }, ports: [8080, 8081] };
const BRIDGED: Fields = {
  id: "/prod/web",
  networks: [{ mode: "container/bridge" }],
  container: { docker: { image: "nginx" }, portMappings: [{ containerPort: 80 }, { containerPort: 443 }] },
  healthChecks: [{ portIndex: 1 }],
};
/** With `placement` in three of its parts. */
const PLACED: Fields = {
  ...PLAIN,
  cpus: 1,
  resourceLimits: { cpus: 2, mem: "unlimited" },
  resources: { fpga: 1, disks: { any: 2 } },
  placement: { strategy: "binpack", machineId: "n7", conflicts: ["/a*"] },
};
const BINPACKED: PlacementSpec = { ...NO_PLACEMENT, strategy: "binpack" };
const DEFAULT_PORT = { port: 0, protocol: "tcp", name: "default", labels: {} } as const;

/** The app as it is, the update, what changes by it, and where warnings are given. */
const CHANGES: [current: Fields, update: Fields, changed: Partial<AppSpec>, warnings?: string[]][] = [
  [PLAIN, { instances: 5 }, { instances: 5 }],
  [PLAIN, { instances: "5" }, { instances: 5 }, ["/instances"]],
  [PLAIN, { instances: null, cmd: null, env: null }, {}],
  [PLAIN, { memory: 256 }, { mem: 256 }, ["/memory"]],
  [PLAIN, { env: { C: "3" } }, { env: { C: "3" } }],
  [PLAIN, { args: ["sleep", "2"] }, { cmd: null, args: ["sleep", "2"] }],
  [{ ...PLAIN, cmd: null, args: ["sleep"] }, { cmd: "sleep 2" }, { cmd: "sleep 2", args: null }],
  [PLAIN, { ports: [9090] }, { portDefinitions: [{ port: 9090, protocol: "tcp", name: null, labels: {} }] }],
  [PLAIN, { ports: [] }, { portDefinitions: [] }],
  [PLAIN, { version: "2020-01-01T00:00:00.000Z", tasksRunning: 3 }, {}],
  [PLAIN, { id: "web" }, {}, ["/id"]],
  [PLAIN, { id: "prod/web" }, {}],
  [PLAIN, { unreachableStrategy: "disabled" }, { unreachableStrategy: null }],
  [BRIDGED, { networks: [{ mode: "host" }], healthChecks: [] }, { network: "host", portDefinitions: [DEFAULT_PORT] }],
  [BRIDGED, { networks: [{ mode: "none" }], healthChecks: [] }, { network: "none" }],
  [
    BRIDGED,
    { container: { docker: { image: "nginx", network: "HOST" } }, healthChecks: [{}] },
    { network: "host", portDefinitions: [DEFAULT_PORT] },
  ],
  [
    PLAIN,
    { container: { docker: { image: "nginx", network: "BRIDGE" } } },
    { network: "bridge", portDefinitions: [], cmd: "sleep 1" },
  ],
  [PLACED, { instances: 5 }, { instances: 5 }],
  [PLACED, { placement: null, resources: null, resourceLimits: null, "X-Fleet": null }, {}],
  [PLACED, { placement: { strategy: "binpack" } }, { placement: BINPACKED }],
  [PLACED, { placement: {} }, { placement: NO_PLACEMENT }],
  [PLACED, { resources: { fpga: 2 } }, { custom: { scalars: { fpga: 2 }, sets: {} } }],
  [PLACED, { resources: {} }, { custom: NO_CUSTOM_ASK }],
  [PLACED, { resourceLimits: { mem: 200 } }, { limits: { cpus: null, mem: 200 } }],
  [PLACED, { resourceLimits: {} }, { limits: NO_LIMITS }],
  [PLACED, { "X-Fleet": { MachineID: "n8" } }, { placement: { ...BINPACKED, machineId: "n8" } }],
  [PLACED, { "X-Fleet": {} }, { placement: BINPACKED }],
  [PLAIN, { placement: { global: true } }, { instances: 1, placement: { ...NO_PLACEMENT, isGlobal: true } }],
  [{ ...PLAIN, instances: 1, placement: { global: true } }, { instances: 4 }, {}, ["/instances"]],
];
for (const [current, update, changed, warnings = []] of CHANGES) {
  test(`${JSON.stringify(update)} replaces what it names and keeps the rest`, () => {
    const { spec } = readApp(current);
    const merged = mergeAppUpdate(spec, update);
    assert.deepEqual(merged.spec, { ...merged.spec, ...changed });
    for (const name of Object.keys(spec) as (keyof AppSpec)[]) {
      if (name in changed || name === "container" || name === "healthChecks") continue;
      assert.deepEqual(merged.spec[name], spec[name], name);
    }
    assert.deepEqual(
      merged.warnings.map(({ path }) => path),
      warnings,
    );
  });
}

const REFUSED: [current: Fields, update: unknown, code: string, path: string][] = [
  [PLAIN, [], "spec.type", ""],
  [PLAIN, { cmd: "a", args: ["b"] }, "spec.invalid", "/args"],
  [PLAIN, { networks: [{ mode: "container/bridge" }] }, "spec.invalid", "/networks"],
  [
    BRIDGED,
    { container: { docker: { image: "nginx" }, portMappings: [{}] } },
    "spec.invalid",
    "/healthChecks(0)/portIndex",
  ],
  [
    BRIDGED,
    { networks: [{ mode: "host" }], container: { docker: { image: "x", network: "HOST" } } },
    "spec.invalid",
    "/container/docker/network",
  ],
  [
    PLAIN,
    { labels: { MARATHON_SINGLE_INSTANCE_APP: "true" }, instances: 1 },
    "spec.invalid",
    "/upgradeStrategy/minimumHealthCapacity",
  ],
  [PLACED, { cpus: 3 }, "spec.invalid", "/resourceLimits/cpus"],
  [PLACED, { "X-Fleet": { Global: "true" }, placement: { gang: true } }, "spec.invalid", "/placement/gang"],
  [{ ...PLAIN, placement: { gang: true } }, { instances: 401 }, "spec.invalid", "/instances"],
];
for (const [current, update, code, path] of REFUSED) {
  test(`${JSON.stringify(update)} is refused where it does not fit the app`, () => {
    const { spec } = readApp(current);
    assert.throws(
      () => mergeAppUpdate(spec, update),
      (error) => {
        assert.ok(error instanceof MusterError);
        assert.equal(error.code, code);
        assert.equal(error.problems[0]?.path, path);
        return true;
      },
    );
  });
}
