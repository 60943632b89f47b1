import assert from "node:assert/strict";
import { test } from "node:test";
import type { AppSpec, Container } from "./app.ts";
import { NO_CUSTOM_ASK, NO_LIMITS, NO_PLACEMENT } from "./placement.ts";
import { readApp } from "./read.ts";
import { ROLLOUT_DEFAULTS } from "./rollout.ts";

type Fields = Record<string, unknown>;
const APP = { id: "/web", cmd: "sleep 1" };
const IMAGE = { type: "DOCKER", docker: { image: "nginx" } };
const PORT = { port: 0, protocol: "tcp", name: null, labels: {} } as const;
const MAPPING = { containerPort: 0, hostPort: 0, servicePort: 0, protocol: "tcp", name: null, labels: {} } as const;
const CONTAINER: Container = {
  type: "DOCKER",
  image: "nginx",
  forcePullImage: false,
  privileged: false,
  parameters: [],
  portMappings: [],
};
const CHECK = {
  protocol: "HTTP",
  path: "/",
  portIndex: 0,
  port: null,
  command: null,
  gracePeriodSeconds: 300,
  intervalSeconds: 60,
  timeoutSeconds: 20,
  maxConsecutiveFailures: 3,
  delaySeconds: 0,
  ignoreHttp1xx: false,
} as const;
const bridge = (portMappings?: unknown): Fields => ({
  networks: [{ mode: "container/bridge" }],
  container: { ...IMAGE, ...(portMappings === undefined ? {} : { portMappings }) },
});
const show = (fields: unknown): string => JSON.stringify(fields).slice(0, 110);

