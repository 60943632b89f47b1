/** Networks and ports: as they are said since Marathon 1.5, and as they were said before. */
import {
  type Json,
  NOT_SUPPORTED,
  NOT_TRUTH,
  none,
  type Row,
  refused,
  refusedBeside,
  same,
  shown,
  shownIn,
  shows,
  UNSUPPORTED,
} from "./row.ts";

const IMAGE = { docker: { image: "nginx" } };
const BRIDGE = { networks: [{ mode: "container/bridge" }], container: IMAGE };
const mapping = (fields: Json): Json => ({ ...BRIDGE, container: { ...IMAGE, portMappings: [fields] } });
const definition = (fields: Json): Json => ({ portDefinitions: [fields] });

/** A service port of the cluster's choice. */
const isServicePort = (value: unknown): boolean => Number(value) >= 10_000 && Number(value) <= 20_000;
const variables = shown("a task finds in its environment what its spec says");
const reached = shownIn("services/agent/src/host/docker/docker.test.ts", "a bridged port is reached at its host port");
const servicePorts = (says: string) => shownIn("libs/core/src/apps/service-ports.test.ts", says);
const PORT_RANGE = refused(65_536, /expected 0 to 65535/);
const PORT_NAME = refused("a b", /expected letters, digits and "_.-"/);

