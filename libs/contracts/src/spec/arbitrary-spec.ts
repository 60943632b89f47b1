/** Random specs for property tests: every one is in the form that `readApp` answers, with all defaults filled in. */
import fc from "fast-check";
import {
  type AppSpec,
  CHECK_PROTOCOLS,
  type Constraint,
  type Container,
  type HealthCheck,
  type PortDefinition,
  type PortMapping,
  PROTOCOLS,
  READINESS_PROTOCOLS,
  type ReadinessCheck,
} from "./app.ts";
import { arbitraryCustom, arbitraryHeadroom, arbitraryPlacement, fitPlacement } from "./arbitrary-placement.ts";
import { CHECK_SCHEMES, type Check } from "./check.ts";
import { isForbiddenKey } from "./document.ts";
import { isHttp } from "./read/health-checks.ts";
import { ROLLOUT_DEFAULTS, ROLLOUT_STRATEGIES, type RolloutSpec } from "./rollout.ts";

/** Plain objects: what is read has a prototype too. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
const text = fc.string({ unit: "binary", maxLength: 12 }).filter((value) => !value.includes("\0"));
const word = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?$/);
const command = text.filter((value) => value.trim() !== "");
const name = text.filter((value) => value !== "" && !value.includes("=") && !isForbiddenKey(value));
const texts = fc.dictionary(name, text, { maxKeys: 3, noNullPrototype: true });
const quantity = fc.oneof(fc.nat(10_000), fc.double({ min: 0.001, max: 10_000, noNaN: true }));
const share = fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0.001, max: 1, noNaN: true }));
const port = fc.integer({ min: 1, max: 65_535 });
const portOrAny = fc.oneof(fc.constant(0), port);

export const arbitraryId: fc.Arbitrary<string> = fc
  .array(word, { minLength: 1, maxLength: 4 })
  .filter((parts) => !["restart", "tasks", "versions"].includes(parts.at(-1) as string))
  .map((parts) => `/${parts.join("/")}`);

const constraint: fc.Arbitrary<Constraint> = fc
  .tuple(
    name.filter((field) => !field.startsWith("@")),
    fc.constantFrom<[Constraint["operator"], string | null]>(
      ["UNIQUE", null],
      ["CLUSTER", null],
      ["CLUSTER", "rack-2"],
      ["GROUP_BY", null],
      ["GROUP_BY", "3"],
      ["LIKE", "rack-[1-3]"],
      ["UNLIKE", ".*"],
      ["MAX_PER", "2"],
      ["IS", "a/b_c.d"],
    ),
  )
  .map(([field, [operator, value]]) => ({ field, operator, value }));

const naming = { protocol: fc.constantFrom(...PROTOCOLS), name: fc.option(word), labels: texts };
/** Drops ports whose name another one before them has. */
const uniquelyNamed = <P extends { name: string | null }>(ports: P[]): P[] =>
  ports.filter(({ name }, index) => name === null || ports.findIndex((other) => other.name === name) === index);
const unlessZero = (number: number): unknown => (number === 0 ? {} : number);

const definitions: fc.Arbitrary<PortDefinition[]> = fc
  .uniqueArray(record({ port: portOrAny, ...naming }), { maxLength: 4, selector: ({ port }) => unlessZero(port) })
  .map(uniquelyNamed);

const mappings: fc.Arbitrary<PortMapping[]> = fc
  .uniqueArray(
    record({
      number: port,
      containerPort: fc.boolean(),
      hostPort: fc.boolean(),
      servicePort: fc.boolean(),
      ...naming,
    }),
    {
      maxLength: 4,
      selector: ({ number }) => number,
    },
  )
  .map((ports) =>
    uniquelyNamed(ports).map(({ number, containerPort, hostPort, servicePort, ...rest }) => ({
      containerPort: containerPort ? number : 0,
      hostPort: hostPort ? number : 0,
      servicePort: servicePort ? number : 0,
      ...rest,
    })),
  );

