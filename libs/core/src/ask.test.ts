import assert from "node:assert/strict";
import { test } from "node:test";
import { type Ask, askOf } from "./ask.ts";
import { specOf } from "./testing/builders.ts";

const bridge = (...portMappings: object[]) => ({
  container: { type: "DOCKER", docker: { image: "web", network: "BRIDGE", portMappings } },
});
const free = { fixed: null };

const TABLE: [claim: string, fields: Record<string, unknown>, asks: Partial<Ask>][] = [
  ["an app that names no ports gets one", {}, { ports: [free] }],
  [
    "ports are any that are free unless they are required",
    { portDefinitions: [{ port: 80 }, { port: 0 }] },
    { ports: [free, free] },
  ],
  [
    "required ports are fixed, but for those that are 0",
    { portDefinitions: [{ port: 80 }, { port: 0 }], requirePorts: true },
    { ports: [{ fixed: 80 }, free] },
  ],
  ["no ports are no ports", { portDefinitions: [] }, { ports: [] }],
  [
    "in bridge mode the mappings' host ports are asked for, in their order",
    bridge(
      { containerPort: 80, hostPort: 0 },
      { containerPort: 81, hostPort: 8081 },
      { containerPort: 53, hostPort: 53, protocol: "udp,tcp" },
    ),
    { ports: [free, { fixed: 8081 }, { fixed: 53 }] },
  ],
  ["an app with an image runs in Docker", bridge(), { runtime: "docker", image: "web" }],
  ["any other is a plain process", {}, { runtime: "process", image: null }],
  [
    "fractions are rounded up, thousandths of a core and whole mebibytes",
    { cpus: 0.1001, mem: 0.5, disk: 1.2, gpus: 2 },
    { resources: { cpuMillis: 101, memoryMib: 1, diskMib: 2, gpus: 2 } },
  ],
  [
    "binary fractions cost nothing extra",
    { cpus: 0.29, mem: 64 },
    { resources: { cpuMillis: 290, memoryMib: 64, diskMib: 0, gpus: 0 } },
  ],
  ["an app that names no role accepts what is unreserved", {}, { roles: ["*"] }],
  ["else what it names", { acceptedResourceRoles: ["web", "*"] }, { roles: ["web", "*"] }],
  ["custom resources of none are none", {}, { custom: null }],
  [
    "and else what they are",
    { resources: { fpga: 1, disks: { any: 2 } } },
    { custom: { scalars: { fpga: 1 }, sets: { disks: 2 } } },
  ],
];

for (const [claim, fields, asks] of TABLE)
  test(`${claim}: ${JSON.stringify(fields)}`, () => {
    const ask = askOf("/a", 1, specOf("/a", fields));
    assert.deepEqual(Object.fromEntries(Object.keys(asks).map((name) => [name, ask[name as keyof Ask]])), asks);
  });

test("an ask is worked out once per version", () => {
  const spec = specOf("/a");
  assert.equal(askOf("/a", 1, spec), askOf("/a", 1, spec));
  assert.equal(askOf("/a", 2, spec).version, 2);
});