export const networking: readonly Row[] = [
  {
    field: "networks",
    default: [{ mode: "host" }],
    valid: [shows([], [{ mode: "host" }]), same([{ mode: "host" }])],
    invalid: [
      refused("host", /expected a list such as/),
      refused(["host"], /expected an object such as/, "/networks(0)"),
      refused([{ mode: "host" }, { mode: "host" }], /expected one network, got 2/),
    ],
    effect: reached,
  },
  {
    field: "networks[].mode",
    within: { container: IMAGE },
    default: "host",
    valid: [
      same("container/bridge"),
      same("none"),
      shows("bridge", "container/bridge", { warns: /"bridge" was understood as "container\/bridge"/ }),
    ],
    invalid: [
      refused("flat", /expected one of "host"/),
      refused("container", UNSUPPORTED, "/networks(0)"),
      refusedBeside({ container: null }, "container/bridge", /only a container with an image/, "/networks"),
    ],
    effect: shownIn("services/agent/src/host/docker/docker.test.ts", "no network means no address"),
  },
  {
    field: "networks[].name",
    within: { networks: [{ mode: "container" }], container: IMAGE },
    valid: [shows("", undefined, { beside: { networks: [{ mode: "host" }] } })],
    invalid: [
      refused("dcos", /cannot join networks by name/, "/networks(0)"),
      refusedBeside({ networks: [{ mode: "host" }] }, "dcos", /a network of mode "host" has no name/),
    ],
    effect: NOT_SUPPORTED,
  },
  {
    field: "networks[].labels",
    within: { networks: [{ mode: "host" }] },
    valid: [shows({ a: "b" }, undefined, { warns: /only networks with names have labels/ })],
    invalid: [refusedBeside({ networks: [{ mode: "container" }] }, {}, UNSUPPORTED, "/networks(0)")],
    effect: NOT_SUPPORTED,
  },
  {
    field: "portDefinitions",
    default: (value: unknown) =>
      JSON.stringify(value).replace(/\d{5}/, "n") === '[{"port":n,"protocol":"tcp","name":"default","labels":{}}]',
    valid: [
      same([]),
      shows([{ port: 9090 }], [{ port: 9090, protocol: "tcp", labels: {} }]),
      shows([{ port: 80 }], undefined, { beside: BRIDGE, warns: /the app is not on the host's network/ }),
    ],
    invalid: [
      refused({ port: 80 }, /expected a list of objects with a port/),
      refused([80], /expected an object such as \{"port": 8080\}/, "/portDefinitions(0)"),
    ],
    effect: variables,
  },
  {
    field: "portDefinitions[].port",
    within: definition({ name: "web" }),
    default: isServicePort,
    valid: [same(8080), shows("8081", 8081, { warns: /number 8081/ }), shows(0, isServicePort)],
    invalid: [
      PORT_RANGE,
      refused("http", /expected a whole number/),
      {
        ...refused(80, /port 80 stands twice/, "/portDefinitions(1)"),
        beside: { portDefinitions: [{}, { port: 80 }], requirePorts: true },
      },
    ],
    effect: servicePorts("a port of 0 gets a free one of the range, which no other app gets"),
  },
  {
    field: "portDefinitions[].protocol",
    within: definition({}),
    default: "tcp",
    valid: [
      same("udp"),
      same("udp,tcp"),
      shows("tcp,udp", "udp,tcp"),
      shows("TCP", "tcp", { warns: /understood as "tcp"/ }),
    ],
    invalid: [refused("sctp", /expected one of "tcp"/)],
    effect: none("on the host's network a task opens what it likes; others read the protocol with the port"),
  },
  {
    field: "portDefinitions[].name",
    within: definition({}),
    valid: [same("http-api"), shows(null, undefined)],
    invalid: [
      PORT_NAME,
      {
        ...refused("a", /the port name "a" stands twice/, "/portDefinitions(1)/name"),
        beside: { portDefinitions: [{}, { name: "a" }] },
      },
    ],
    effect: variables,
  },
  {
    field: "portDefinitions[].labels",
    within: definition({}),
    default: {},
    valid: [same({ VIP_0: "/web:80" })],
    invalid: [refused("VIP_0", /expected an object of texts/)],
    effect: none("proxies read it where they read the port"),
  },
  {
    field: "requirePorts",
    default: false,
    valid: [
      same(true, { beside: definition({ port: 9999 }) }),
      shows("True", true, { beside: definition({ port: 9999 }), warns: /understood as true/ }),
      shows(true, false, { beside: BRIDGE, warns: /it means something on the host's network only/ }),
    ],
    invalid: [NOT_TRUTH, refused(1, /expected true or false/)],
    effect: shown("a fixed port is the task's own"),
  },
  {
    field: "container.portMappings",
    within: BRIDGE,
    default: (value: unknown) =>
      JSON.stringify(value).replace(/\d{5}/, "n") ===
      '[{"containerPort":0,"hostPort":0,"servicePort":n,"protocol":"tcp","name":"default","labels":{}}]',
    valid: [
      same([]),
      shows([{}], undefined, { beside: { networks: [{ mode: "host" }] }, warns: /the app is not on a bridge network/ }),
    ],
    invalid: [
      refused({ containerPort: 80 }, /expected a list of objects with a containerPort/),
      refused([80], /expected an object such as \{"containerPort": 80\}/, "/container/portMappings(0)"),
    ],
    effect: reached,
  },
  {
    field: "container.portMappings[].containerPort",
    within: mapping({}),
    default: 0,
    valid: [same(80)],
    invalid: [
      PORT_RANGE,
      {
        ...refused(80, /containerPort 80 stands twice/, "/container/portMappings(1)"),
        beside: { container: { ...IMAGE, portMappings: [{}, { containerPort: 80 }] } },
      },
    ],
    effect: reached,
  },
  {
    field: "container.portMappings[].hostPort",
    within: mapping({ containerPort: 80 }),
    default: 0,
    valid: [same(8080), shows(null, 0)],
    invalid: [PORT_RANGE, refused("any", /expected a whole number/)],
    effect: shownIn("test/scripts/ports.txt", "Fixed ports must be offered and free"),
  },
  {
    field: "container.portMappings[].servicePort",
    within: mapping({ containerPort: 80 }),
    default: isServicePort,
    valid: [same(10_080)],
    invalid: [PORT_RANGE],
    effect: servicePorts("mappings of a bridge have them beside their host ports"),
  },
  {
    field: "container.portMappings[].protocol",
    within: mapping({ containerPort: 80 }),
    default: "tcp",
    valid: [same("udp"), shows("tcp,udp", "udp,tcp")],
    invalid: [refused("icmp", /expected one of "tcp"/)],
    effect: shownIn(
      "services/agent/src/host/docker/container.test.ts",
      "a port is opened for the protocol it is mapped for",
    ),
  },
  {
    field: "container.portMappings[].name",
    within: mapping({ containerPort: 80 }),
    valid: [same("http")],
    invalid: [PORT_NAME],
    effect: shownIn("libs/core/src/placement/run-document.test.ts", "PORT_"),
  },
  {
    field: "container.portMappings[].labels",
    within: mapping({ containerPort: 80 }),
    default: {},
    valid: [same({ VIP_0: "/web:80" })],
    invalid: [refused([], /expected an object of texts/)],
    effect: none("proxies read it where they read the port"),
  },
  {
    field: "container.portMappings[].networkNames",
    within: mapping({ containerPort: 80 }),
    valid: [shows([], undefined)],
    invalid: [refused(["dcos"], /cannot join networks by name/)],
    effect: NOT_SUPPORTED,
  },
  {
    field: "ports",
    valid: [
      shows([9191], [{ port: 9191, protocol: "tcp", labels: {} }], { at: "portDefinitions" }),
      shows([], [], { at: "portDefinitions" }),
      shows(["9192"], 9192, { at: "portDefinitions[].port", warns: /\/ports\(0\): the text "9192"/ }),
      shows([9193], 9193, { at: "portDefinitions[].port", beside: definition({ port: 9193, name: "x" }) }),
    ],
    invalid: [
      refused(8080, /expected a list of port numbers/),
      refused([65_536], /expected 0 to 65535/, "/ports(0)"),
      refused([80, 80], /port 80 stands twice/, "/ports(1)"),
      refusedBeside(definition({ port: 81 }), [80], /ports and portDefinitions say different things/),
    ],
    effect: variables,
  },
  {
    field: "container.docker.network",
    within: { container: IMAGE },
    valid: [
      shows("BRIDGE", [{ mode: "container/bridge" }], { at: "networks" }),
      shows("HOST", [{ mode: "host" }], { at: "networks" }),
      shows("NONE", [{ mode: "none" }], { at: "networks" }),
      shows("bridge", [{ mode: "container/bridge" }], { at: "networks", warns: /understood as "BRIDGE"/ }),
    ],
    invalid: [
      refused("USER", /cannot join networks by name/),
      refused("FLAT", /expected one of "HOST"/),
      refusedBeside({ networks: [{ mode: "host" }] }, "HOST", /exclude each other: keep networks/),
    ],
    effect: reached,
  },
  {
    field: "container.docker.portMappings",
    within: { container: { docker: { image: "nginx", network: "BRIDGE" } } },
    valid: [shows([{ containerPort: 80 }], 80, { at: "container.portMappings[].containerPort" })],
    invalid: [
      refused(
        [{ containerPort: "http" }],
        /expected a whole number/,
        "/container/docker/portMappings(0)/containerPort",
      ),
      {
        ...refused([{}], /exclude each other: keep the former/),
        beside: { container: { docker: { image: "nginx", network: "BRIDGE" }, portMappings: [{}] } },
      },
    ],
    effect: reached,
  },
  {
    field: "ipAddress",
    within: { container: IMAGE },
    valid: [
      shows({ networkName: "mesos-bridge" }, [{ mode: "container/bridge" }], {
        at: "networks",
        warns: /understood as/,
      }),
    ],
    invalid: [
      refused("10.0.0.1", /expected an object such as/),
      refused({}, /cannot give an app its own network address/),
      refused({ networkName: "dcos" }, /cannot join networks by name/, "/ipAddress/networkName"),
      refused(
        { networkName: "mesos-bridge", discovery: { ports: [{ number: 80, name: "http", protocol: "tcp" }] } },
        /write its ports as container.portMappings/,
        "/ipAddress/discovery",
      ),
      refusedBeside({ networks: [{ mode: "host" }] }, { networkName: "mesos-bridge" }, /exclude each other/),
    ],
    effect: reached,
  },
];
