import assert from "node:assert/strict";
import { test } from "node:test";
import type { AppSpec, PlacedRow } from "@muster/contracts";
import { readApp } from "@muster/contracts";
import { instanceRecord } from "./run-document.ts";

const spec = (more: Partial<AppSpec> = {}): AppSpec => ({
  ...readApp({ id: "/web", cmd: "true", cpus: 0.1, mem: 64.5, portDefinitions: [] }).spec,
  ...more,
});
const row = (more: Partial<PlacedRow> = {}): PlacedRow => ({
  slot: 0,
  attempt: 7,
  version: 1,
  goal: "run",
  agent: "n1",
  ports: [],
  items: {},
  atMs: 0,
  ...more,
});
const runOf = (app: AppSpec, placed: PlacedRow = row()) =>
  instanceRecord(app, placed, { address: "127.0.0.1", hostname: "n1" }, null).run;

test("items that an instance was given stand in its environment, by set", () => {
  const { env } = runOf(spec(), row({ items: { disks: ["sda", "sdb"], "fpga/v-2": ["a0"] } }));
  assert.equal(env.MUSTER_RESOURCE_DISKS, "sda,sdb");
  assert.equal(env.MUSTER_RESOURCE_FPGA_V_2, "a0");
  assert.deepEqual(
    Object.keys(runOf(spec()).env).filter((name) => name.startsWith("MUSTER_RESOURCE_")),
    [],
  );
});

for (const { limits, is } of [
  { limits: { cpus: null, mem: null }, is: { cpuMillis: null, memoryMib: 65 } },
  { limits: { cpus: 0.3, mem: 256 }, is: { cpuMillis: 300, memoryMib: 256 } },
  { limits: { cpus: "unlimited", mem: "unlimited" }, is: { cpuMillis: null, memoryMib: null } },
] as const)
  test(`limits ${JSON.stringify(limits)} of an app are ${JSON.stringify(is)} for its agent`, () => {
    assert.deepEqual(runOf(spec({ limits })).limits, is);
  });

const CHECK = [{ portName: "api" }];
for (const [where, fields, ports, port] of [
  ["on the host's network", { portDefinitions: [{}, { name: "api" }] }, [31_000, 31_007], 31_007],
  [
    "on a bridge",
    {
      networks: [{ mode: "container/bridge" }],
      container: {
        docker: { image: "nginx" },
        portMappings: [
          { containerPort: 53, protocol: "udp,tcp" },
          { containerPort: 80, name: "api" },
        ],
      },
    },
    [31_001, 31_009],
    31_009,
  ],
] as const)
  test(`a readiness check ${where} is made at the host port that its name leads to`, () => {
    const { spec: app } = readApp({ id: "/web", cmd: "true", ...fields, readinessChecks: CHECK });
    const [made] = runOf(app, row({ ports: [...ports] })).readinessChecks;
    assert.deepEqual([made?.port, made?.check.portName], [port, "api"]);
  });
