/** What Marathon fills in where a spec is silent. */
import type { AppSpec, HealthCheck, PortDefinition, PortMapping, ReadinessCheck } from "../app.ts";

export const APP_DEFAULTS = {
  instances: 1,
  cpus: 1,
  mem: 128,
  disk: 0,
  gpus: 0,
  backoffSeconds: 1,
  backoffFactor: 1.15,
  maxLaunchDelaySeconds: 300,
  killSelection: "YOUNGEST_FIRST",
  upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
  unreachableStrategy: { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
} as const satisfies Partial<AppSpec>;

/** A single-instance app is stopped before its successor starts. */
export const SINGLE_INSTANCE_STRATEGY = { minimumHealthCapacity: 0, maximumOverCapacity: 0 } as const;

export const HEALTH_CHECK_DEFAULTS = {
  protocol: "HTTP",
  gracePeriodSeconds: 300,
  intervalSeconds: 60,
  timeoutSeconds: 20,
  maxConsecutiveFailures: 3,
  delaySeconds: 15,
  ignoreHttp1xx: false,
} as const satisfies Partial<HealthCheck>;

export const READINESS_CHECK_DEFAULTS = {
  name: "readinessCheck",
  protocol: "HTTP",
  path: "/",
  portName: "http-api",
  intervalSeconds: 30,
  timeoutSeconds: 10,
  preserveLastResponse: false,
} as const satisfies Partial<ReadinessCheck>;
export const readyStatusCodes = (): number[] => [200];

/** Those of a health check, which is made in the same ways. */
export const CHECK_DEFAULTS = {
  intervalSeconds: 60,
  timeoutSeconds: 20,
  delaySeconds: 15,
  scheme: "HTTP",
} as const;

export const PORT_DEFAULTS = { port: 0, protocol: "tcp" } as const satisfies Partial<PortDefinition>;
export const MAPPING_DEFAULTS = {
  containerPort: 0,
  hostPort: 0,
  servicePort: 0,
  protocol: "tcp",
} as const satisfies Partial<PortMapping>;

/** The port of an app that names none. */
export const defaultPort = (): PortDefinition => ({ ...PORT_DEFAULTS, name: "default", labels: {} });
export const defaultMapping = (): PortMapping => ({ ...MAPPING_DEFAULTS, name: "default", labels: {} });

export const PLACEMENT_DEFAULTS = { priority: "normal", spreadWeight: 50, over: "@hostname" } as const;
export const GANG_DEFAULTS = { patienceSeconds: 30, holdSeconds: 300 } as const;

/** Bounds of quantities: wide enough for any cluster, narrow enough that sums over one stay exact integers. */
export const CPUS_MIN = 0.001;
export const CPUS_MAX = 1_000_000;
export const MEBIBYTES_MAX = 1_000_000_000;
export const GPUS_MAX = 1_000_000;
/** Of a custom resource. */
export const UNITS_MAX = 1_000_000;
export const SECONDS_MAX = 1_000_000_000;
export const FACTOR_MAX = 1_000_000;
