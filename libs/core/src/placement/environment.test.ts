/** The environment of instances, row by row as Marathon's clients know it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type InstanceDocument, type PlacedRow, readApp } from "@muster/contracts";
import { TestCluster } from "../testing/test-cluster.ts";
import { decideRound } from "./round.ts";
import { instanceRecord } from "./run-document.ts";

const ROW: PlacedRow = {
  slot: 2,
  attempt: 7,
  version: 1_000,
  goal: "run",
  agent: "n1",
  ports: [],
  items: {},
  atMs: 0,
};

type Given = { fields?: object; ports?: number[]; prefix?: string };

function environmentOf({ fields = {}, ports = [], prefix }: Given): Record<string, string> {
  const { spec } = readApp({ id: "/prod/web", cmd: "true", portDefinitions: [], ...fields });
  const offer = { address: "10.0.0.1", hostname: "n1.example" };
  return instanceRecord(spec, { ...ROW, ports }, offer, null, prefix).run.env;
}

const BRIDGE = (...portMappings: object[]) => ({
  portDefinitions: null,
  networks: [{ mode: "container/bridge" }],
  container: { type: "DOCKER", docker: { image: "nginx:1" }, portMappings },
});
const long = (length: number): string => "x".repeat(length);

for (const [about, given, expected] of [
  [
    "every app",
    {},
    {
      MESOS_TASK_ID: "prod_web.2.7",
      MARATHON_APP_ID: "/prod/web",
      MARATHON_APP_VERSION: "1970-01-01T00:00:01.000Z",
      MARATHON_APP_DOCKER_IMAGE: undefined,
      MARATHON_APP_ENFORCE_GROUP_ROLE: "FALSE",
      MARATHON_APP_RESOURCE_CPUS: "1.0",
      MARATHON_APP_RESOURCE_MEM: "128.0",
      MARATHON_APP_RESOURCE_DISK: "0.0",
      MARATHON_APP_RESOURCE_GPUS: "0",
      MARATHON_APP_LABELS: "",
      HOST: "n1.example",
      PORT: undefined,
      PORT0: undefined,
      PORTS: undefined,
    },
  ],
  [
    "shares of cpus and memory",
    { fields: { cpus: 0.25, mem: 32.5, disk: 10 } },
    { MARATHON_APP_RESOURCE_CPUS: "0.25", MARATHON_APP_RESOURCE_MEM: "32.5", MARATHON_APP_RESOURCE_DISK: "10.0" },
  ],
  [
    "gpus, which are counted",
    { fields: { gpus: 2, container: { type: "MESOS" } } },
    { MARATHON_APP_RESOURCE_GPUS: "2" },
  ],
  [
    "labels, with names that variables may have",
    { fields: { labels: { tier: "db", "My-App.x": "1", "a/.b": "2" } } },
    {
      MARATHON_APP_LABELS: "TIER MY_APP_X A_B",
      MARATHON_APP_LABEL_TIER: "db",
      MARATHON_APP_LABEL_MY_APP_X: "1",
      MARATHON_APP_LABEL_A_B: "2",
    },
  ],
  [
    "two labels of one variable",
    { fields: { labels: { "a.b": "1", "a-b": "2" } } },
    { MARATHON_APP_LABELS: "A_B", MARATHON_APP_LABEL_A_B: "2" },
  ],
  [
    "labels that are too long for a variable",
    { fields: { labels: { fits: long(511), value: long(512), [long(493)]: "name", [long(492)]: "fits" } } },
    {
      MARATHON_APP_LABELS: `FITS ${long(492).toUpperCase()}`,
      MARATHON_APP_LABEL_FITS: long(511),
      MARATHON_APP_LABEL_VALUE: undefined,
      [`MARATHON_APP_LABEL_${long(492).toUpperCase()}`]: "fits",
      [`MARATHON_APP_LABEL_${long(493).toUpperCase()}`]: undefined,
    },
  ],
  [
    "a Docker container",
    { fields: { container: { type: "DOCKER", docker: { image: "nginx:1" } } } },
    { MARATHON_APP_DOCKER_IMAGE: "nginx:1" },
  ],
  [
    "a container of another type",
    { fields: { container: { type: "MESOS", docker: { image: "nginx:1" } } } },
    { MARATHON_APP_DOCKER_IMAGE: undefined },
  ],
  [
    "ports on the host's network",
    { fields: { portDefinitions: [{ port: 0, name: "http-api" }, { port: 9_000 }] }, ports: [31_005, 31_006] },
    {
      PORT: "31005",
      PORT0: "31005",
      PORT1: "31006",
      PORT2: undefined,
      PORTS: "31005,31006",
      PORT_HTTP_API: "31005",
      PORT_9000: "31006",
      PORT_0: undefined,
    },
  ],
  [
    "mapped ports on a bridge",
    {
      fields: BRIDGE({ containerPort: 80, hostPort: 0, name: "http" }, { containerPort: 53, protocol: "udp,tcp" }),
      ports: [31_001, 31_002],
    },
    {
      PORT: "31001",
      PORT0: "31001",
      PORT1: "31002",
      PORT2: undefined,
      PORTS: "31001,31002",
      PORT_80: "31001",
      PORT_HTTP: "31001",
      PORT_53: "31002",
    },
  ],
  [
    "a prefix",
    { fields: { portDefinitions: [{ port: 9_000, name: "http" }], labels: { a: "b" } }, ports: [31_005], prefix: "M_" },
    {
      M_HOST: "n1.example",
      M_PORT: "31005",
      M_PORT0: "31005",
      M_PORTS: "31005",
      M_PORT_9000: "31005",
      M_PORT_HTTP: "31005",
      HOST: undefined,
      PORT0: undefined,
      PORT_HTTP: undefined,
      MESOS_TASK_ID: "prod_web.2.7",
      MARATHON_APP_LABEL_A: "b",
      M_MARATHON_APP_ID: undefined,
    },
  ],
  [
    "variables of its own, which come last",
    {
      fields: { env: { HOST: "me", PORT0: "1", MARATHON_APP_ID: "x", MINE: "y" }, portDefinitions: [{}] },
      ports: [31_005],
    },
    { HOST: "me", PORT0: "1", PORT: "31005", MARATHON_APP_ID: "x", MINE: "y" },
  ],
] as [string, Given, Record<string, string | undefined>][])
  test(`an instance with ${about} finds its environment`, () => {
    const env = environmentOf(given);
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, env[name]])), expected);
  });

test("the prefix of a round reaches its records, those of stops as well", () => {
  const cluster = new TestCluster();
  cluster.agent("n1");
  cluster.app("/a", { portDefinitions: [{ port: 0 }] });
  cluster.want("/a", 1);
  const place = (): void => {
    const { state, health, now } = cluster;
    const input = { state: state.snapshot(), health: health.snapshot(), apps: ["/a"], trace: () => null };
    const { decision } = decideRound({ ...input, envVarsPrefix: "M_" }, { now, dice: () => 0.5 });
    assert.ok(cluster.state.commit(decision));
  };
  const record = () =>
    [...cluster.state.snapshot().kind("instance").values()][0]?.value as InstanceDocument | undefined;
  place();
  assert.match(record()?.run.env.M_PORT0 ?? "", /^\d+$/);
  cluster.unwant("/a", () => true);
  place();
  assert.deepEqual([record()?.goal, record()?.run.env.HOST, record()?.run.env.M_HOST], ["stop", undefined, "n1"]);
});