function healthCheck(portCount: number): fc.Arbitrary<HealthCheck> {
  const protocols = CHECK_PROTOCOLS.filter((protocol) => protocol === "COMMAND" || portCount > 0);
  const times = record({
    gracePeriodSeconds: fc.nat(1_000),
    intervalSeconds: fc.integer({ min: 1, max: 1_000 }),
    timeoutSeconds: fc.integer({ min: 1, max: 1_000 }),
    maxConsecutiveFailures: fc.nat(10),
    delaySeconds: fc.nat(100),
  });
  const target = record({
    protocol: fc.constantFrom(...protocols),
    path: text.map((value) => `/${value}`),
    fixed: fc.option(port),
    portIndex: fc.nat(Math.max(0, portCount - 1)),
    command,
    ignoreHttp1xx: fc.boolean(),
  });
  return fc.tuple(times, target).map(([timing, { protocol, path, fixed, portIndex, command, ignoreHttp1xx }]) => {
    const isCommand = protocol === "COMMAND";
    return {
      protocol,
      path: isHttp(protocol) ? path : null,
      portIndex: isCommand || fixed !== null ? null : portIndex,
      port: isCommand ? null : fixed,
      command: isCommand ? command : null,
      ignoreHttp1xx: isHttp(protocol) && ignoreHttp1xx,
      ...timing,
    };
  });
}

function readinessChecks(portNames: readonly string[]): fc.Arbitrary<ReadinessCheck[]> {
  if (portNames.length === 0) return fc.constant([]);
  const check = record({
    name: word,
    protocol: fc.constantFrom(...READINESS_PROTOCOLS),
    path: text.map((value) => `/${value}`),
    portName: fc.constantFrom(...portNames),
    timeoutSeconds: fc.integer({ min: 1, max: 1_000 }),
    longer: fc.integer({ min: 1, max: 1_000 }),
    httpStatusCodesForReady: fc.array(fc.integer({ min: 100, max: 999 }), { minLength: 1, maxLength: 3 }),
    preserveLastResponse: fc.boolean(),
  }).map(({ longer, ...rest }) => ({ ...rest, intervalSeconds: rest.timeoutSeconds + longer }));
  return fc.array(check, { maxLength: 1 });
}

function check(portCount: number): fc.Arbitrary<Check | null> {
  const place = fc
    .tuple(fc.option(port), fc.nat(Math.max(0, portCount - 1)))
    .map(([fixed, index]) => ({ port: fixed, portIndex: fixed === null ? index : null }));
  const path = text.map((value) => `/${value}`);
  const onPort = [
    fc
      .tuple(place, path, fc.constantFrom(...CHECK_SCHEMES))
      .map(([at, path, scheme]) => ({ type: "http" as const, ...at, path, scheme })),
    place.map((at) => ({ type: "tcp" as const, ...at })),
  ];
  const argv = fc.tuple(word, fc.array(text, { maxLength: 2 })).map(([program, rest]) => [program, ...rest]);
  const byCommand = fc.oneof(command, argv).map((line) => ({ type: "exec" as const, command: line }));
  const drawn = record({
    probe: fc.oneof(byCommand, ...(portCount === 0 ? [] : onPort)),
    intervalSeconds: fc.integer({ min: 1, max: 1_000 }),
    timeoutSeconds: fc.integer({ min: 1, max: 1_000 }),
    delaySeconds: fc.nat(100),
  });
  return fc.option(drawn);
}

const dockerOptions = {
  forcePullImage: fc.boolean(),
  privileged: fc.boolean(),
  parameters: fc.array(record({ key: text, value: text }), { maxLength: 2 }),
  portMappings: fc.constant<PortMapping[]>([]),
};
const imageContainer: fc.Arbitrary<Container> = record({
  type: fc.constantFrom("DOCKER", "MESOS"),
  image: fc.constantFrom("nginx", "registry.example:5000/team/app@sha256:abc"),
  ...dockerOptions,
});
const plainContainer: fc.Arbitrary<Container> = fc.constant({
  type: "MESOS",
  image: null,
  forcePullImage: false,
  privileged: false,
  parameters: [],
  portMappings: [],
});

type Network = Pick<AppSpec, "container" | "network" | "portDefinitions" | "requirePorts">;
type Networking = Network & Pick<AppSpec, "healthChecks" | "readinessChecks" | "check">;

const hostNetwork = record<Network>({
  network: fc.constant("host"),
  container: fc.oneof(fc.constant(null), plainContainer, imageContainer),
  portDefinitions: definitions,
  requirePorts: fc.boolean(),
});
const bridgeNetwork = record<Network>({
  network: fc.constant("bridge"),
  container: fc.tuple(imageContainer, mappings).map(([container, portMappings]) => ({ ...container, portMappings })),
  portDefinitions: fc.constant([]),
  requirePorts: fc.constant(false),
});
const noNetwork = record<Network>({
  network: fc.constant("none"),
  container: imageContainer,
  portDefinitions: fc.constant([]),
  requirePorts: fc.constant(false),
});

