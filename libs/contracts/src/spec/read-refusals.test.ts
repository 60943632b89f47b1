/** What is refused, in which words, and where in the document. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MusterError } from "../errors.ts";
import { APP_PORTS_MAX } from "../limits.ts";
import { parseDocument } from "./json.ts";
import { readApp } from "./read.ts";
import { mergeAppUpdate } from "./update.ts";

type Fields = Record<string, unknown>;
const APP = { id: "/web", cmd: "sleep 1" };
const IMAGE = { type: "DOCKER", docker: { image: "nginx" } };
const bridge = (portMappings?: unknown): Fields => ({
  networks: [{ mode: "container/bridge" }],
  container: { ...IMAGE, ...(portMappings === undefined ? {} : { portMappings }) },
});
const show = (fields: unknown): string => JSON.stringify(fields).slice(0, 110);

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
  [{ dependencies: ["../../db"] }, "spec.invalid", "/dependencies(0)"],
  [{ dependencies: ["web"] }, "spec.invalid", "/dependencies(0)"],
  [{ dependencies: ["/web"] }, "spec.invalid", "/dependencies(0)"],
  // What no agent can do yet.
  ...Object.entries({
    fetch: [{ uri: "x" }],
    uris: ["x"],
    storeUrls: ["x"],
    secrets: { a: { source: "b" } },
    executorResources: { cpus: 1 },
    tty: true,
    ipAddress: { groups: ["a"] },
    executor: "/bin/x",
    role: "web",
  }).map(([name, value]): [Fields, string, string] => [{ [name]: value }, "spec.unsupported", `/${name}`]),
  [{ ipAddress: { networkName: "dcos" } }, "spec.unsupported", "/ipAddress/networkName"],
  [{ ipAddress: { networkName: "mesos-bridge" } }, "spec.invalid", "/ipAddress"],
  [
    { ipAddress: { networkName: "mesos-bridge", discovery: { ports: [{ number: 80 }] } }, container: IMAGE },
    "spec.invalid",
    "/ipAddress/discovery",
  ],
  [
    { ipAddress: { networkName: "mesos-bridge" }, networks: [{ mode: "host" }], container: IMAGE },
    "spec.invalid",
    "/ipAddress",
  ],
  [
    { ipAddress: { networkName: "mesos-bridge" }, container: { docker: { image: "x", network: "BRIDGE" } } },
    "spec.invalid",
    "/ipAddress",
  ],
  [{ fetch: [{ uri: 5, extract: "no" }] }, "spec.type", "/fetch(0)/uri", "/fetch(0)/extract", "/fetch"],
  [{ fetch: [{}] }, "spec.invalid", "/fetch(0)/uri", "/fetch"],
  [{ fetch: [{ uri: "a b", destPath: "../x" }] }, "spec.invalid", "/fetch(0)/uri", "/fetch(0)/destPath", "/fetch"],
  [{ fetch: [{ uri: "x" }], uris: ["y".repeat(1_025)] }, "spec.invalid", "/uris(0)", "/uris", "/fetch", "/uris"],
  [{ acceptedResourceRoles: ["*", ""] }, "spec.invalid", "/acceptedResourceRoles(1)"],
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
  [{ ports: new Array(APP_PORTS_MAX + 1).fill(0) }, "spec.invalid", "/ports"],
  [{ portDefinitions: new Array(APP_PORTS_MAX + 1).fill({ port: 0 }) }, "spec.invalid", "/portDefinitions"],
  [bridge(new Array(APP_PORTS_MAX + 1).fill({})), "spec.invalid", "/container/portMappings"],
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
  [{ constraints: [["@rack", "UNIQUE"]] }, "spec.invalid", "/constraints(0)(0)"],
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
  [
    { dependencies: ["Db"] },
    '/dependencies(0): "/Db" is no app id: each part between slashes holds a-z and 0-9, with "-" and "." only inside; did you mean "/db"?',
  ],
  [{ fetch: [{ uri: "x" }] }, "/fetch: this cluster's agents cannot fetch files before a start yet: remove the field"],
  [{ fetch: [{ uri: "x" }], mem: -1, cpus: [] }, "/cpus: expected a number, got an empty list; and 2 more problems"],
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

test("an app speaks of its neighbours by their names, and of others in steps from itself, of each once", () => {
  const { dependencies } = readApp({
    ...APP,
    id: "/prod/eu/web",
    dependencies: ["db", "cache/main", "../db", "../../mail", "/log"],
  }).spec;
  assert.deepEqual(dependencies, ["/prod/eu/db", "/prod/eu/cache/main", "/prod/mail", "/log"]);
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

test("an app inside a larger document is reported from there", () => {
  const { value, locate } = parseDocument(
    '{"apps": [\n{"id": "a", "cmd": "x"},\n{"id": "b", "cmd": "x", "cpus": {}}]}',
  );
  const { apps } = value as { apps: unknown[] };
  const refused = (run: () => unknown, path: string, line?: number) =>
    assert.throws(run, (error) => {
      assert.ok(error instanceof MusterError);
      assert.deepEqual([error.problems[0]?.path, error.problems[0]?.line], [path, line]);
      assert.ok(error.message.startsWith(`${path}: `), error.message);
      return true;
    });
  refused(() => readApp(apps[1], { locate, at: ["apps", 1] }), "/apps(1)/cpus", 3);
  refused(() => readApp({ ...APP, id: 5 }, { at: [0] }), "(0)/id");
  refused(() => mergeAppUpdate(readApp(APP).spec, { cpus: {} }, { at: [2] }), "(2)/cpus");
});