test("a spec of an id and a command is filled with Marathon's defaults", () => {
  const { spec, warnings } = readApp(APP);
  assert.deepEqual(warnings, []);
  assert.deepEqual(spec, {
    id: "/web",
    cmd: "sleep 1",
    args: null,
    user: null,
    env: {},
    labels: {},
    instances: 1,
    cpus: 1,
    mem: 128,
    disk: 0,
    gpus: 0,
    constraints: [],
    acceptedResourceRoles: [],
    container: null,
    network: "host",
    portDefinitions: [{ ...PORT, name: "default" }],
    requirePorts: false,
    healthChecks: [],
    readinessChecks: [],
    check: null,
    backoffSeconds: 1,
    backoffFactor: 1.15,
    maxLaunchDelaySeconds: 300,
    upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
    killSelection: "YOUNGEST_FIRST",
    taskKillGracePeriodSeconds: null,
    unreachableStrategy: { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
    dependencies: [],
    limits: NO_LIMITS,
    custom: NO_CUSTOM_ASK,
    placement: NO_PLACEMENT,
    rollout: ROLLOUT_DEFAULTS,
  } satisfies AppSpec);
});

/** Fields over those of a plain app, what is read from them, and where warnings are given. */
const READ: [fields: Fields, expected: Partial<AppSpec>, warnings?: string[]][] = [
  [{ id: "my-app" }, { id: "/my-app" }],
  [{ id: "a/./b/../c" }, { id: "/a/c" }],
  [{ id: "/a//b/" }, { id: "/a/b" }],
  [{ id: "/tasks/web.api" }, { id: "/tasks/web.api" }],
  [
    { user: null, instances: null, container: null, fetch: null, check: null },
    { user: null, instances: 1 },
  ],
  [
    { instances: "2", cpus: " 0.25 ", gpus: "1" },
    { instances: 2, cpus: 0.25, gpus: 1 },
    ["/instances", "/cpus", "/gpus"],
  ],
  [{ memory: 64 }, { mem: 64 }, ["/memory"]],
  [{ mem: 64, memory: "64" }, { mem: 64 }, ["/memory", "/memory"]],
  [{ requirePorts: "True" }, { requirePorts: true }, ["/requirePorts"]],
  [{ env: { A: 1, B: true, C: "x", D: null } }, { env: { A: "1", B: "true", C: "x" } }, ["/env/A", "/env/B"]],
  [{ labels: { VIP_0: 1.5 } }, { labels: { VIP_0: "1.5" } }, ["/labels/VIP_0"]],
  [{ cmd: null, args: ["serve", 80] }, { cmd: null, args: ["serve", "80"] }, ["/args(1)"]],
  [{ args: [] }, { cmd: "sleep 1", args: null }],
  [
    { cmd: null, container: IMAGE },
    { cmd: null, args: null, container: CONTAINER },
  ],
  [{ instances: -0 }, { instances: 0 }],
  [{ user: "" }, { user: null }],
  [{ role: "*", executor: "", secrets: {}, fetch: [], uris: [], tty: false, residency: null }, {}],
  [{ executor: "//cmd" }, {}],
  [{ taskRateLimit: 1 }, {}, ["/taskRateLimit"]],
  [{ version: "2014-03-01T23:29:30.158Z", tasks: [1], tasksRunning: 2, lastTaskFailure: {}, $schema: "x" }, {}],
  [{ acceptedResourceRoles: ["*", "web"] }, { acceptedResourceRoles: ["*", "web"] }],
  [{ dependencies: ["/db", "../cache", "log"] }, { dependencies: ["/db", "/cache", "/log"] }],
  [{ residency: { taskLostBehavior: "WAIT_FOREVER" } }, {}, ["/residency"]],
  [
    { ipAddress: { networkName: "mesos-bridge", labels: { a: "b" }, groups: [] }, container: IMAGE },
    { network: "bridge", portDefinitions: [] },
    ["/ipAddress", "/ipAddress/labels"],
  ],
  [
    { rollout: { strategy: "blueGreen", canary: 2, batches: [2], waitsForPromotion: false } },
    {},
    ["/rollout/batches", "/rollout/canary"],
  ],
  [{ rollout: { waitsForPromotion: true } }, {}, ["/rollout/waitsForPromotion"]],
  [{ killSelection: "oldest_first" }, { killSelection: "OLDEST_FIRST" }, ["/killSelection"]],
  [{ unreachableStrategy: "disabled" }, { unreachableStrategy: null }],
  [
    { unreachableStrategy: { inactiveAfterSeconds: 60 } },
    { unreachableStrategy: { inactiveAfterSeconds: 60, expungeAfterSeconds: 60 } },
  ],
  [
    { upgradeStrategy: { minimumHealthCapacity: 0.5 } },
    { upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 1 } },
  ],
  [
    { labels: { MARATHON_SINGLE_INSTANCE_APP: "true" } },
    { upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 } },
  ],
  // Ports.
  [
    { ports: [8080, "9090"] },
    {
      portDefinitions: [
        { ...PORT, port: 8080 },
        { ...PORT, port: 9090 },
      ],
    },
    ["/ports(1)"],
  ],
  [{ ports: [] }, { portDefinitions: [] }],
  [{ portDefinitions: [] }, { portDefinitions: [] }],
  [
    { ports: [80], portDefinitions: [{ port: 80, name: "http" }] },
    { portDefinitions: [{ ...PORT, port: 80, name: "http" }] },
  ],
  [{ ports: [80], portDefinitions: [] }, { portDefinitions: [{ ...PORT, port: 80 }] }],
  [{ portDefinitions: [{ protocol: "tcp,udp" }] }, { portDefinitions: [{ ...PORT, protocol: "udp,tcp" }] }],
  [
    { ports: [0, 0], requirePorts: true },
    { portDefinitions: [PORT, PORT], requirePorts: true },
  ],
  [
    { portDefinitions: [{ port: 53 }, { port: 53, protocol: "udp" }] },
    {
      portDefinitions: [
        { ...PORT, port: 53 },
        { ...PORT, port: 53, protocol: "udp" },
      ],
    },
  ],
  // Networks.
  [{ networks: [] }, { network: "host" }],
  [
    { networks: [{ mode: "host" }], container: IMAGE },
    { network: "host", portDefinitions: [{ ...PORT, name: "default" }] },
  ],
  [
    bridge(),
    {
      network: "bridge",
      portDefinitions: [],
      container: { ...CONTAINER, portMappings: [{ ...MAPPING, name: "default" }] },
    },
  ],
  [bridge([]), { container: { ...CONTAINER, portMappings: [] } }],
  [bridge([{ containerPort: 80 }]), { container: { ...CONTAINER, portMappings: [{ ...MAPPING, containerPort: 80 }] } }],
  [{ ...bridge(), networks: [{ mode: "bridge" }] }, { network: "bridge" }, ["/networks(0)/mode"]],
  [{ ...bridge(), requirePorts: true }, { requirePorts: false }, ["/requirePorts"]],
  [{ ...bridge(), ports: [10000] }, { portDefinitions: [] }, ["/ports"]],
  [
    { networks: [{ mode: "none" }], container: IMAGE },
    { network: "none", portDefinitions: [] },
  ],
  [
    { container: { docker: { image: "nginx", network: "BRIDGE", portMappings: [{ containerPort: 80 }] } } },
    { network: "bridge", container: { ...CONTAINER, portMappings: [{ ...MAPPING, containerPort: 80 }] } },
  ],
  [
    { container: { docker: { image: "nginx", network: "bridge" }, portMappings: [{ hostPort: 8080 }] } },
    { network: "bridge", container: { ...CONTAINER, portMappings: [{ ...MAPPING, hostPort: 8080 }] } },
    ["/container/docker/network"],
  ],
  [
    { ...bridge(), container: { docker: { image: "nginx", portMappings: [{ containerPort: 80 }] } } },
    { container: { ...CONTAINER, portMappings: [{ ...MAPPING, containerPort: 80 }] } },
  ],
  [{ container: { docker: { image: "nginx", network: "NONE" } } }, { network: "none" }],
  [
    { container: { docker: { image: "nginx", network: "HOST", portMappings: [{ containerPort: 80 }] } } },
    { network: "host", container: CONTAINER },
    ["/container/docker/portMappings"],
  ],
  // Containers.
  [{ container: { type: "MESOS" } }, { container: { ...CONTAINER, type: "MESOS", image: null } }],
  [{ container: { type: "MESOS", docker: { image: "nginx" } } }, { container: { ...CONTAINER, type: "MESOS" } }],
  [{ container: { ...IMAGE, volumes: [] } }, { container: CONTAINER }],
  [
    {
      container: {
        docker: { image: "nginx", privileged: "true", parameters: [{ key: "cpu-shares", value: 5 }], credential: "c" },
      },
    },
    { container: { ...CONTAINER, privileged: true, parameters: [{ key: "cpu-shares", value: "5" }] } },
    ["/container/docker/credential", "/container/docker/privileged", "/container/docker/parameters(0)/value"],
  ],
  // Constraints.
  [
    { constraints: [["hostname", "unique"]] },
    { constraints: [{ field: "hostname", operator: "UNIQUE", value: null }] },
  ],
  [
    { constraints: [["rack", "GROUP_BY", 3]] },
    { constraints: [{ field: "rack", operator: "GROUP_BY", value: "3" }] },
    ["/constraints(0)(2)"],
  ],
  [{ constraints: [["rack", "CLUSTER"]] }, { constraints: [{ field: "rack", operator: "CLUSTER", value: null }] }],
  [{ constraints: [["@zone", "Like", "a|b"]] }, { constraints: [{ field: "@zone", operator: "LIKE", value: "a|b" }] }],
  // Health checks.
  [{ healthChecks: [{}] }, { healthChecks: [CHECK] }],
  [{ healthChecks: [{ protocol: "TCP" }] }, { healthChecks: [{ ...CHECK, protocol: "TCP", path: null }] }],
  [
    { healthChecks: [{ port: 8080, path: "up" }] },
    { healthChecks: [{ ...CHECK, port: 8080, portIndex: null, path: "/up" }] },
    ["/healthChecks(0)/path"],
  ],
  [
    { healthChecks: [{ protocol: "COMMAND", command: { value: "true" } }] },
    {
      healthChecks: [{ ...CHECK, protocol: "COMMAND", command: "true", path: null, portIndex: null, delaySeconds: 15 }],
    },
  ],
  [
    { healthChecks: [{ command: "true", path: "/x" }] },
    {
      healthChecks: [{ ...CHECK, protocol: "COMMAND", command: "true", path: null, portIndex: null, delaySeconds: 15 }],
    },
    ["/healthChecks(0)/command", "/healthChecks(0)/path"],
  ],
  [{ ...bridge([{}, {}]), healthChecks: [{ portIndex: 1 }] }, { healthChecks: [{ ...CHECK, portIndex: 1 }] }],
  // Fields nobody knows.
  [{ Instances: 2, foo: 1, bar: null }, { instances: 1 }, ["/Instances", "/foo"]],
  [
    { container: { docker: { image: "nginx", forcePull: true } } },
    { container: CONTAINER },
    ["/container/docker/forcePull"],
  ],
];
for (const [fields, expected, warnings = []] of READ) {
  test(`${show(fields)} is read${warnings.length === 0 ? "" : ` with warnings at ${warnings.join(" ")}`}`, () => {
    const read = readApp({ ...APP, ...fields });
    assert.deepEqual(read.spec, { ...read.spec, ...expected });
    assert.deepEqual(
      read.warnings.map(({ path }) => path),
      warnings,
    );
  });
}

/** Fields over those of a plain app, the error's code, and where its problems are. */