const networking: fc.Arbitrary<Networking> = fc.oneof(hostNetwork, bridgeNetwork, noNetwork).chain((network) => {
  const ports = [...network.portDefinitions, ...(network.container?.portMappings ?? [])];
  return record({
    healthChecks: fc.array(healthCheck(ports.length), { maxLength: 2 }),
    readinessChecks: readinessChecks(ports.flatMap(({ name }) => name ?? [])),
    check: check(ports.length),
  }).map((checks) => ({ ...network, ...checks }));
});

const running = (mayBeSilent: boolean): fc.Arbitrary<Pick<AppSpec, "cmd" | "args">> =>
  fc.oneof(
    command.map((cmd) => ({ cmd, args: null })),
    fc
      .tuple(command, fc.array(text, { maxLength: 3 }))
      .map(([first, others]) => ({ cmd: null, args: [first, ...others] })),
    ...(mayBeSilent ? [fc.constant({ cmd: null, args: null })] : []),
  );

const rest = record({
  user: fc.option(name),
  env: texts,
  instances: fc.nat(5_000),
  cpus: quantity.map((value) => Math.max(0.001, value)),
  mem: quantity,
  disk: quantity,
  gpus: fc.nat(16),
  constraints: fc.array(constraint, { maxLength: 3 }),
  acceptedResourceRoles: fc.array(word, { maxLength: 2 }),
  backoffSeconds: quantity,
  backoffFactor: fc.double({ min: 1, max: 100, noNaN: true }),
  maxLaunchDelaySeconds: quantity,
  killSelection: fc.constantFrom("YOUNGEST_FIRST" as const, "OLDEST_FIRST" as const),
  taskKillGracePeriodSeconds: fc.option(quantity),
  unreachableStrategy: fc.option(
    fc.tuple(quantity, quantity).map(([inactiveAfterSeconds, longer]) => ({
      inactiveAfterSeconds,
      expungeAfterSeconds: inactiveAfterSeconds + longer,
    })),
  ),
});

const upgradeStrategy = record({ minimumHealthCapacity: share, maximumOverCapacity: share });

const size = fc.integer({ min: 1, max: 20 });
const arbitraryRollout: fc.Arbitrary<RolloutSpec> = record({
  strategy: fc.constantFrom(...ROLLOUT_STRATEGIES),
  batches: fc.array(size, { minLength: 1, maxLength: 4 }),
  canary: size,
  watchSeconds: fc.nat(600),
  waitsForPromotion: fc.boolean(),
  timeoutSeconds: fc.option(fc.integer({ min: 1, max: 3_600 })),
  maxFailures: fc.option(fc.nat(10)),
  rollbackOnFailure: fc.boolean(),
});

/** What says nothing about a strategy is at its default. */
const fitRollout = ({ strategy, ...drawn }: RolloutSpec): RolloutSpec => ({
  ...drawn,
  strategy,
  batches: strategy === "batches" ? drawn.batches : ROLLOUT_DEFAULTS.batches,
  canary: strategy === "canary" ? drawn.canary : ROLLOUT_DEFAULTS.canary,
  waitsForPromotion: strategy !== "rolling" && drawn.waitsForPromotion,
});

/** Specs as they are stored. */
export const arbitrarySpec: fc.Arbitrary<AppSpec> = record({
  id: arbitraryId,
  labels: texts,
  isSingle: fc.boolean(),
  upgradeStrategy,
  networking,
  rest,
}).chain(({ id, labels, isSingle, upgradeStrategy, networking, rest }) =>
  record({
    running: running(networking.container?.image != null),
    dependencies: fc.uniqueArray(arbitraryId, { maxLength: 2 }),
    placement: arbitraryPlacement(arbitraryId),
    custom: arbitraryCustom,
    headroom: arbitraryHeadroom,
    rollout: arbitraryRollout,
  }).map(({ running, dependencies, placement, custom, headroom, rollout: drawnRollout }) => {
    const others = dependencies.filter((dependency) => dependency !== id);
    const isStaged = !isSingle && !placement.isGlobal && placement.gang === null;
    const rollout = fitRollout({ ...drawnRollout, strategy: isStaged ? drawnRollout.strategy : "rolling" });
    const drawn = { id, labels, upgradeStrategy, rollout, ...running, ...rest, ...networking, custom, placement };
    const spec = fitPlacement({ ...drawn, dependencies: others }, headroom);
    return isSingle && !placement.isGlobal ? singleInstance(spec) : spec;
  }),
);

const singleInstance = (spec: AppSpec): AppSpec => ({
  ...spec,
  labels: { ...spec.labels, MARATHON_SINGLE_INSTANCE_APP: "true" },
  instances: Math.min(1, spec.instances),
  upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
});
