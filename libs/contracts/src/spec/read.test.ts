import assert from "node:assert/strict";
import { test } from "node:test";
import { MusterError } from "../errors.ts";
import type { AppSpec, Container } from "./app.ts";
import { parseDocument } from "./json.ts";
import { readApp } from "./read.ts";

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
  delaySeconds: 15,
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
    backoffSeconds: 1,
    backoffFactor: 1.15,
    maxLaunchDelaySeconds: 300,
    upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
    killSelection: "YOUNGEST_FIRST",
    taskKillGracePeriodSeconds: null,
    unreachableStrategy: { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
    dependencies: [],
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
  [{ dependencies: ["/db", "../cache"] }, { dependencies: ["/db", "/cache"] }],
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
    { healthChecks: [{ ...CHECK, protocol: "COMMAND", command: "true", path: null, portIndex: null }] },
  ],
  [
    { healthChecks: [{ command: "true", path: "/x" }] },
    { healthChecks: [{ ...CHECK, protocol: "COMMAND", command: "true", path: null, portIndex: null }] },
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
const REFUSED: [fields: Fields, code: string, ...paths: string[]][] = [
  [{ id: null }, "spec.invalid", "/id"],
  [{ id: 5 }, "spec.type", "/id"],
  ...[
    "/",
    "/Web",
    "/a_b",
    "/a-",
    "/-a",
    "/a..b",
    "../a",
    "/a/../b",
    "/a/restart",
    "tasks",
    "versions",
    `/${"a".repeat(200)}`,
  ].map((id): [Fields, string, string] => [{ id }, "spec.invalid", "/id"]),
  [{ cmd: null }, "spec.invalid", "/cmd"],
  [{ cmd: " " }, "spec.invalid", "/cmd"],
  [{ cmd: "a\0b" }, "spec.invalid", "/cmd"],
  [{ cmd: "\ud800" }, "spec.invalid", "/cmd"],
  [{ cmd: ["sleep"] }, "spec.type", "/cmd"],
  [{ args: ["sleep"] }, "spec.invalid", "/args"],
  [{ cmd: null, args: "sleep" }, "spec.type", "/args"],
  [{ cmd: null, args: [] }, "spec.invalid", "/args"],
  [{ cmd: null, args: ["a", null] }, "spec.type", "/args(1)"],
  [{ cmd: null, container: { type: "MESOS" } }, "spec.invalid", "/cmd"],
  [{ instances: -1 }, "spec.invalid", "/instances"],
  [{ instances: 5_001 }, "spec.invalid", "/instances"],
  [{ instances: 1.5 }, "spec.type", "/instances"],
  [{ instances: "two" }, "spec.type", "/instances"],
  [{ instances: true }, "spec.type", "/instances"],
  [{ cpus: 0.0001 }, "spec.invalid", "/cpus"],
  [{ cpus: Number.POSITIVE_INFINITY }, "spec.type", "/cpus"],
  [{ mem: "256m" }, "spec.type", "/mem"],
  [{ mem: 1, memory: 2 }, "spec.invalid", "/memory"],
  [{ disk: -1, gpus: 0.5 }, "spec.type", "/disk", "/gpus"],
  [{ requirePorts: 1 }, "spec.type", "/requirePorts"],
  [{ env: { "": "x", "a=b": "x" } }, "spec.invalid", "/env/", "/env/a=b"],
  [{ env: { A: ["x"] } }, "spec.type", "/env/A"],
  [{ env: [] }, "spec.type", "/env"],
  [{ env: { A: { secret: "s" } } }, "spec.unsupported", "/env/A"],
  [{ env: JSON.parse('{"__proto__":"x"}') }, "spec.invalid", "/env/__proto__"],
  [{ backoffFactor: 0.5 }, "spec.invalid", "/backoffFactor"],
  [{ upgradeStrategy: { minimumHealthCapacity: 1.1 } }, "spec.invalid", "/upgradeStrategy/minimumHealthCapacity"],
  [{ killSelection: "RANDOM" }, "spec.invalid", "/killSelection"],
  [{ taskKillGracePeriodSeconds: -1 }, "spec.invalid", "/taskKillGracePeriodSeconds"],
  [{ unreachableStrategy: "enabled" }, "spec.invalid", "/unreachableStrategy"],
  [
    { unreachableStrategy: { inactiveAfterSeconds: 2, expungeAfterSeconds: 1 } },
    "spec.invalid",
    "/unreachableStrategy/expungeAfterSeconds",
  ],
  [
    { labels: { MARATHON_SINGLE_INSTANCE_APP: "true" }, instances: 2, upgradeStrategy: { maximumOverCapacity: 0.5 } },
    "spec.invalid",
    "/instances",
    "/upgradeStrategy/maximumOverCapacity",
  ],
  [{ dependencies: ["db"] }, "spec.invalid", "/dependencies(0)"],
  [{ dependencies: ["/web"] }, "spec.invalid", "/dependencies(0)"],
  // What no agent can do yet.
  ...Object.entries({
    fetch: [{ uri: "x" }],
    uris: ["x"],
    storeUrls: ["x"],
    secrets: { a: { source: "b" } },
    readinessChecks: [{}],
    check: { tcp: {} },
    residency: { taskLostBehavior: "WAIT_FOREVER" },
    executorResources: { cpus: 1 },
    resourceLimits: { cpus: 2 },
    tty: true,
    ipAddress: { networkName: "x" },
    executor: "/bin/x",
    role: "web",
  }).map(([name, value]): [Fields, string, string] => [{ [name]: value }, "spec.unsupported", `/${name}`]),
  // Containers.
  [{ container: "nginx" }, "spec.type", "/container"],
  [{ container: { type: "DOCKER" } }, "spec.invalid", "/container/docker/image"],
  [{ container: { type: "LXC" } }, "spec.invalid", "/container/type", "/container/docker/image"],
  [{ container: { docker: "nginx" } }, "spec.type", "/container/docker"],
  [{ container: { docker: { image: "a b" } } }, "spec.invalid", "/container/docker/image"],
  [
    { cmd: null, container: { image: "nginx", options: ["-p"] } },
    "spec.invalid",
    "/container/image",
    "/container/options",
  ],
  [
    { container: { ...IMAGE, volumes: [{}], linuxInfo: { seccomp: {} } } },
    "spec.unsupported",
    "/container/volumes",
    "/container/linuxInfo",
  ],
  [
    { container: { docker: { image: "x", pullConfig: { secret: "s" } } } },
    "spec.unsupported",
    "/container/docker/pullConfig",
  ],
  [
    { container: { docker: { image: "x", parameters: [{ key: "a" }] } } },
    "spec.invalid",
    "/container/docker/parameters(0)/value",
  ],
  // Networks and ports.
  [{ ...bridge(), container: null }, "spec.invalid", "/networks"],
  [{ networks: [{ mode: "container", name: "dcos" }], container: IMAGE }, "spec.unsupported", "/networks(0)"],
  [{ networks: [{ name: "dcos" }], container: IMAGE }, "spec.unsupported", "/networks(0)"],
  [{ networks: [{ mode: "host" }, { mode: "host" }] }, "spec.invalid", "/networks"],
  [{ networks: [{ mode: "host", name: "x" }] }, "spec.invalid", "/networks(0)/name"],
  [{ networks: ["host"] }, "spec.type", "/networks(0)"],
  [{ container: { docker: { image: "x", network: "USER" } } }, "spec.unsupported", "/container/docker/network"],
  [
    { networks: [{ mode: "host" }], container: { docker: { image: "x", network: "HOST" } } },
    "spec.invalid",
    "/container/docker/network",
  ],
  [
    { ...bridge(), container: { docker: { image: "x", portMappings: [{}] }, portMappings: [{}] } },
    "spec.invalid",
    "/container/docker/portMappings",
  ],
  [{ ports: [80], portDefinitions: [{ port: 81 }] }, "spec.invalid", "/ports"],
  [{ ports: [65_536, "x"] }, "spec.type", "/ports(0)", "/ports(1)"],
  [{ ports: [80, 80] }, "spec.invalid", "/ports(1)"],
  [
    { portDefinitions: [{ port: 53 }, { port: 53, protocol: "udp" }], requirePorts: true },
    "spec.invalid",
    "/portDefinitions(1)",
  ],
  [{ portDefinitions: [{ name: "a" }, { name: "a" }] }, "spec.invalid", "/portDefinitions(1)/name"],
  [{ portDefinitions: [{ name: "a b" }] }, "spec.invalid", "/portDefinitions(0)/name"],
  [bridge([{ containerPort: 80 }, { containerPort: 80 }]), "spec.invalid", "/container/portMappings(1)"],
  [bridge([{ hostPort: 80 }, { hostPort: 80, protocol: "udp" }]), "spec.invalid", "/container/portMappings(1)"],
  [bridge([{ networkNames: ["a"] }]), "spec.unsupported", "/container/portMappings(0)/networkNames"],
  // Constraints.
  [{ constraints: ["hostname", "UNIQUE"] }, "spec.type", "/constraints(0)", "/constraints(1)"],
  [{ constraints: [{ fieldName: "hostname", operator: "UNIQUE" }] }, "spec.type", "/constraints(0)"],
  [{ constraints: [["hostname"]] }, "spec.invalid", "/constraints(0)"],
  [{ constraints: [["a", "LIKE", "b", "c"]] }, "spec.invalid", "/constraints(0)"],
  [{ constraints: [["a", "EQUALS", "b"]] }, "spec.invalid", "/constraints(0)(1)"],
  [{ constraints: [["", "UNIQUE"]] }, "spec.invalid", "/constraints(0)(0)"],
  ...[
    ["a", "UNIQUE", "b"],
    ["a", "LIKE"],
    ["a", "LIKE", "("],
    ["a", "UNLIKE", "[b"],
    ["a", "MAX_PER"],
    ["a", "MAX_PER", "many"],
    ["a", "MAX_PER", "0"],
    ["a", "GROUP_BY", "1.5"],
    ["a", "IS"],
    ["a", "IS", "b c"],
  ].map((constraint): [Fields, string, string] => [{ constraints: [constraint] }, "spec.invalid", "/constraints(0)"]),
  // Health checks.
  [{ healthChecks: [{}, { portIndex: 1 }] }, "spec.invalid", "/healthChecks(1)/portIndex"],
  [{ ports: [], healthChecks: [{}] }, "spec.invalid", "/healthChecks(0)/portIndex"],
  [{ healthChecks: [{ port: 80, portIndex: 0 }] }, "spec.invalid", "/healthChecks(0)/portIndex"],
  [{ healthChecks: [{ protocol: "COMMAND" }] }, "spec.invalid", "/healthChecks(0)/command"],
  [
    { healthChecks: [{ protocol: "COMMAND", command: { value: "" } }] },
    "spec.invalid",
    "/healthChecks(0)/command/value",
  ],
  [{ healthChecks: [{ protocol: "GRPC" }] }, "spec.invalid", "/healthChecks(0)/protocol"],
  [{ healthChecks: [{ intervalSeconds: 0 }] }, "spec.invalid", "/healthChecks(0)/intervalSeconds"],
  [{ healthChecks: [{ ipProtocol: "IPv6" }] }, "spec.unsupported", "/healthChecks(0)/ipProtocol"],
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
  [{ cpus: "many" }, '/cpus: expected a number, got the text "many"'],
  [{ instances: 9_999 }, "/instances: expected 0 to 5000, got 9999"],
  [
    { id: "My_App" },
    '/id: "/My_App" is no app id: each part between slashes holds a-z and 0-9, with "-" and "." only inside; did you mean "/my-app"?',
  ],
  [{ dependencies: ["db"] }, '/dependencies(0): expected an absolute id, got "db"; did you mean "/db"?'],
  [{ fetch: [{}] }, "/fetch: this cluster's agents cannot fetch files before a start yet: remove the field"],
  [{ fetch: [{}], mem: -1, cpus: [] }, "/cpus: expected a number, got an empty list; and 2 more problems"],
  [
    { healthChecks: [{ portIndex: 3 }] },
    "/healthChecks(0)/portIndex: there is no port 3: the app has 1, counted from 0",
  ],
];
for (const [fields, message] of TOLD) {
  test(`${show(fields)} is told as ${JSON.stringify(message)}`, () => {
    assert.throws(() => readApp({ ...APP, ...fields }), { message });
  });
}

const MEANT: [name: string, suggestion: string | null][] = [
  ["cpu", "cpus"],
  ["Instances", "instances"],
  ["healthcheck", "healthChecks"],
  ["command", "cmd"],
  ["replicas", "instances"],
  ["foo", null],
  ["x".repeat(10_000), null],
];
for (const [name, suggestion] of MEANT) {
  test(`the unknown field ${name.slice(0, 20)} is ${suggestion === null ? "only ignored" : `taken for ${suggestion}`}`, () => {
    const [warning] = readApp({ ...APP, [name]: 1 }).warnings;
    const hint = suggestion === null ? "" : `; did you mean "${suggestion}"?`;
    assert.equal(warning?.message, `unknown field, ignored${hint}`);
  });
}

test("a relative id is below the group it stands in", () => {
  assert.equal(readApp({ ...APP, id: "web" }, { groupPath: "/prod/eu" }).spec.id, "/prod/eu/web");
  assert.equal(readApp({ ...APP, id: "../web" }, { groupPath: "/prod/eu" }).spec.id, "/prod/web");
  assert.equal(readApp({ ...APP, id: "/web" }, { groupPath: "/prod/eu" }).spec.id, "/web");
});

test("problems carry the line and column of the document", () => {
  const { value, locate } = parseDocument('{\n  "id": "/web",\n  "cmd": "x",\n  "cpus": {}\n}');
  assert.throws(
    () => readApp(value, { locate }),
    (error) => {
      assert.ok(error instanceof MusterError);
      assert.equal(error.message, "/cpus: expected a number, got an object (line 4, column 11)");
      assert.deepEqual(error.problems, [
        { path: "/cpus", message: "expected a number, got an object", line: 4, column: 11 },
      ]);
      return true;
    },
  );
});

test("what is no object at all is refused with one problem", () => {
  for (const input of [null, undefined, 5, "x", [], true]) {
    assert.throws(
      () => readApp(input),
      (error) => error instanceof MusterError && error.code === "spec.type" && error.problems.length === 1,
    );
  }
});

test("of thousands of problems fifty are told and all are counted", () => {
  assert.throws(
    () => readApp({ ...APP, constraints: Array(10_000).fill(5) }),
    (error) =>
      error instanceof MusterError && error.problems.length === 50 && /and 9999 more problems$/.test(error.message),
  );
});
