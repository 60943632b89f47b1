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

test("PORT0 and so on are the host's ports, and the container's own where nothing maps them", () => {
  const portMappings = [
    { containerPort: 80, hostPort: 0, protocol: "udp,tcp", name: "http" },
    { containerPort: 9_000, name: "admin" },
    { containerPort: 0, name: "any" },
  ];
  const { spec: bridged } = readApp({
    id: "/web",
    container: { type: "DOCKER", docker: { image: "nginx" }, portMappings },
    networks: [{ mode: "container/bridge" }],
  });
  const mappings = bridged.container?.portMappings.map((mapping, i) =>
    i === 0 ? mapping : { ...mapping, hostPort: null },
  );
  const app = {
    ...bridged,
    container: { ...(bridged.container as NonNullable<AppSpec["container"]>), portMappings: mappings ?? [] },
  };
  const { env, portMaps } = runOf(app, row({ ports: [31_005] }));
  const free = Number(env.PORT2);
  assert.ok(free > 1_024 && free <= 65_535);
  assert.deepEqual([env.PORT, env.PORT0, env.PORT1, env.PORTS], ["31005", "31005", "9000", `31005,9000,${free}`]);
  assert.deepEqual([env.PORT_HTTP, env.PORT_ADMIN, env.PORT_ANY], ["31005", "9000", String(free)]);
  assert.equal(portMaps.at(-1)?.containerPort, free);
  assert.equal(runOf(app, row({ ports: [31_005] })).env.PORT2, String(free), "every writing of a record says the same");
});

test("an image is named to containers of the Docker engine only, and nobody's role is enforced", () => {
  const container = (type: string) => readApp({ id: "/web", container: { type, docker: { image: "nginx" } } }).spec;
  assert.equal(runOf(container("DOCKER")).env.MARATHON_APP_DOCKER_IMAGE, "nginx");
  assert.equal(runOf(container("MESOS")).env.MARATHON_APP_DOCKER_IMAGE, undefined);
  assert.equal(runOf(spec()).env.MARATHON_APP_ENFORCE_GROUP_ROLE, "FALSE");
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

test("a readiness check of a port that nothing maps to the host is made at the container's own", () => {
  const portMappings = [{ containerPort: 80, name: "api" }];
  const container = { docker: { image: "nginx" }, portMappings };
  const { spec: bridged } = readApp({
    id: "/web",
    networks: [{ mode: "container/bridge" }],
    container,
    readinessChecks: CHECK,
  });
  for (const mapping of bridged.container?.portMappings ?? []) mapping.hostPort = null;
  assert.equal(runOf(bridged).readinessChecks[0]?.port, 80);
});

for (const [about, probe, fields, port] of [
  ["a place among the host's ports", { http: { portIndex: 1 } }, { portDefinitions: [{}, {}] }, 31_007],
  ["a number", { tcp: { port: 8_080 } }, { portDefinitions: [] }, 8_080],
  ["no port", { exec: { command: "true" } }, { portDefinitions: [{}] }, null],
] as const)
  test(`a check of ${about} is made at ${port}`, () => {
    const { spec: app } = readApp({ id: "/web", cmd: "true", ...fields, check: probe });
    assert.equal(runOf(app, row({ ports: [31_000, 31_007] })).check?.port, port);
  });

test("a check and a health check of the second mapping are made at its host port, or the container's own without one", () => {
  const { spec: bridged } = readApp({
    id: "/web",
    networks: [{ mode: "container/bridge" }],
    container: {
      docker: { image: "nginx" },
      portMappings: [{ containerPort: 53, protocol: "udp,tcp" }, { containerPort: 80 }],
    },
    check: { tcp: { portIndex: 1 } },
    healthChecks: [{ protocol: "TCP", portIndex: 1 }],
  });
  const ports = (app: AppSpec) => {
    const run = runOf(app, row({ ports: [31_001, 31_009] }));
    return [run.check?.port, run.healthChecks[0]?.port];
  };
  assert.deepEqual(ports(bridged), [31_009, 31_009]);
  const [, second] = bridged.container?.portMappings ?? [];
  if (second !== undefined) second.hostPort = null;
  assert.deepEqual(ports(bridged), [80, 80]);
  assert.equal(runOf(spec()).check, null);
});
